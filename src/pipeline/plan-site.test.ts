import { expect, test } from 'vitest'
import { silentProgress, systemClock } from '../core/index.ts'
import { memoryFiles } from '../core/testing/memory-files.ts'
import type { AnyKind } from './any-kind.ts'
import { planSite } from './plan-site.ts'
import { createFakeKind } from './testing/fake-kind.ts'

const start = (yaml: string) => ({
  files: memoryFiles({ 'larder.yaml': yaml }),
  clock: systemClock,
  progress: silentProgress,
  signal: new AbortController().signal,
  runId: '1',
  freshForMs: 0,
  trust: 'trusted' as const,
})

const { kind } = createFakeKind()
/** Removes what is not desired; a site without the section desires nothing. */
const tidying: AnyKind = {
  ...kind,
  nothing: [],
  observe: () => Promise.resolve(new Set(['a'])),
  plan: (desired, observed) =>
    [...(observed as Set<string>)]
      .filter((word) => !(desired as string[]).includes(word))
      .map((word) => ({ subject: word, action: 'remove', summary: '', detail: null })),
}

test.each([
  ['site: lab\nwords: [a]\n', []],
  ['site: lab\nwords: []\n', ['a']],
  ['site: lab\n', ['a']],
])('%j: removes %j', async (yaml, removed) => {
  const { plans } = await planSite(start(yaml), [tidying])
  expect(plans.flatMap(({ changes }) => changes.map(({ subject }) => subject))).toEqual(removed)
})

test('a kind that says nothing of a missing section is left alone', async () => {
  expect((await planSite(start('site: lab\n'), [kind])).plans).toEqual([])
})
