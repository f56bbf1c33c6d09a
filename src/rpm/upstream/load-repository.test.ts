import { once } from 'node:events'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  makeRpmSigner,
  startRpmUpstream,
  type RpmUpstream,
  type RpmUpstreamOptions,
} from '../../../test/fixtures/rpm-upstream/index.ts'
import { isLarderError, silentProgress, systemClock, type ErrorCode } from '../../core/index.ts'
import { memoryFiles } from '../../core/testing/memory-files.ts'
import { createTestFetcher, type TestFetcher } from '../../fetch/testing/index.ts'
import { rpmUpstreamSchema } from '../upstream-config.ts'
import { openDataFile, type DataFileType } from './data-file.ts'
import { findRepository } from './find-repository.ts'
import { loadFilelists, loadRepository, type RepositoryLoader } from './load-repository.ts'
import type { Repository } from './repository.ts'
import { recallRepository, type RepositoryMemory } from './repository-memory.ts'

let upstream: RpmUpstream
let testing: TestFetcher
let memory: RepositoryMemory
const { signal } = new AbortController()
const key = await makeRpmSigner()
const other = await makeRpmSigner('Somebody else')

beforeEach(async () => {
  testing = await createTestFetcher()
  const values = new Map<string, unknown>()
  memory = {
    get: (key) => Promise.resolve(structuredClone(values.get(key))),
    put: (key, value) => {
      values.set(key, JSON.parse(JSON.stringify(value)))
      return Promise.resolve()
    },
  }
})

afterEach(async () => {
  await testing.fetcher.close()
  await upstream.close()
})

async function start(options: Partial<RpmUpstreamOptions> = {}): Promise<void> {
  upstream = await startRpmUpstream({ packages: [{ name: 'nginx', version: '1.22' }], key, ...options })
}

const loader = (): RepositoryLoader => ({
  ...testing,
  memory,
  progress: silentProgress,
  signal,
  now: systemClock.now(),
})

async function load(config: Record<string, unknown> = {}): Promise<Repository> {
  const place = ['urls', 'mirrorlist', 'metalink'].some((key) => key in config) ? {} : { url: upstream.url }
  const keys = config['allowUnsigned'] === true ? {} : { keys: ['key.asc'] }
  const source = await findRepository({
    upstream: { name: 'el9', config: rpmUpstreamSchema.parse({ ...place, ...keys, ...config }) },
    files: memoryFiles({ 'key.asc': upstream.key }),
    readHostFile: () => Promise.resolve(undefined),
  })
  return loadRepository(loader(), source)
}

async function textOf(repository: Repository, type: DataFileType): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of openDataFile(testing.store, repository.files.get(type)!, signal)) parts.push(part)
  return Buffer.concat(parts).toString()
}

async function codeOf(work: Promise<unknown>): Promise<ErrorCode | 'none'> {
  try {
    await work
    return 'none'
  } catch (error) {
    if (isLarderError(error)) return error.code
    throw error
  }
}

const paths = (): string[] =>
  upstream.requests.map(({ path, status }) => `${status} ${path.replace(/[0-9a-f]{40,}/, '#')}`)

describe('what an upstream may look like', () => {
  const compressions = ['plain', 'gz', 'xz', 'zst', 'bz2'] as const
  const hashes = ['sha256', 'sha512', 'sha', 'sha1', 'sha384'] as const
  it.each(compressions.flatMap((compression) => hashes.map((hash) => ({ compression, hash }))))(
    '$compression, $hash',
    async (options) => {
      await start({ ...options, data: { updateinfo: '<updates/>', modules: '---\n' } })
      const repository = await load()
      expect([...repository.files.keys()].sort()).toEqual(['modules', 'primary', 'updateinfo'])
      expect(await textOf(repository, 'primary')).toContain('<name>nginx</name>')
      expect(repository.signers).toEqual([upstream.signer.fingerprint])
      expect(repository.notes).toEqual([])
      upstream.clearLog()
      await load()
      expect(paths()).toEqual(['304 repodata/repomd.xml'])
    },
  )

  it('groups in the smallest form, zchunk and unknown records passed over', async () => {
    const record = (type: string, name: string, open: Buffer | undefined, packed: Buffer) => ({
      type,
      href: `repodata/${name}`,
      open,
      packed,
      timestamp: 1,
    })
    const text = Buffer.from('<comps/>')
    await start({
      moreRecords: [
        record('group', 'comps.xml', undefined, text),
        record('group_gz', 'comps.xml.gz', text, gzipSync(text)),
        record('primary_zck', 'primary.xml.zck', text, Buffer.from('zck')),
        record('primary_db', 'primary.sqlite.bz2', text, Buffer.from('db')),
        record('prestodelta', 'prestodelta.xml', undefined, text),
      ],
    })
    const repository = await load()
    expect([...repository.files.keys()].sort()).toEqual(['group', 'primary'])
    expect(repository.files.get('group')).toMatchObject({ href: 'repodata/comps.xml.gz', format: 'gz' })
  })

  it('filelists only when asked for, and once', async () => {
    await start()
    const repository = await load()
    expect(paths().join(' ')).not.toContain('filelists')
    const file = await loadFilelists(loader(), repository)
    expect(file).toMatchObject({ type: 'filelists', format: 'gz' })
    upstream.clearLog()
    await load()
    await loadFilelists(loader(), repository)
    expect(paths()).toEqual(['304 repodata/repomd.xml'])
  })

  it('a second address when the first fails, and the signature from the one that answered', async () => {
    await start()
    const dead = await startRpmUpstream({ packages: [], key })
    await dead.close()
    const repository = await load({ urls: [dead.url, upstream.url] })
    expect(repository.baseUrls).toEqual([upstream.url, dead.url])
  })
})

describe('lists of mirrors', () => {
  async function withList(kind: 'mirrorlist' | 'metalink', text: () => string): Promise<Record<string, string>> {
    const { createServer } = await import('node:http')
    const server = createServer((_request, response) => response.end(text())).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const close = upstream.close.bind(upstream)
    Object.defineProperty(upstream, 'close', {
      value: async () => {
        server.close()
        server.closeAllConnections()
        await close()
      },
    })
    return { [kind]: `http://127.0.0.1:${port}/list?repo=el9&arch=x86_64` }
  }

  it('a mirrorlist', async () => {
    await start()
    const config = await withList('mirrorlist', () => `# comment\nftp://h.example.org/\n${upstream.url.slice(0, -1)}\n`)
    const repository = await load(config)
    expect(repository.baseUrls).toEqual([upstream.url])
  })

  it('a mirrorlist leads to no file of this host', async () => {
    await start()
    const config = await withList('mirrorlist', () => 'file:///etc/\n')
    expect(await codeOf(load(config))).toBe('RPM_MIRRORS_MISSING')
  })

  it('a metalink, whose promise is held to; unchanged, it is all that is asked for', async () => {
    await start()
    const config = await withList('metalink', () => upstream.repository.metalink([upstream.url]))
    const repository = await load(config)
    expect(repository.baseUrls).toEqual([upstream.url])
    upstream.clearLog()
    await load(config)
    expect(paths()).toEqual([])
  })

  it('a metalink ahead of its mirrors: the generation before, while it promises that', async () => {
    await start()
    const future = Buffer.from('<repomd/>')
    const { generations } = upstream.repository
    const both = await withList('metalink', () =>
      upstream.repository.metalink([upstream.url], [future, ...generations]),
    )
    expect((await load(both)).signers).toHaveLength(1)
  })

  it('a metalink that promises something else', async () => {
    await start()
    const config = await withList('metalink', () => upstream.repository.metalink([upstream.url], [Buffer.from('else')]))
    expect(await codeOf(load(config))).toBe('RPM_METALINK_MISMATCH')
  })
})

describe('signatures', () => {
  it('must be there where repoGpgcheck says so', async () => {
    await start({ signed: false })
    expect(await codeOf(load({ repoGpgcheck: true }))).toBe('SIGNATURE_MISSING')
    const repository = await load()
    expect(repository.notes).toEqual([expect.stringContaining('the signature of repomd.xml is not checked')])
    expect(await codeOf(load({ gpgcheck: false }))).toBe('SIGNATURE_MISSING')
  })

  it('must go on being there, once they were', async () => {
    await start()
    await load()
    upstream.options.signed = false
    await upstream.publish()
    expect(await codeOf(load())).toBe('SIGNATURE_MISSING')
    expect(await codeOf(load({ repoGpgcheck: false }))).toBe('none')
  })

  it('of another key are refused, and what was good stays remembered', async () => {
    await start()
    const good = await load()
    upstream.options.signer = other
    await upstream.publish()
    expect(await codeOf(load())).toBe('SIGNATURE_UNTRUSTED')
    expect((await recallRepository(memory, 'el9'))?.revision).toBe(good.repomd.revision)
  })

  it('that do not fit are refused', async () => {
    await start()
    upstream.fault('repodata/repomd.xml', { kind: 'replace', bytes: Buffer.from('<repomd></repomd>') })
    expect(await codeOf(load())).toBe('SIGNATURE_BAD')
  })

  it('made anew for the same repomd.xml are read, when the old one is no longer good', async () => {
    await start({ signer: other })
    expect(await codeOf(load())).toBe('SIGNATURE_UNTRUSTED')
    await load({ repoGpgcheck: false })
    upstream.options.signer = upstream.signer
    upstream.options.timestamp = Number((await recallRepository(memory, 'el9'))?.timestamp)
    await upstream.publish()
    expect((await load()).signers).toEqual([upstream.signer.fingerprint])
  })

  it('are not looked at where all is believed', async () => {
    await start({ signed: false })
    const repository = await load({ allowUnsigned: true })
    expect(repository.notes).toEqual([expect.stringContaining('NOT VERIFIED')])
    expect(paths().join(' ')).not.toContain('.asc')
  })
})

describe('faults', () => {
  it('an older repomd.xml than before is refused, unless allowed', async () => {
    await start({ timestamp: 1_700_000_100 })
    await load()
    upstream.options.timestamp = 1_700_000_000
    await upstream.publish()
    expect(await codeOf(load())).toBe('RPM_REPOMD_REPLAYED')
    expect(await codeOf(load({ allowOlder: true }))).toBe('none')
  })

  it('an older revision of the same second is refused', async () => {
    await start({ timestamp: 1_700_000_100, revision: '7' })
    await load()
    upstream.options.revision = '6'
    await upstream.publish()
    expect(await codeOf(load())).toBe('RPM_REPOMD_REPLAYED')
  })

  it('nothing at the address', async () => {
    await start()
    upstream.fault('*', { kind: 'vanish' })
    expect(await codeOf(load())).toBe('RPM_REPOMD_MISSING')
  })

  it.each<[string, Parameters<RpmUpstream['fault']>[1], ErrorCode]>([
    ['wrong bytes', { kind: 'wrong-bytes' }, 'DIGEST_MISMATCH'],
    ['fewer bytes', { kind: 'short', sizeBytes: 20 }, 'SIZE_MISMATCH'],
    ['more bytes', { kind: 'oversize', extraBytes: 100 }, 'SIZE_MISMATCH'],
    ['no bytes', { kind: 'vanish' }, 'RPM_INDEX_MISSING'],
  ])('a primary of %s', async (_name, fault, code) => {
    await start()
    upstream.fault('repodata/*primary*', fault)
    const found = await codeOf(load())
    expect(found === code || (code === 'SIZE_MISMATCH' && found === 'FETCH_TOO_LARGE')).toBe(true)
    upstream.clearFaults()
    expect(await codeOf(load())).toBe('none')
  })

  it('a repomd.xml without end', async () => {
    await start()
    upstream.fault('repodata/repomd.xml', { kind: 'endless' })
    expect(await codeOf(load())).toBe('FETCH_TOO_LARGE')
  })

  it.each(['md5'] as const)('nothing but %s', async (hash) => {
    await start({ hash })
    expect(await codeOf(load())).toBe('RPM_CHECKSUM_REFUSED')
  })

  it('no primary', async () => {
    await start({ without: ['primary'] })
    expect(await codeOf(load())).toBe('RPM_INDEX_MISSING')
  })

  it('a bomb behind a right checksum', async () => {
    await start({ texts: { primary: Buffer.alloc(100_000_000) } })
    const primary = (await load()).files.get('primary')!
    const drain = async (file: typeof primary): Promise<void> => {
      for await (const part of openDataFile(testing.store, file, signal)) if (part.length < 0) return
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
    await start()
    upstream.fault('repodata/*primary*', { kind: 'vanish' }, { times: 1 })
    upstream.options.packages.push({ name: 'curl', version: '8' })
    const before = upstream.repository.lookup('repodata/repomd.xml')!.bytes
    upstream.fault('repodata/repomd.xml', { kind: 'replace', bytes: before }, { times: 1 })
    const signature = upstream.repository.lookup('repodata/repomd.xml.asc')!.bytes
    upstream.fault('repodata/repomd.xml.asc', { kind: 'replace', bytes: signature }, { times: 1 })
    await upstream.publish()
    expect(await textOf(await load(), 'primary')).toContain('<name>curl</name>')
  })

  it('between repomd.xml and its signature: is read again', async () => {
    await start()
    const before = upstream.repository.lookup('repodata/repomd.xml')!.bytes
    upstream.fault('repodata/repomd.xml', { kind: 'replace', bytes: before }, { times: 1 })
    upstream.options.packages.push({ name: 'curl', version: '8' })
    await upstream.publish()
    expect(await textOf(await load(), 'primary')).toContain('<name>curl</name>')
  })

  it('again and again: is given up', async () => {
    await start()
    const lookup = upstream.repository.lookup.bind(upstream.repository)
    const files = await Promise.all(
      [1, 2, 3, 4, 5].map(async (version) => {
        upstream.options.packages[0]!.version = String(version)
        await upstream.publish()
        return ['repomd.xml', 'repomd.xml.asc'].map((name) => lookup(`repodata/${name}`)!)
      }),
    )
    let reads = 0
    upstream.fault('repodata/*primary*', { kind: 'vanish' })
    upstream.repository.lookup = (path) => {
      if (path.endsWith('repomd.xml')) reads++
      const [repomd, signature] = files[Math.min(reads, 5) - 1] ?? []
      if (path.endsWith('repomd.xml')) return repomd
      return path.endsWith('.asc') ? signature : lookup(path)
    }
    expect(await codeOf(load())).toBe('RPM_UPSTREAM_CHANGED')
    expect(reads).toBe(3)
  })
})
