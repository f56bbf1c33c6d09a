import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  makeSigner,
  startUpstream,
  type Compression,
  type SuiteOptions,
  type Upstream,
} from '../../../test/fixtures/upstream/index.ts'
import { digestOf, type ErrorCode } from '../../core/index.ts'
import { unpackText } from '../compile/packed-text.ts'
import { collectDigests } from '../../fetch/testing/index.ts'
import { packedIndex } from './packed-index.ts'
import type { Suite, SuiteIndex } from './suite.ts'
import { createTestLoader, sourceOf, type TestLoader } from '../testing/test-loader.ts'
import { recallSuite } from './upstream-memory.ts'

const hourMs = 3_600_000
let upstream: Upstream
let loader: TestLoader

async function start(suite: Partial<SuiteOptions> = {}): Promise<void> {
  upstream = await startUpstream({
    suites: [{ suite: 'bookworm', packages: [{ name: 'nmap', version: '7.93' }], ...suite }],
  })
}

beforeEach(async () => {
  loader = await createTestLoader()
})

afterEach(async () => {
  await loader.fetcher.close()
  await upstream.close()
})

async function textOf(suite: Suite): Promise<string> {
  let text = ''
  const { signal } = new AbortController()
  for (const index of suite.indices) for await (const chunk of unpacked(index, signal)) text += String(chunk)
  return text
}

function unpacked(index: SuiteIndex, signal: AbortSignal): AsyncGenerator<Buffer> {
  return unpackText(packedIndex(loader.store, index), signal)
}

async function refusal(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.fail('it was loaded'),
    (error: unknown) => error,
  )
}

describe('what an upstream may look like', () => {
  const formats: Compression[] = ['xz', 'zst', 'gz', 'plain']
  const hashes: NonNullable<SuiteOptions['hashes']>[] = [['SHA256'], ['SHA512'], ['MD5Sum', 'SHA256', 'SHA512']]
  it.each(formats.flatMap((format) => hashes.map((hash) => [format, hash] as const)))(
    '%s, %j',
    async (format, hash) => {
      await start({ formats: [format], hashes: hash })
      const suite = await loader.load(await sourceOf(upstream))
      expect(suite.indices).toMatchObject([{ kind: 'Packages', component: 'main', architecture: 'amd64', format }])
      expect(await textOf(suite)).toContain('Package: nmap')
      expect(suite.signers).toEqual([upstream.signer.fingerprint])
      const byHash = hash.includes('SHA512') ? 'by-hash/SHA512/' : 'by-hash/SHA256/'
      expect(upstream.requests.at(-1)?.path).toContain(byHash)
    },
  )

  it.each<[string, Partial<SuiteOptions>]>([
    ['InRelease only', { serve: ['InRelease'] }],
    ['Release and Release.gpg only', { serve: ['Release', 'Release.gpg'] }],
    ['without by-hash', { acquireByHash: false }],
    ['valid for a while', { validUntil: new Date(Date.now() + hourMs) }],
    ['a suite known by its codename', { suite: 'bookworm', suiteName: 'stable', codename: 'bookworm' }],
    ['old security', { suite: 'bookworm/updates', suiteName: 'oldstable', codename: 'bookworm' }],
  ])('%s', async (_, options) => {
    await start(options)
    const suite = await loader.load(await sourceOf(upstream, { suite: options.suite ?? 'bookworm' }))
    expect(await textOf(suite)).toContain('Package: nmap')
  })

  it.each(['./', 'sub/'])('flat at %s', async (folder) => {
    await start({ suite: folder })
    const suite = await loader.load(await sourceOf(upstream, { suite: folder }))
    expect(suite.indices).toMatchObject([{ kind: 'Packages', path: 'Packages', component: 'main' }])
    expect(await textOf(suite)).toContain('Package: nmap')
  })

  it('several components and architectures, translations, contents', async () => {
    const packages = [
      { name: 'a', version: '1' },
      { name: 'b', version: '1', component: 'contrib', architecture: 'arm64' },
      { name: 'c', version: '1', architecture: 'all' },
    ]
    const both = { components: ['main', 'contrib'], architectures: ['amd64', 'arm64'] }
    await start({ ...both, packages, translations: true, contents: true })
    const source = await sourceOf(upstream, both)
    const suite = await loader.load(source, { wanted: { contents: true } })
    expect(suite.indices.map(({ path }) => path)).toEqual([
      'contrib/Contents-amd64',
      'contrib/Contents-arm64',
      'contrib/binary-amd64/Packages',
      'contrib/binary-arm64/Packages',
      'contrib/i18n/Translation-en',
      'main/Contents-amd64',
      'main/Contents-arm64',
      'main/binary-amd64/Packages',
      'main/binary-arm64/Packages',
      'main/i18n/Translation-en',
    ])
    const every = await loader.load({ ...source, components: undefined })
    expect(every.indices).toHaveLength(6)
  })

  it('notes what is asked for and not there, unless nothing is', async () => {
    await start()
    const suite = await loader.load(await sourceOf(upstream, { components: ['main', 'contrib'] }))
    expect(suite.notes).toEqual(['upstream test, suite bookworm: has no contrib/binary-amd64/Packages'])
    const nothing = loader.load(await sourceOf(upstream, { architectures: ['s390x'] }))
    expect(await refusal(nothing)).toMatchObject({ code: 'APT_INDEX_MISSING' })
  })
})

describe('a refresh', () => {
  it('costs one request when nothing is new', async () => {
    await start()
    const source = await sourceOf(upstream)
    expect((await loader.load(source)).unchanged).toBe(false)
    upstream.clearLog()
    const again = await loader.load(source)
    expect(again.unchanged).toBe(true)
    expect(await textOf(again)).toContain('Package: nmap')
    expect(upstream.requests.map(({ path, status }) => [path, status])).toEqual([['dists/bookworm/InRelease', 304]])
  })

  it('is unchanged too when the server knows no conditions', async () => {
    await start({ serve: ['Release', 'Release.gpg'] })
    const source = await sourceOf(upstream)
    await loader.load(source)
    upstream.fault('*', { kind: 'no-validators' })
    expect((await loader.load(source)).unchanged).toBe(true)
  })

  it('fetches what is new and nothing else', async () => {
    await start({ components: ['main', 'contrib'] })
    const source = await sourceOf(upstream, { components: ['main', 'contrib'] })
    await loader.load(source)
    upstream.suite('bookworm').packages.push({ name: 'nginx', version: '1.22', component: 'contrib' })
    await upstream.publish()
    upstream.clearLog()
    const suite = await loader.load(source)
    expect(suite.unchanged).toBe(false)
    expect(await textOf(suite)).toContain('Package: nginx')
    expect(upstream.requests.map(({ path }) => path.split('/by-hash/')[0])).toEqual([
      'dists/bookworm/InRelease',
      'dists/bookworm/contrib/binary-amd64',
    ])
  })

  it('is remembered for every mirror that reads it, whatever each of them asks for', async () => {
    await start({ architectures: ['amd64', 'arm64'], hashes: ['SHA512'] })
    const one = await sourceOf(upstream, { architectures: ['amd64'] })
    const other = { ...one, architectures: ['arm64'] }
    const wanted = [...(await loader.load(one)).indices, ...(await loader.load(other)).indices]
    const asked = upstream.requests.length
    expect([(await loader.load(one)).unchanged, (await loader.load(other)).unchanged]).toEqual([true, true])
    expect(upstream.requests.length - asked).toBe(2)
    const remembered = await recallSuite(loader.memory, one.key)
    expect(remembered?.indices.map(({ digest }) => digest).sort()).toEqual(wanted.map(({ digest }) => digest).sort())
  })

  it('fetches nothing again that only SHA-512 promised', async () => {
    await start({ hashes: ['SHA512'] })
    const source = await sourceOf(upstream)
    await loader.load(source)
    upstream.clearLog()
    expect((await loader.load(source)).unchanged).toBe(true)
    expect(upstream.requests).toHaveLength(1)
  })
})

describe('a Release that is refused', () => {
  const now = () => new Date()
  const table: [string, ErrorCode, () => Promise<Partial<SuiteOptions>>][] = [
    ['signed by a stranger', 'SIGNATURE_UNTRUSTED', async () => ({ signers: [await makeSigner()] })],
    ['unsigned', 'SIGNATURE_MISSING', async () => ({ signers: [] })],
    ['absent', 'APT_RELEASE_MISSING', async () => ({ serve: [] })],
    ['expired', 'APT_RELEASE_EXPIRED', async () => ({ validUntil: new Date(now().getTime() - hourMs) })],
    ['from the future', 'APT_RELEASE_FUTURE', async () => ({ date: new Date(now().getTime() + hourMs) })],
    ['for another suite', 'APT_SUITE_MISMATCH', async () => ({ suiteName: 'trixie', codename: 'trixie' })],
    ['without its own strong hashes', 'APT_RELEASE_MALFORMED', async () => ({ hashes: ['MD5Sum'] })],
  ]
  it.each(table)('%s → %s', async (_, code, options) => {
    await start(await options())
    expect(await refusal(loader.load(await sourceOf(upstream)))).toMatchObject({ code })
    expect(await recallSuite(loader.memory, 'test bookworm')).toBeUndefined()
  })

  it.each<[string, ErrorCode, Parameters<typeof makeSigner>[0]]>([
    [
      'whose key has expired',
      'SIGNATURE_KEY_EXPIRED',
      { createdAt: new Date('2020-01-01T00:00:00Z'), expiresInSeconds: 3600 },
    ],
    ['whose key was revoked', 'SIGNATURE_KEY_REVOKED', { revoked: true }],
  ])('%s → %s', async (_, code, options) => {
    const signer = await makeSigner(options)
    upstream = await startUpstream({
      signer,
      suites: [{ suite: 'bookworm', packages: [], date: new Date('2020-01-01T00:30:00Z') }],
    })
    expect(await refusal(loader.load(await sourceOf(upstream)))).toMatchObject({ code })
  })

  it('changed on its way', async () => {
    await start()
    const bytes = upstream.repository.lookup('dists/bookworm/InRelease')!.bytes
    upstream.fault('*/InRelease', {
      kind: 'replace',
      bytes: Buffer.from(String(bytes).replace('Origin: Test', 'Origin: Evil')),
    })
    expect(await refusal(loader.load(await sourceOf(upstream)))).toMatchObject({ code: 'SIGNATURE_BAD' })
  })

  it('replayed', async () => {
    await start()
    const source = await sourceOf(upstream)
    const old = upstream.repository.lookup('dists/bookworm/InRelease')!.bytes
    await upstream.publish()
    await loader.load(source)
    upstream.fault('*/InRelease', { kind: 'replace', bytes: old })
    expect(await refusal(loader.load(source))).toMatchObject({ code: 'APT_RELEASE_REPLAYED' })
  })

  it('of the same date and other content is taken', async () => {
    await start({ date: new Date('2026-01-01T00:00:00Z') })
    const source = await sourceOf(upstream)
    await loader.load(source)
    upstream.suite('bookworm').packages.push({ name: 'nginx', version: '1' })
    await upstream.publish()
    expect(await textOf(await loader.load(source))).toContain('nginx')
  })

  it('not signed by whom the one before it named', async () => {
    const [next, other] = await Promise.all([makeSigner(), makeSigner()])
    await start({ releaseFields: { 'Signed-By': next.fingerprint } })
    const keys = { keys: ['key.asc', 'next.asc', 'other.asc'] }
    const source = await sourceOf(upstream, { config: { keys: ['key.asc'] } })
    const { parseKeyring } = await import('../../openpgp/keyring.ts')
    const files = [upstream.key, next.publicKeyArmored, other.publicKeyArmored]
    const keyring = await parseKeyring(files.map((text, at) => ({ name: keys.keys[at]!, bytes: Buffer.from(text) })))
    await loader.load({ ...source, keyring })
    Object.assign(upstream.suite('bookworm'), { signers: [other] })
    await upstream.publish()
    expect(await refusal(loader.load({ ...source, keyring }))).toMatchObject({ code: 'SIGNATURE_UNTRUSTED' })
    Object.assign(upstream.suite('bookworm'), { signers: [next] })
    await upstream.publish()
    expect((await loader.load({ ...source, keyring })).signers).toEqual([next.fingerprint])
  })

  it.each<[string, Partial<SuiteOptions>, Record<string, unknown>]>([
    ['checkValidUntil: false', { validUntil: new Date(Date.now() - hourMs) }, { checkValidUntil: false }],
    ['checkDate: false', { date: new Date(Date.now() + hourMs) }, { checkDate: false }],
    ['acceptSuites', { suiteName: 'trixie', codename: 'trixie' }, { acceptSuites: ['trixie'] }],
    ['allowUnsigned', { signers: [] }, { allowUnsigned: true, keys: undefined }],
  ])('is taken by %s', async (_, options, config) => {
    await start(options)
    const suite = await loader.load(await sourceOf(upstream, { config }))
    expect(await textOf(suite)).toContain('Package: nmap')
    expect(suite.notes.some((note) => note.includes('NOT VERIFIED'))).toBe(config.allowUnsigned === true)
  })
})

describe('faults of indices', () => {
  it.each(['DIGEST_MISMATCH', 'SIZE_MISMATCH', 'FETCH_TOO_LARGE'] as const)(
    '%s stays out of the store',
    async (code) => {
      await start({ acquireByHash: false })
      const index = upstream.repository.lookup('dists/bookworm/main/binary-amd64/Packages.gz')!.bytes
      const faults = {
        DIGEST_MISMATCH: { kind: 'wrong-bytes' },
        SIZE_MISMATCH: { kind: 'short', sizeBytes: 10 },
        FETCH_TOO_LARGE: { kind: 'oversize', extraBytes: 10 },
      } as const
      upstream.fault('*/Packages.gz', faults[code])
      expect(await refusal(loader.load(await sourceOf(upstream)))).toMatchObject({ code })
      const stored = await collectDigests(loader.store)
      expect(stored).toEqual([digestOf(upstream.repository.lookup('dists/bookworm/InRelease')!.bytes)])
      expect(stored).not.toContain(digestOf(index))
    },
  )

  it('a promised form that is not there gives way to the next', async () => {
    await start()
    upstream.fault(/Packages\.gz|by-hash/, { kind: 'vanish' })
    expect((await loader.load(await sourceOf(upstream))).indices[0]?.format).toBe('xz')
  })

  it('nothing there → APT_INDEX_MISSING', async () => {
    await start()
    upstream.fault(/Packages|by-hash/, { kind: 'vanish' })
    expect(await refusal(loader.load(await sourceOf(upstream)))).toMatchObject({ code: 'APT_INDEX_MISSING' })
  })

  it('by-hash gone → the plain name', async () => {
    await start()
    upstream.fault(/by-hash/, { kind: 'vanish' })
    expect((await loader.load(await sourceOf(upstream))).indices[0]?.format).toBe('gz')
  })

  it('a bomb is stopped at the signed size', async () => {
    await start({ formats: ['xz'] })
    const suite = await loader.load(await sourceOf(upstream))
    const index = { ...suite.indices[0]!, uncompressed: { sizeBytes: 100, sha256: '' } }
    const { signal } = new AbortController()
    const unpack = async () => {
      for await (const chunk of unpacked(index, signal)) expect(chunk.length).toBeLessThanOrEqual(100)
    }
    expect(await refusal(unpack())).toMatchObject({ code: 'DECOMPRESS_BOMB' })
  })
})

describe('an upstream that changes in the middle', () => {
  /** At each request for an index, up to so many, the upstream is a generation further than its Release said. */
  async function changeOnIndex(times: number): Promise<void> {
    const generations = [new Map(upstream.repository.files())]
    for (let generation = 1; generation <= times; generation++) {
      upstream.suite('bookworm').packages.push({ name: `p${generation}`, version: '1' })
      await upstream.publish()
      generations.push(new Map(upstream.repository.files()))
    }
    let now = 0
    upstream.repository.lookup = (path) => {
      if (path.includes('Packages') && now < times) now++
      return generations[now]!.get(path)
    }
  }

  it('is read again', async () => {
    await start({ acquireByHash: false, formats: ['xz'] })
    await changeOnIndex(2)
    const suite = await loader.load(await sourceOf(upstream))
    expect(await textOf(suite)).toContain('Package: p2')
    expect(upstream.requestsFor(/InRelease/)).toHaveLength(3)
  })

  it('is given up when it never rests', async () => {
    await start({ acquireByHash: false, formats: ['xz'] })
    await changeOnIndex(9)
    expect(await refusal(loader.load(await sourceOf(upstream)))).toMatchObject({
      code: 'APT_UPSTREAM_CHANGED',
      retryable: true,
    })
  })

  it('is read whole through by-hash, which survives', async () => {
    await start()
    const source = await sourceOf(upstream)
    const before = upstream.repository.lookup('dists/bookworm/InRelease')!.bytes
    upstream.suite('bookworm').packages.push({ name: 'nginx', version: '1' })
    await upstream.publish()
    upstream.fault('*/InRelease', { kind: 'replace', bytes: before })
    expect(await textOf(await loader.load(source))).not.toContain('nginx')
  })
})

describe('several addresses', () => {
  it('one broken in each way: the other is used', async () => {
    await start()
    const mirror = await startUpstream({ signer: upstream.signer, suites: upstream.repository.suites })
    try {
      upstream.fault('*', { kind: 'status', status: 403 })
      const source = { ...(await sourceOf(upstream)), uris: [upstream.url, mirror.url] }
      expect(await textOf(await loader.load(source))).toContain('Package: nmap')
    } finally {
      await mirror.close()
    }
  })

  it('unreachable: tells when it was last read well, and does not use it', async () => {
    await start()
    const source = await sourceOf(upstream)
    const now = new Date()
    await loader.load(source, { now })
    upstream.fault('*', { kind: 'status', status: 500 })
    const error = await refusal(loader.load(source))
    expect(error).toMatchObject({ code: 'FETCH_BUSY', context: { lastGoodAt: now.toISOString() } })
    expect(await recallSuite(loader.memory, source.key)).toMatchObject({ readAt: now.toISOString() })
  })
})
