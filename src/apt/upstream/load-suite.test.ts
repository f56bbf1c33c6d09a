import { describe, expect, it } from 'vitest'
import { startUpstream, type Compression, type SuiteOptions } from '../../../test/fixtures/upstream/index.ts'
import { refusal, useSuiteBench } from '../testing/suite-bench.ts'
import { sourceOf } from '../testing/test-loader.ts'
import { recallSuite } from './upstream-memory.ts'

const hourMs = 3_600_000
const bench = useSuiteBench()

describe('what an upstream may look like', () => {
  const formats: Compression[] = ['xz', 'zst', 'gz', 'plain']
  const hashes: NonNullable<SuiteOptions['hashes']>[] = [['SHA256'], ['SHA512'], ['MD5Sum', 'SHA256', 'SHA512']]
  it.each(formats.flatMap((format) => hashes.map((hash) => [format, hash] as const)))(
    '%s, %j',
    async (format, hash) => {
      await bench.start({ formats: [format], hashes: hash })
      const suite = await bench.loader.load(await sourceOf(bench.upstream))
      expect(suite.indices).toMatchObject([{ kind: 'Packages', component: 'main', architecture: 'amd64', format }])
      expect(await bench.textOf(suite)).toContain('Package: nmap')
      expect(suite.signers).toEqual([bench.upstream.signer.fingerprint])
      const byHash = hash.includes('SHA512') ? 'by-hash/SHA512/' : 'by-hash/SHA256/'
      expect(bench.upstream.requests.at(-1)?.path).toContain(byHash)
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
    await bench.start(options)
    const suite = await bench.loader.load(await sourceOf(bench.upstream, { suite: options.suite ?? 'bookworm' }))
    expect(await bench.textOf(suite)).toContain('Package: nmap')
  })

  it.each(['./', 'sub/'])('flat at %s', async (folder) => {
    await bench.start({ suite: folder })
    const suite = await bench.loader.load(await sourceOf(bench.upstream, { suite: folder }))
    expect(suite.indices).toMatchObject([{ kind: 'Packages', path: 'Packages', component: 'main' }])
    expect(await bench.textOf(suite)).toContain('Package: nmap')
  })

  it('several components and architectures, translations, contents', async () => {
    const packages = [
      { name: 'a', version: '1' },
      { name: 'b', version: '1', component: 'contrib', architecture: 'arm64' },
      { name: 'c', version: '1', architecture: 'all' },
    ]
    const both = { components: ['main', 'contrib'], architectures: ['amd64', 'arm64'] }
    await bench.start({ ...both, packages, translations: true, contents: true })
    const source = await sourceOf(bench.upstream, both)
    const suite = await bench.loader.load(source, { wanted: { contents: true } })
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
    const every = await bench.loader.load({ ...source, components: undefined })
    expect(every.indices).toHaveLength(6)
  })

  it('notes what is asked for and not there, unless nothing is', async () => {
    await bench.start()
    const suite = await bench.loader.load(await sourceOf(bench.upstream, { components: ['main', 'contrib'] }))
    expect(suite.notes).toEqual(['upstream test, suite bookworm: has no contrib/binary-amd64/Packages'])
    const nothing = bench.loader.load(await sourceOf(bench.upstream, { architectures: ['s390x'] }))
    expect(await refusal(nothing)).toMatchObject({ code: 'APT_INDEX_MISSING' })
  })
})

describe('a refresh', () => {
  it('costs one request when nothing is new', async () => {
    await bench.start()
    const source = await sourceOf(bench.upstream)
    expect((await bench.loader.load(source)).unchanged).toBe(false)
    bench.upstream.clearLog()
    const again = await bench.loader.load(source)
    expect(again.unchanged).toBe(true)
    expect(await bench.textOf(again)).toContain('Package: nmap')
    expect(bench.upstream.requests.map(({ path, status }) => [path, status])).toEqual([
      ['dists/bookworm/InRelease', 304],
    ])
  })

  it('is unchanged too when the server knows no conditions', async () => {
    await bench.start({ serve: ['Release', 'Release.gpg'] })
    const source = await sourceOf(bench.upstream)
    await bench.loader.load(source)
    bench.upstream.fault('*', { kind: 'no-validators' })
    expect((await bench.loader.load(source)).unchanged).toBe(true)
  })

  it('fetches what is new and nothing else', async () => {
    await bench.start({ components: ['main', 'contrib'] })
    const source = await sourceOf(bench.upstream, { components: ['main', 'contrib'] })
    await bench.loader.load(source)
    bench.upstream.suite('bookworm').packages.push({ name: 'nginx', version: '1.22', component: 'contrib' })
    await bench.upstream.publish()
    bench.upstream.clearLog()
    const suite = await bench.loader.load(source)
    expect(suite.unchanged).toBe(false)
    expect(await bench.textOf(suite)).toContain('Package: nginx')
    expect(bench.upstream.requests.map(({ path }) => path.split('/by-hash/')[0])).toEqual([
      'dists/bookworm/InRelease',
      'dists/bookworm/contrib/binary-amd64',
    ])
  })

  it('is remembered for every mirror that reads it, whatever each of them asks for', async () => {
    await bench.start({ architectures: ['amd64', 'arm64'], hashes: ['SHA512'] })
    const one = await sourceOf(bench.upstream, { architectures: ['amd64'] })
    const other = { ...one, architectures: ['arm64'] }
    const wanted = [...(await bench.loader.load(one)).indices, ...(await bench.loader.load(other)).indices]
    const asked = bench.upstream.requests.length
    expect([(await bench.loader.load(one)).unchanged, (await bench.loader.load(other)).unchanged]).toEqual([true, true])
    expect(bench.upstream.requests.length - asked).toBe(2)
    const remembered = await recallSuite(bench.loader.memory, one.key)
    expect(remembered?.indices.map(({ digest }) => digest).sort()).toEqual(wanted.map(({ digest }) => digest).sort())
  })

  it('fetches nothing again that only SHA-512 promised', async () => {
    await bench.start({ hashes: ['SHA512'] })
    const source = await sourceOf(bench.upstream)
    await bench.loader.load(source)
    bench.upstream.clearLog()
    expect((await bench.loader.load(source)).unchanged).toBe(true)
    expect(bench.upstream.requests).toHaveLength(1)
  })
})

describe('an upstream that changes in the middle', () => {
  /** At each request for an index, up to so many, the upstream is a generation further than its Release said. */
  async function changeOnIndex(times: number): Promise<void> {
    const generations = [new Map(bench.upstream.repository.files())]
    for (let generation = 1; generation <= times; generation++) {
      bench.upstream.suite('bookworm').packages.push({ name: `p${generation}`, version: '1' })
      await bench.upstream.publish()
      generations.push(new Map(bench.upstream.repository.files()))
    }
    let now = 0
    bench.upstream.repository.lookup = (path) => {
      if (path.includes('Packages') && now < times) now++
      return generations[now]!.get(path)
    }
  }

  it('is read again', async () => {
    await bench.start({ acquireByHash: false, formats: ['xz'] })
    await changeOnIndex(2)
    const suite = await bench.loader.load(await sourceOf(bench.upstream))
    expect(await bench.textOf(suite)).toContain('Package: p2')
    expect(bench.upstream.requestsFor(/InRelease/)).toHaveLength(3)
  })

  it('is given up when it never rests', async () => {
    await bench.start({ acquireByHash: false, formats: ['xz'] })
    await changeOnIndex(9)
    expect(await refusal(bench.loader.load(await sourceOf(bench.upstream)))).toMatchObject({
      code: 'APT_UPSTREAM_CHANGED',
      retryable: true,
    })
  })

  it('is read whole through by-hash, which survives', async () => {
    await bench.start()
    const source = await sourceOf(bench.upstream)
    const before = bench.upstream.repository.lookup('dists/bookworm/InRelease')!.bytes
    bench.upstream.suite('bookworm').packages.push({ name: 'nginx', version: '1' })
    await bench.upstream.publish()
    bench.upstream.fault('*/InRelease', { kind: 'replace', bytes: before })
    expect(await bench.textOf(await bench.loader.load(source))).not.toContain('nginx')
  })
})

describe('several addresses', () => {
  it('one broken in each way: the other is used', async () => {
    await bench.start()
    const mirror = await startUpstream({ signer: bench.upstream.signer, suites: bench.upstream.repository.suites })
    try {
      bench.upstream.fault('*', { kind: 'status', status: 403 })
      const source = { ...(await sourceOf(bench.upstream)), uris: [bench.upstream.url, mirror.url] }
      expect(await bench.textOf(await bench.loader.load(source))).toContain('Package: nmap')
    } finally {
      await mirror.close()
    }
  })

  it('unreachable: tells when it was last read well, and does not use it', async () => {
    await bench.start()
    const source = await sourceOf(bench.upstream)
    const now = new Date()
    await bench.loader.load(source, { now })
    bench.upstream.fault('*', { kind: 'status', status: 500 })
    const error = await refusal(bench.loader.load(source))
    expect(error).toMatchObject({ code: 'FETCH_BUSY', context: { lastGoodAt: now.toISOString() } })
    expect(await recallSuite(bench.loader.memory, source.key)).toMatchObject({ readAt: now.toISOString() })
  })
})
