import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeRpmSigner, type RpmUpstream } from '../../../test/fixtures/rpm-upstream/index.ts'
import type { ErrorCode } from '../../core/index.ts'
import { codeOf, RepositoryBench } from '../testing/repository-bench.ts'
import { openDataFile } from './data-file.ts'

const key = await makeRpmSigner()
let bench: RepositoryBench

beforeEach(async () => {
  bench = await RepositoryBench.open(key)
})

afterEach(() => bench.close())

describe('faults', () => {
  it('an older repomd.xml than before is refused, unless allowed', async () => {
    await bench.start({ timestamp: 1_700_000_100 })
    await bench.load()
    bench.upstream.options.timestamp = 1_700_000_000
    await bench.upstream.publish()
    expect(await codeOf(bench.load())).toBe('RPM_REPOMD_REPLAYED')
    expect(await codeOf(bench.load({ allowOlder: true }))).toBe('none')
  })

  it('an older revision of the same second is refused', async () => {
    await bench.start({ timestamp: 1_700_000_100, revision: '7' })
    await bench.load()
    bench.upstream.options.revision = '6'
    await bench.upstream.publish()
    expect(await codeOf(bench.load())).toBe('RPM_REPOMD_REPLAYED')
  })

  it('nothing at the address', async () => {
    await bench.start()
    bench.upstream.fault('*', { kind: 'vanish' })
    expect(await codeOf(bench.load())).toBe('RPM_REPOMD_MISSING')
  })

  it.each<[string, Parameters<RpmUpstream['fault']>[1], ErrorCode]>([
    ['wrong bytes', { kind: 'wrong-bytes' }, 'DIGEST_MISMATCH'],
    ['fewer bytes', { kind: 'short', sizeBytes: 20 }, 'SIZE_MISMATCH'],
    ['more bytes', { kind: 'oversize', extraBytes: 100 }, 'SIZE_MISMATCH'],
    ['no bytes', { kind: 'vanish' }, 'RPM_INDEX_MISSING'],
  ])('a primary of %s', async (_name, fault, code) => {
    await bench.start()
    bench.upstream.fault('repodata/*primary*', fault)
    const found = await codeOf(bench.load())
    expect(found === code || (code === 'SIZE_MISMATCH' && found === 'FETCH_TOO_LARGE')).toBe(true)
    bench.upstream.clearFaults()
    expect(await codeOf(bench.load())).toBe('none')
  })

  it('a repomd.xml without end', async () => {
    await bench.start()
    bench.upstream.fault('repodata/repomd.xml', { kind: 'endless' })
    expect(await codeOf(bench.load())).toBe('FETCH_TOO_LARGE')
  })

  it.each(['md5'] as const)('nothing but %s', async (hash) => {
    await bench.start({ hash })
    expect(await codeOf(bench.load())).toBe('RPM_CHECKSUM_REFUSED')
  })

  it('no primary', async () => {
    await bench.start({ without: ['primary'] })
    expect(await codeOf(bench.load())).toBe('RPM_INDEX_MISSING')
  })

  it('a bomb behind a right checksum', async () => {
    await bench.start({ texts: { primary: Buffer.alloc(100_000_000) } })
    const primary = (await bench.load()).files.get('primary')!
    const drain = async (file: typeof primary): Promise<void> => {
      for await (const part of openDataFile(bench.store, file, bench.signal)) if (part.length < 0) return
    }
    expect(await codeOf(drain({ ...primary, openSizeBytes: undefined }))).toBe('DECOMPRESS_BOMB')
    expect(await codeOf(drain({ ...primary, openSizeBytes: 1000 }))).toBe('DECOMPRESS_BOMB')
    expect(await codeOf(drain({ ...primary, openChecksum: { type: 'sha256', hex: '0'.repeat(64) } }))).toBe(
      'DIGEST_MISMATCH',
    )
  })
})

describe('an upstream that changes in the middle', () => {
  it('once: is read again', async () => {
    await bench.start()
    bench.upstream.fault('repodata/*primary*', { kind: 'vanish' }, { times: 1 })
    bench.upstream.options.packages.push({ name: 'curl', version: '8' })
    const before = bench.upstream.repository.lookup('repodata/repomd.xml')!.bytes
    bench.upstream.fault('repodata/repomd.xml', { kind: 'replace', bytes: before }, { times: 1 })
    const signature = bench.upstream.repository.lookup('repodata/repomd.xml.asc')!.bytes
    bench.upstream.fault('repodata/repomd.xml.asc', { kind: 'replace', bytes: signature }, { times: 1 })
    await bench.upstream.publish()
    expect(await bench.textOf(await bench.load(), 'primary')).toContain('<name>curl</name>')
  })

  it('between repomd.xml and its signature: is read again', async () => {
    await bench.start()
    const before = bench.upstream.repository.lookup('repodata/repomd.xml')!.bytes
    bench.upstream.fault('repodata/repomd.xml', { kind: 'replace', bytes: before }, { times: 1 })
    bench.upstream.options.packages.push({ name: 'curl', version: '8' })
    await bench.upstream.publish()
    expect(await bench.textOf(await bench.load(), 'primary')).toContain('<name>curl</name>')
  })

  it('again and again: is given up', async () => {
    await bench.start()
    const lookup = bench.upstream.repository.lookup.bind(bench.upstream.repository)
    const files = await Promise.all(
      [1, 2, 3, 4, 5].map(async (version) => {
        bench.upstream.options.packages[0]!.version = String(version)
        await bench.upstream.publish()
        return ['repomd.xml', 'repomd.xml.asc'].map((name) => lookup(`repodata/${name}`)!)
      }),
    )
    let reads = 0
    bench.upstream.fault('repodata/*primary*', { kind: 'vanish' })
    bench.upstream.repository.lookup = (path) => {
      if (path.endsWith('repomd.xml')) reads++
      const [repomd, signature] = files[Math.min(reads, 5) - 1] ?? []
      if (path.endsWith('repomd.xml')) return repomd
      return path.endsWith('.asc') ? signature : lookup(path)
    }
    expect(await codeOf(bench.load())).toBe('RPM_UPSTREAM_CHANGED')
    expect(reads).toBe(3)
  })
})
