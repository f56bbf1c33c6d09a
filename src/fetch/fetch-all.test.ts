import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { startFileServer, type FileServer, type ServedFile } from '../../test/fixtures/upstream/index.ts'
import { digestOf, hexOf, silentProgress, type TransferState } from '../core/index.ts'
import type { FetchResult, LabelledRequest } from './fetcher.ts'
import { collectDigests, createTestFetcher, type TestFetcher } from './testing/index.ts'

let server: FileServer
let testing: TestFetcher
const files = new Map<string, ServedFile>()
const { signal } = new AbortController()

beforeEach(async () => {
  files.clear()
  for (let index = 0; index < 40; index++) {
    files.set(`f${index}`, { bytes: randomBytes(1000 + index), modifiedAt: new Date(0) })
  }
  server = await startFileServer((path) => files.get(path))
  testing = await createTestFetcher({ limits: { perHost: 3, total: 5 } })
})

afterEach(async () => {
  await testing.fetcher.close()
  await server.close()
})

function requests(): LabelledRequest[] {
  return [...files].map(([name, { bytes }]) => ({
    label: name,
    urls: [server.url + name],
    expected: { sizeBytes: bytes.length, sha256: hexOf(digestOf(bytes)) },
    maxBytes: 10_000,
    lease: testing.lease,
  }))
}

it('answers in the order asked, largest fetched first, within the limits', async () => {
  const results = await testing.fetcher.fetchAll(requests(), { signal, progress: silentProgress })
  expect(results.map((result) => result.kind === 'fetched' && result.digest)).toEqual(
    [...files.values()].map(({ bytes }) => digestOf(bytes)),
  )
  expect(server.requests[0]?.path).toBe('f39')
  expect(server.peakConcurrency).toBeLessThanOrEqual(3)
})

it('asks only for what is missing', async () => {
  await testing.fetcher.fetchAll(requests(), { signal, progress: silentProgress })
  server.clearLog()
  files.set('new', { bytes: randomBytes(10), modifiedAt: new Date(0) })
  await testing.fetcher.fetchAll(requests(), { signal, progress: silentProgress })
  expect(server.requests.map(({ path }) => path)).toEqual(['new'])
})

it('tells progress that ends at the totals, transfers begun anew counted once', async () => {
  server.fault('*', { kind: 'truncate', afterBytes: 500 }, { times: 5 })
  server.fault('*', { kind: 'no-range' })
  const states: TransferState[] = []
  await testing.fetcher.fetchAll(requests(), {
    signal,
    progress: { log: () => {}, transfer: (state) => states.push(state) },
  })
  const totalBytes = [...files.values()].reduce((sum, { bytes }) => sum + bytes.length, 0)
  expect(states.at(-1)).toMatchObject({ doneBytes: totalBytes, totalBytes, doneItems: 40, totalItems: 40 })
  for (const { doneBytes } of states) expect(doneBytes).toBeLessThanOrEqual(totalBytes)
})

it('stops at the first failure, names the file, and stores nothing of it', async () => {
  server.fault('f7', { kind: 'wrong-bytes' })
  const failure = testing.fetcher.fetchAll(requests(), { signal, progress: silentProgress })
  await expect(failure).rejects.toMatchObject({ code: 'DIGEST_MISMATCH', context: { label: 'f7' } })
  await expect(failure).rejects.toThrow(/^f7: /)
  expect(await collectDigests(testing.store)).not.toContain(digestOf(files.get('f7')!.bytes))
})

it('shows each file that came, once it is stored, to whoever wants to look at it', async () => {
  const all = requests()
  await testing.fetcher.fetchAll(all.slice(0, 10), { signal, progress: silentProgress })
  const seen = new Map<number, boolean>()
  const onStored = async (position: number, result: FetchResult): Promise<void> => {
    seen.set(position, result.kind === 'fetched' && (await testing.store.has(result.digest)))
  }
  await testing.fetcher.fetchAll(all, { signal, progress: silentProgress, onStored })
  const expected = Array.from({ length: 30 }, (_, index) => [index + 10, true])
  expect([...seen].sort(([a], [b]) => a - b)).toEqual(expected)
})

it('shows the bytes of each small file that came, and of no other, to whoever wants to inspect it', async () => {
  const all = requests()
  await testing.fetcher.fetchAll(all.slice(0, 10), { signal, progress: silentProgress })
  server.fault('f11', { kind: 'wrong-bytes' })
  const large = { bytes: randomBytes(600_000), modifiedAt: new Date(0) }
  files.set('large', large)
  const seen = new Map<number, boolean>()
  const inspect = (position: number, bytes: Buffer): Promise<void> => {
    seen.set(position, files.get(`f${position}`)?.bytes.equals(bytes) === true)
    return Promise.resolve()
  }
  const wanted = requests().map((request) => ({ ...request, maxBytes: 600_000 }))
  const spoilt = testing.fetcher.fetchAll([wanted[11]!], { signal, progress: silentProgress, inspect })
  await expect(spoilt).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' })
  const good = wanted.filter(({ label }) => label !== 'f11')
  const positions = good.map(({ label }) => Number(label.slice(1)))
  const looks = { inspect: (position: number, bytes: Buffer) => inspect(positions[position]!, bytes) }
  await testing.fetcher.fetchAll(good, { signal, progress: silentProgress, ...looks })
  const expected = Array.from({ length: 30 }, (_, index) => index + 10).filter((index) => index !== 11)
  expect([...seen].sort(([a], [b]) => a - b)).toEqual(expected.map((index) => [index, true]))
})

it.each(['onStored', 'inspect'] as const)('stops when somebody does not like what %s shows him', async (name) => {
  const look = (position: number): Promise<void> =>
    position === 39 ? Promise.reject(new Error('unsigned')) : Promise.resolve()
  const all = { signal, progress: silentProgress, [name]: look }
  await expect(testing.fetcher.fetchAll(requests(), all)).rejects.toThrow('unsigned')
})

it('reads local files', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'larder-fetch-'))
  try {
    const bytes = randomBytes(5000)
    await writeFile(join(folder, 'a b%.deb'), bytes)
    const url = pathToFileURL(join(folder, 'a b%.deb')).href
    const request = { urls: [url], maxBytes: 5000, lease: testing.lease }
    const first = await testing.fetcher.fetch(request, signal)
    if (first.kind !== 'fetched') return expect.fail(first.kind)
    expect(first.digest).toBe(digestOf(bytes))
    const again = await testing.fetcher.fetch({ ...request, validators: first.validators }, signal)
    expect(again.kind).toBe('not-modified')
    expect((await testing.fetcher.fetch({ ...request, urls: [`${url}x`] }, signal)).kind).toBe('absent')
    expect((await testing.fetcher.fetch({ ...request, urls: [pathToFileURL(folder).href] }, signal)).kind).toBe(
      'absent',
    )
    await expect(testing.fetcher.fetch({ ...request, maxBytes: 4999 }, signal)).rejects.toMatchObject({
      code: 'FETCH_TOO_LARGE',
    })
  } finally {
    await rm(folder, { recursive: true })
  }
})

it('goes through the proxy that is set, but not for hosts that it excepts', async () => {
  const proxy = await startFileServer(() => ({ bytes: Buffer.from('by proxy'), modifiedAt: new Date(0) }))
  try {
    const request = { urls: [`${server.url}f1`], maxBytes: 5000, lease: testing.lease, proxy: { http: proxy.url } }
    expect(await testing.fetcher.fetch(request, signal)).toMatchObject({ digest: digestOf('by proxy') })
    expect(server.requests).toEqual([])
    const direct = { ...request, proxy: { http: proxy.url, no: '127.0.0.1' } }
    expect(await testing.fetcher.fetch(direct, signal)).toMatchObject({ digest: digestOf(files.get('f1')!.bytes) })
  } finally {
    await proxy.close()
  }
})
