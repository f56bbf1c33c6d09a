import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startFileServer, type Fault, type FileServer } from '../../test/fixtures/upstream/index.ts'
import { type Digest, digestOf, type ErrorCode, hexOf, isLarderError } from '../core/index.ts'
import { collectDigests, createTestFetcher, type TestFetcher } from './testing/index.ts'
import type { FetchRequest } from './fetcher.ts'

// Larger than what is held in memory until it is whole.
const bytes = randomBytes(600_000)
const small = bytes.subarray(0, 20_000)
const digest = digestOf(bytes)
const expected = { sizeBytes: bytes.length, sha256: hexOf(digest) }

let server: FileServer
let testing: TestFetcher
let other: FileServer

beforeEach(async () => {
  const modifiedAt = new Date('2026-01-01T00:00:00Z')
  const files = new Map([
    ['f', { bytes, modifiedAt }],
    ['small', { bytes: small, modifiedAt }],
  ])
  server = await startFileServer((path) => files.get(path))
  other = await startFileServer((path) => files.get(path))
  testing = await createTestFetcher()
})

afterEach(async () => {
  await testing.fetcher.close()
  await server.close()
  await other.close()
})

/** What is slow on purpose is given up soon; of all else nothing may be, however busy the machine is. */
async function losePatience(fault: Fault, stallMs: number): Promise<void> {
  if (fault.kind !== 'stall' && fault.kind !== 'drip') return
  await testing.fetcher.close()
  testing = await createTestFetcher({ limits: { stallMs } })
}

function get(request: Partial<FetchRequest> = {}) {
  const { signal } = new AbortController()
  return testing.fetcher.fetch(
    { urls: [`${server.url}f`], maxBytes: 1_000_000, lease: testing.lease, ...request },
    signal,
  )
}

async function codeOf(promise: Promise<unknown>): Promise<ErrorCode> {
  const error = await promise.then(
    (result) => expect.fail(`succeeded with ${JSON.stringify(result)}`),
    (thrown: unknown) => thrown,
  )
  if (!isLarderError(error)) throw error
  return error.code
}

describe('a fault that stays', () => {
  const table: { fault: Fault; code: ErrorCode; requests: number }[] = [
    { fault: { kind: 'truncate', afterBytes: 0 }, code: 'FETCH_TRUNCATED', requests: 3 },
    { fault: { kind: 'reset', afterBytes: 0 }, code: 'FETCH_TRUNCATED', requests: 3 },
    { fault: { kind: 'short', sizeBytes: 1000 }, code: 'SIZE_MISMATCH', requests: 1 },
    { fault: { kind: 'oversize', extraBytes: 10 }, code: 'FETCH_TOO_LARGE', requests: 1 },
    { fault: { kind: 'oversize', extraBytes: 10, declared: false }, code: 'FETCH_TOO_LARGE', requests: 1 },
    { fault: { kind: 'endless' }, code: 'FETCH_TOO_LARGE', requests: 1 },
    { fault: { kind: 'wrong-bytes' }, code: 'DIGEST_MISMATCH', requests: 1 },
    { fault: { kind: 'status', status: 403 }, code: 'FETCH_STATUS', requests: 1 },
    { fault: { kind: 'status', status: 304 }, code: 'FETCH_STATUS', requests: 1 },
    { fault: { kind: 'status', status: 206 }, code: 'FETCH_STATUS', requests: 1 },
    { fault: { kind: 'status', status: 500 }, code: 'FETCH_BUSY', requests: 3 },
    { fault: { kind: 'status', status: 429, retryAfter: '0' }, code: 'FETCH_BUSY', requests: 3 },
    { fault: { kind: 'status', status: 408 }, code: 'FETCH_BUSY', requests: 3 },
    { fault: { kind: 'stall', afterBytes: -1 }, code: 'FETCH_TOO_SLOW', requests: 3 },
    { fault: { kind: 'stall', afterBytes: 10 }, code: 'FETCH_TOO_SLOW', requests: 3 },
    { fault: { kind: 'drip', bytesPerSecond: 200 }, code: 'FETCH_TOO_SLOW', requests: 3 },
    { fault: { kind: 'redirect', location: 'f' }, code: 'FETCH_STATUS', requests: 6 },
    { fault: { kind: 'redirect', location: 'file:///etc/hostname' }, code: 'FETCH_URL_REFUSED', requests: 1 },
    { fault: { kind: 'redirect', location: 'ftp://example.org/f' }, code: 'FETCH_URL_REFUSED', requests: 1 },
    { fault: { kind: 'redirect', location: 'http://[::1' }, code: 'FETCH_URL_REFUSED', requests: 1 },
  ]
  it.each(table)('$fault → $code', async ({ fault, code, requests }) => {
    await losePatience(fault, 250)
    server.fault('f', fault)
    expect(await codeOf(get({ expected }))).toBe(code)
    expect(server.requests).toHaveLength(requests)
    expect(await collectDigests(testing.store)).toEqual([])
  })

  it.each(table)('$fault → $code, of a small file', async ({ fault, code, requests }) => {
    await losePatience(fault, 250)
    server.fault('*', fault)
    const promised = { sizeBytes: small.length, sha256: hexOf(digestOf(small)) }
    expect(await codeOf(get({ expected: promised, urls: [`${server.url}small`] }))).toBe(code)
    expect(server.requests).toHaveLength(requests)
    expect(await collectDigests(testing.store)).toEqual([])
  })

  it.each(table)('$fault → the next address', async ({ fault }) => {
    await losePatience(fault, 250)
    server.fault('f', fault)
    const result = await get({ expected, urls: [`${server.url}f`, `${other.url}f`] })
    expect(result).toMatchObject({ kind: 'fetched', digest, url: `${other.url}f` })
    expect(await collectDigests(testing.store)).toEqual([digest])
  })

  it('404 and 410 everywhere → absent', async () => {
    server.fault('f', { kind: 'vanish' })
    other.fault('f', { kind: 'vanish', status: 410 })
    expect(await get({ expected, urls: [`${server.url}f`, `${other.url}f`] })).toMatchObject({ kind: 'absent' })
  })

  it('tells what happened at every address', async () => {
    server.fault('f', { kind: 'wrong-bytes' })
    other.fault('f', { kind: 'status', status: 403 })
    const failure = get({ expected, urls: [`${server.url}f`, `${other.url}f`] })
    await expect(failure).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' })
    await expect(failure).rejects.toThrow(server.url)
    await expect(failure).rejects.toThrow(other.url)
  })
})

describe('a fault that passes', () => {
  const table: { name: string; faults: [Fault, ...Fault[]]; ranges: (string | undefined)[] }[] = [
    {
      name: 'truncated',
      faults: [{ kind: 'truncate', afterBytes: 50_000 }],
      ranges: [undefined, 'bytes=50000-'],
    },
    {
      name: 'truncated twice',
      faults: [
        { kind: 'truncate', afterBytes: 50_000 },
        { kind: 'truncate', afterBytes: 1000 },
      ],
      ranges: [undefined, 'bytes=50000-', 'bytes=51000-'],
    },
    { name: 'stalled', faults: [{ kind: 'stall', afterBytes: 70_000 }], ranges: [undefined, 'bytes=70000-'] },
    { name: '503', faults: [{ kind: 'status', status: 503 }], ranges: [undefined, undefined] },
    {
      name: 'no Range understood',
      faults: [{ kind: 'truncate', afterBytes: 50_000 }, { kind: 'no-range' }],
      ranges: [undefined, 'bytes=50000-'],
    },
    {
      name: 'lies about the range',
      faults: [
        { kind: 'truncate', afterBytes: 50_000 },
        { kind: 'lying-range', shiftBytes: 7 },
      ],
      ranges: [undefined, 'bytes=50000-', undefined],
    },
    {
      name: 'refuses the range',
      faults: [{ kind: 'truncate', afterBytes: 50_000 }, { kind: 'refuse-range' }],
      ranges: [undefined, 'bytes=50000-', undefined],
    },
  ]
  it.each(table)('$name', async ({ faults, ranges }) => {
    for (const fault of faults) {
      await losePatience(fault, 2000)
      server.fault('f', fault, { times: 1 })
    }
    expect(await get({ expected })).toMatchObject({ kind: 'fetched', digest, sizeBytes: bytes.length })
    expect(server.requests.map(({ range }) => range)).toEqual(ranges)
    expect(await collectDigests(testing.store)).toEqual([digest])
  })

  it('a small file is resumed too', async () => {
    server.fault('small', { kind: 'truncate', afterBytes: 5000 }, { times: 1 })
    const promised = { sizeBytes: small.length, sha256: hexOf(digestOf(small)) }
    const result = await get({ expected: promised, urls: [`${server.url}small`] })
    expect(result).toMatchObject({ digest: digestOf(small) })
    expect(server.requests.map(({ range }) => range)).toEqual([undefined, 'bytes=5000-'])
  })

  it('joined with bytes of another file → begins again once', async () => {
    const upload = await testing.store.openUpload(testing.lease, `sha256:${expected.sha256}`)
    await upload.append(randomBytes(50_000))
    await upload.suspend()
    expect(await get({ expected })).toMatchObject({ kind: 'fetched', digest })
    expect(server.requests.map(({ range }) => range)).toEqual(['bytes=50000-', undefined])
  })

  it('all bytes are held already → asks nobody', async () => {
    const upload = await testing.store.openUpload(testing.lease, `sha256:${expected.sha256}`)
    await upload.append(bytes)
    await upload.suspend()
    expect(await get({ expected })).toMatchObject({ kind: 'fetched', digest })
    expect(server.requests).toEqual([])
  })

  it('goes on with the next address where the first broke off', async () => {
    server.fault('f', { kind: 'truncate', afterBytes: 60_000 }, { times: 1 })
    server.fault('f', { kind: 'status', status: 403 })
    expect(await get({ expected, urls: [`${server.url}f`, `${other.url}f`] })).toMatchObject({ digest })
    expect(other.requests.map(({ range }) => range)).toEqual(['bytes=60000-'])
  })
})

describe('without a promise', () => {
  it('resumes under If-Range', async () => {
    server.fault('f', { kind: 'truncate', afterBytes: 50_000 }, { times: 1 })
    expect(await get()).toMatchObject({ kind: 'fetched', digest })
    const [first, second] = server.requests
    expect(first?.range).toBeUndefined()
    expect(second).toMatchObject({ range: 'bytes=50000-', status: 206 })
    expect(second?.ifRange).toMatch(/^"[0-9a-f]+"$/)
  })

  it('begins again when nothing ties the parts together', async () => {
    const upload = await testing.store.openUpload(testing.lease, `url:${server.url}f`)
    await upload.append(randomBytes(10))
    await upload.suspend()
    expect(await get()).toMatchObject({ kind: 'fetched', digest })
    expect(server.requests[0]?.range).toBeUndefined()
  })

  it('answers not-modified to its own validators', async () => {
    const first = await get()
    if (first.kind !== 'fetched') return expect.fail('not fetched')
    expect(first.validators.etag).toBeDefined()
    expect(await get({ validators: first.validators })).toMatchObject({ kind: 'not-modified' })
    expect(server.requests.map(({ status }) => status)).toEqual([200, 304])
  })

  it('stops at maxBytes', async () => {
    expect(await codeOf(get({ maxBytes: 1000 }))).toBe('FETCH_TOO_LARGE')
  })
})

describe('limits and manners', () => {
  it('asks nobody for what is in the store', async () => {
    const stored: Digest = await testing.store.write(testing.lease, bytes)
    expect(await get({ expected })).toMatchObject({ kind: 'fetched', digest: stored })
    expect(server.requests).toEqual([])
  })

  it('refuses a promise over the limit before asking', async () => {
    expect(await codeOf(get({ expected, maxBytes: 10 }))).toBe('FETCH_TOO_LARGE')
    expect(server.requests).toEqual([])
  })

  it('fetches the same bytes once when asked twice at once', async () => {
    await Promise.all([get({ expected }), get({ expected })])
    expect(server.requests).toHaveLength(1)
  })

  it('says who it is, and shows credentials to the upstream only', async () => {
    server.fault('f', { kind: 'status', status: 403 })
    const url = server.url.replace('//', '//user:s3cret@')
    const failure = get({ urls: [`${url}f?token=s3cret`] })
    await expect(failure).rejects.not.toThrow('s3cret')
    expect(server.requests[0]).toMatchObject({
      userAgent: 'Larder/test',
      authorization: `Basic ${Buffer.from('user:s3cret').toString('base64')}`,
    })
  })

  it('keeps credentials from the host that it is redirected to', async () => {
    server.fault('f', { kind: 'redirect', location: `${other.url}f` })
    await get({ expected, urls: [`${server.url.replace('//', '//user:s3cret@')}f`] })
    expect(server.requests[0]?.authorization).toBeDefined()
    expect(other.requests[0]?.authorization).toBeUndefined()
  })

  it.each(['ftp://example.org/f', 'not an address', 'file://host/f', 'data:,x', ''])('refuses %j', async (url) => {
    expect(await codeOf(get({ urls: [url] }))).toBe('FETCH_URL_REFUSED')
  })

  it('stops on request, and goes on later', async () => {
    server.fault('f', { kind: 'stall', afterBytes: 90_000 }, { times: 1 })
    const stop = new AbortController()
    const first = testing.fetcher.fetch(
      { urls: [`${server.url}f`], expected, maxBytes: 1_000_000, lease: testing.lease },
      stop.signal,
    )
    await expect.poll(() => server.requests[0]?.sentBytes).toBe(90_000)
    stop.abort()
    expect(await codeOf(first)).toBe('CANCELLED')
    expect(await get({ expected })).toMatchObject({ digest })
    expect(server.requests[1]?.range).toMatch(/^bytes=\d+-$/)
  })

  it('passes over a host that is not there', async () => {
    await server.close()
    const urls = [`${server.url}f`, `${other.url}f`]
    expect(await get({ expected, urls })).toMatchObject({ digest, url: `${other.url}f` })
    expect(await codeOf(get({ urls: [urls[0]!] }))).toBe('FETCH_UNREACHABLE')
    server = await startFileServer(() => undefined)
  })
})
