import { afterAll, beforeAll, expect, it } from 'vitest'
import { formatProblem, isLarderError, problemsIn, silentProgress } from '../core/index.ts'
import { memoryFiles } from '../core/testing/memory-files.ts'
import { openTestLarder, type TestLarder } from './testing/open-test-larder.ts'

let larder: TestLarder
beforeAll(async () => {
  larder = await openTestLarder({ suite: { components: ['main', 'contrib'] } })
})
afterAll(() => larder[Symbol.asyncDispose]())

interface Draft {
  upstream: Record<string, unknown>
  mirrors: Record<string, Record<string, unknown>>
  files: Record<string, string>
  site: Record<string, unknown>
}

const mirror = { format: 'apt', upstreams: ['test'], suite: 'stable', architectures: ['amd64'] }

async function refusal(change: (draft: Draft) => void): Promise<{ code: string | undefined; told: string[] }> {
  const { url, key } = larder.upstream
  const draft: Draft = {
    upstream: { format: 'apt', url, keys: ['key.asc'] },
    mirrors: { base: { ...mirror, packages: 'packages.json' }, east: { ...mirror, packages: ['beta'] } },
    files: { 'key.asc': key, 'packages.json': '["alpha"]' },
    site: { site: 'campus' },
  }
  change(draft)
  const site = { ...draft.site, upstreams: { test: draft.upstream }, mirrors: draft.mirrors }
  const files = memoryFiles({ ...draft.files, 'larder.yaml': JSON.stringify(site, undefined, 1) })
  try {
    await larder.larder.controller.planFiles(files, { progress: silentProgress })
    return { code: undefined, told: [] }
  } catch (error) {
    if (!isLarderError(error)) throw error
    expect(error.exitCode).toBe(3)
    return { code: error.code, told: problemsIn(error).map(formatProblem) }
  }
}

it('nothing is wrong with what each case begins with', async () => {
  expect(await refusal(() => {})).toEqual({ code: undefined, told: [] })
})

it.each<[string, string, RegExp[], (draft: Draft) => void]>([
  [
    'names that no upstream has, in several lists',
    'PACKAGE_UNKNOWN',
    [/^larder\.yaml:\d+:\d+: no upstream has a package betta: did you mean beta\?$/, /^packages\.json:1:2: .* alhpa: did you mean alpha\?$/], // prettier-ignore
    ({ files, mirrors }) => {
      files['packages.json'] = '["alhpa"]'
      mirrors['east']!['packages'] = ['betta']
    },
  ],
  [
    'such names beside a mistake in larder.yaml, and beside one in the same list',
    'SITE_INVALID',
    [
      /^larder\.yaml:\d+:\d+: "site"/,
      /^packages\.json:1:2: .* alhpa: did you mean alpha\?$/,
      /^packages\.json:1:11: .*;/,
    ],
    ({ files, site }) => {
      site['site'] = 'Campus'
      files['packages.json'] = '["alhpa", "be;ta"]'
    },
  ],
  [
    'such names beside a mirror that is wrong in itself',
    'SITE_INVALID',
    [/^larder\.yaml:\d+:\d+: "architectures" is "amd64"/, /^packages\.json:1:2: .* alhpa/],
    ({ files, mirrors }) => {
      mirrors['east']!['architectures'] = 'amd64'
      files['packages.json'] = '["alhpa"]'
    },
  ],
  [
    'an architecture, beside names of another mirror',
    'APT_PART_UNKNOWN',
    [
      /^larder\.yaml:\d+:\d+: upstream test has no architecture "amd46"; .*: did you mean amd64\?$/,
      /^packages\.json:1:2:/,
    ],
    ({ files, mirrors }) => {
      mirrors['east']!['architectures'] = ['amd46']
      files['packages.json'] = '["alhpa"]'
    },
  ],
  [
    'an architecture and a component beside others that are there',
    'APT_PART_UNKNOWN',
    [/no component "contirb"; expected one of main, contrib: did you mean contrib\?$/, /no architecture "amd46"/],
    ({ mirrors }) =>
      Object.assign(mirrors['east']!, { architectures: ['amd64', 'amd46'], components: ['main', 'contirb'] }),
  ],
  [
    'a component of an upstream of its own',
    'APT_PART_UNKNOWN',
    [/no component "mian"; expected one of main, contrib: did you mean main\?$/],
    ({ upstream }) => (upstream['components'] = ['contrib', 'mian']),
  ],
  [
    'a suite that was never there',
    'APT_PART_UNKNOWN',
    [/neither InRelease nor Release is at .*\/dists\/stabel\/Release; expected a suite that is there/],
    ({ mirrors }) => (mirrors['east']!['suite'] = 'stabel'),
  ],
])('tells all at once: %s', async (_, code, told, change) => {
  const found = await refusal(change)
  expect(found.code).toBe(code)
  expect(found.told).toEqual(expect.arrayContaining(told.map((one) => expect.stringMatching(one) as string)))
  expect(found.told).toHaveLength(told.length)
})

it('an upstream that is gone hides nothing of what the files say', async () => {
  larder.upstream.fault(/stable/, { kind: 'vanish' })
  try {
    const { told } = await refusal(({ site }) => (site['site'] = 'Campus'))
    expect(told).toEqual([expect.stringMatching(/"site"/)])
  } finally {
    larder.upstream.clearFaults()
  }
})
