import { expect, it } from 'vitest'
import type { Digest } from '../core/index.ts'
import type { Fetcher, FetchResult } from '../fetch/index.ts'
import type { LeaseId } from '../store/index.ts'
import { universeOf } from '../../test/fixtures/universe-of.ts'
import type { AptResolution } from './format.ts'
import { stagePackages } from './stage-packages.ts'

const universe = await universeOf([[['a 1.0'], ['b 1.0'], ['c 1.0']]])
const rows = Uint32Array.from(['a', 'b', 'c'].flatMap((name) => [...universe.rowsNamed(name)]))
const source = { limits: { packageBytes: 1e6 } }
const suite = { source, baseUrls: ['http://upstream.example.org/'], upstream: 'up0', suite: 'stable' }
const digestOfRow = (row: number): Digest => `sha256:${universe.packageOf(row).sha256 ?? ''}` as Digest

function stage(answer: (url: string) => FetchResult, held: readonly Digest[] = []) {
  const packages = Array.from(rows, (row) => ({
    ...universe.packageOf(row),
    path: '',
    digest: digestOfRow(row),
    reason: 'listed',
  }))
  const asked: string[] = []
  const fetcher = {
    fetchAll: async (requests: readonly { urls: readonly string[] }[]) =>
      requests.map(({ urls: [url = ''] }) => {
        asked.push(url)
        return answer(url)
      }),
  } as unknown as Fetcher
  const context = {
    lease: 'l' as LeaseId,
    signal: new AbortController().signal,
    progress: { log: () => {}, transfer: () => {} },
    freshForMs: 0,
    now: new Date(0),
  }
  const loaded = { universe, suites: [suite], suiteOf: new Map(universe.members.map((member) => [member, suite])) }
  const resolution = { packages, binaries: packages, rows, notes: [], sources: undefined } as unknown as AptResolution
  const staging = { context, loaded, resolution, held: new Set(held) }
  const staged = stagePackages({ fetcher }, staging as unknown as Parameters<typeof stagePackages>[1])
  return { staged, asked }
}

const fetched = (): FetchResult => ({
  kind: 'fetched',
  digest: 'sha256:new' as Digest,
  sizeBytes: 1,
  validators: {},
  url: '',
})

it('asks for what is not held, and answers with the digests that came', async () => {
  const { staged, asked } = stage(fetched, [digestOfRow(rows[0]!)])
  expect((await staged).packages.map(({ name, digest }) => [name, digest])).toEqual([
    ['a', digestOfRow(rows[0]!)],
    ['b', 'sha256:new'],
    ['c', 'sha256:new'],
  ])
  expect(asked).toHaveLength(2)
})

it('says which promised package no address has', async () => {
  const { staged } = stage((url) => (url.includes('/b_') ? { kind: 'absent', urls: [url] } : fetched()))
  await expect(staged).rejects.toMatchObject({
    code: 'APT_UPSTREAM_CHANGED',
    message: expect.stringMatching(/^b 1\.0 amd64 is not at http:\/\/upstream\.example\.org\/pool/) as string,
  })
})
