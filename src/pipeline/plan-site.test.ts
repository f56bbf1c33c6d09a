import { expect, test } from 'vitest'
import { LarderError, silentProgress, systemClock } from '../core/index.ts'
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

test('what is only a warning is told at its place, and planned all the same', async () => {
  const lines: string[] = []
  const progress = { ...silentProgress, log: (line: string) => void lines.push(line) }
  const position = { file: 'larder.yaml', line: 2, column: 9 }
  const warns: AnyKind = {
    ...kind,
    check: () => Promise.resolve([{ severity: 'warning', ...position, message: 'a long word' }]),
  }
  const { plans } = await planSite({ ...start('site: lab\nwords: [antidisestablishment]\n'), progress }, [warns])
  expect(plans).toHaveLength(1)
  expect(lines).toEqual(['larder.yaml:2:9: warning: a long word'])
})

test('what is right of a site with errors is planned by kinds that can, for what that finds wrong', async () => {
  const problem = { severity: 'error' as const, file: 'other.json', line: 1, column: 1, message: 'no such word' }
  const finds = (plansInPart: boolean): AnyKind => ({
    ...kind,
    plansInPart,
    plan: () => {
      throw new LarderError('PACKAGE_UNKNOWN', { message: 'no such word', context: { problems: [problem] } })
    },
  })
  const told = async (one: AnyKind): Promise<unknown> => {
    const refused: unknown = await planSite(start('site: Lab\nwords: [a]\n'), [one]).catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'SITE_INVALID' })
    return (refused as LarderError).context['problems']
  }
  const wrongName = expect.objectContaining({ file: 'larder.yaml', line: 1 }) as unknown
  expect(await told(finds(true))).toEqual([wrongName, problem])
  expect(await told(finds(false))).toEqual([wrongName])
})

test('what keeps a kind from looking at a site with errors is passed over, but no bug', async () => {
  const fails = (error: Error): AnyKind => ({ ...kind, plansInPart: true, observe: () => Promise.reject(error) })
  const plan = (error: Error) => planSite(start('site: Lab\nwords: [a]\n'), [fails(error)])
  const away = new LarderError('FETCH_UNREACHABLE', { message: 'away' })
  await expect(plan(away)).rejects.toMatchObject({ code: 'SITE_INVALID' })
  await expect(plan(new TypeError('a bug'))).rejects.toThrow('a bug')
})

test('a kind that says nothing of a missing section is left alone', async () => {
  expect((await planSite(start('site: lab\n'), [kind])).plans).toEqual([])
})
