import { describe, expect, it } from 'vitest'
import { makeSigner, startUpstream, type SuiteOptions } from '../../../test/fixtures/upstream/index.ts'
import { digestOf, type ErrorCode } from '../../core/index.ts'
import { collectDigests } from '../../fetch/testing/index.ts'
import { unpackText } from '../compile/packed-text.ts'
import { refusal, useSuiteBench } from '../testing/suite-bench.ts'
import { sourceOf } from '../testing/test-loader.ts'
import { packedIndex } from './packed-index.ts'
import { recallSuite } from './upstream-memory.ts'

const hourMs = 3_600_000
const bench = useSuiteBench()

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
    await bench.start(await options())
    expect(await refusal(bench.loader.load(await sourceOf(bench.upstream)))).toMatchObject({ code })
    expect(await recallSuite(bench.loader.memory, 'test bookworm')).toBeUndefined()
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
    bench.upstream = await startUpstream({
      signer,
      suites: [{ suite: 'bookworm', packages: [], date: new Date('2020-01-01T00:30:00Z') }],
    })
    expect(await refusal(bench.loader.load(await sourceOf(bench.upstream)))).toMatchObject({ code })
  })

  it('changed on its way', async () => {
    await bench.start()
    const bytes = bench.upstream.repository.lookup('dists/bookworm/InRelease')!.bytes
    bench.upstream.fault('*/InRelease', {
      kind: 'replace',
      bytes: Buffer.from(String(bytes).replace('Origin: Test', 'Origin: Evil')),
    })
    expect(await refusal(bench.loader.load(await sourceOf(bench.upstream)))).toMatchObject({ code: 'SIGNATURE_BAD' })
  })

  it('replayed', async () => {
    await bench.start()
    const source = await sourceOf(bench.upstream)
    const old = bench.upstream.repository.lookup('dists/bookworm/InRelease')!.bytes
    await bench.upstream.publish()
    await bench.loader.load(source)
    bench.upstream.fault('*/InRelease', { kind: 'replace', bytes: old })
    expect(await refusal(bench.loader.load(source))).toMatchObject({ code: 'APT_RELEASE_REPLAYED' })
  })

  it('of the same date and other content is taken', async () => {
    await bench.start({ date: new Date('2026-01-01T00:00:00Z') })
    const source = await sourceOf(bench.upstream)
    await bench.loader.load(source)
    bench.upstream.suite('bookworm').packages.push({ name: 'nginx', version: '1' })
    await bench.upstream.publish()
    expect(await bench.textOf(await bench.loader.load(source))).toContain('nginx')
  })

  it('not signed by whom the one before it named', async () => {
    const [next, other] = await Promise.all([makeSigner(), makeSigner()])
    await bench.start({ releaseFields: { 'Signed-By': next.fingerprint } })
    const keys = { keys: ['key.asc', 'next.asc', 'other.asc'] }
    const source = await sourceOf(bench.upstream, { config: { keys: ['key.asc'] } })
    const { parseKeyring } = await import('../../openpgp/keyring.ts')
    const files = [bench.upstream.key, next.publicKeyArmored, other.publicKeyArmored]
    const keyring = await parseKeyring(files.map((text, at) => ({ name: keys.keys[at]!, bytes: Buffer.from(text) })))
    await bench.loader.load({ ...source, keyring })
    Object.assign(bench.upstream.suite('bookworm'), { signers: [other] })
    await bench.upstream.publish()
    expect(await refusal(bench.loader.load({ ...source, keyring }))).toMatchObject({ code: 'SIGNATURE_UNTRUSTED' })
    Object.assign(bench.upstream.suite('bookworm'), { signers: [next] })
    await bench.upstream.publish()
    expect((await bench.loader.load({ ...source, keyring })).signers).toEqual([next.fingerprint])
  })

  it.each<[string, Partial<SuiteOptions>, Record<string, unknown>]>([
    ['checkValidUntil: false', { validUntil: new Date(Date.now() - hourMs) }, { checkValidUntil: false }],
    ['checkDate: false', { date: new Date(Date.now() + hourMs) }, { checkDate: false }],
    ['acceptSuites', { suiteName: 'trixie', codename: 'trixie' }, { acceptSuites: ['trixie'] }],
    ['allowUnsigned', { signers: [] }, { allowUnsigned: true, keys: undefined }],
  ])('is taken by %s', async (_, options, config) => {
    await bench.start(options)
    const suite = await bench.loader.load(await sourceOf(bench.upstream, { config }))
    expect(await bench.textOf(suite)).toContain('Package: nmap')
    expect(suite.notes.some((note) => note.includes('NOT VERIFIED'))).toBe(config.allowUnsigned === true)
  })
})

describe('faults of indices', () => {
  it.each(['DIGEST_MISMATCH', 'SIZE_MISMATCH', 'FETCH_TOO_LARGE'] as const)(
    '%s stays out of the store',
    async (code) => {
      await bench.start({ acquireByHash: false })
      const index = bench.upstream.repository.lookup('dists/bookworm/main/binary-amd64/Packages.gz')!.bytes
      const faults = {
        DIGEST_MISMATCH: { kind: 'wrong-bytes' },
        SIZE_MISMATCH: { kind: 'short', sizeBytes: 10 },
        FETCH_TOO_LARGE: { kind: 'oversize', extraBytes: 10 },
      } as const
      bench.upstream.fault('*/Packages.gz', faults[code])
      expect(await refusal(bench.loader.load(await sourceOf(bench.upstream)))).toMatchObject({ code })
      const stored = await collectDigests(bench.loader.store)
      expect(stored).toEqual([digestOf(bench.upstream.repository.lookup('dists/bookworm/InRelease')!.bytes)])
      expect(stored).not.toContain(digestOf(index))
    },
  )

  it('a promised form that is not there gives way to the next', async () => {
    await bench.start()
    bench.upstream.fault(/Packages\.gz|by-hash/, { kind: 'vanish' })
    expect((await bench.loader.load(await sourceOf(bench.upstream))).indices[0]?.format).toBe('xz')
  })

  it('nothing there → APT_INDEX_MISSING', async () => {
    await bench.start()
    bench.upstream.fault(/Packages|by-hash/, { kind: 'vanish' })
    expect(await refusal(bench.loader.load(await sourceOf(bench.upstream)))).toMatchObject({
      code: 'APT_INDEX_MISSING',
    })
  })

  it('by-hash gone → the plain name', async () => {
    await bench.start()
    bench.upstream.fault(/by-hash/, { kind: 'vanish' })
    expect((await bench.loader.load(await sourceOf(bench.upstream))).indices[0]?.format).toBe('gz')
  })

  it('a bomb is stopped at the signed size', async () => {
    await bench.start({ formats: ['xz'] })
    const suite = await bench.loader.load(await sourceOf(bench.upstream))
    const index = { ...suite.indices[0]!, uncompressed: { sizeBytes: 100, sha256: '' } }
    const { signal } = new AbortController()
    const unpack = async () => {
      for await (const chunk of unpackText(packedIndex(bench.loader.store, index), signal))
        expect(chunk.length).toBeLessThanOrEqual(100)
    }
    expect(await refusal(unpack())).toMatchObject({ code: 'DECOMPRESS_BOMB' })
  })
})
