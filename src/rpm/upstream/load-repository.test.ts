import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeRpmSigner, startRpmUpstream } from '../../../test/fixtures/rpm-upstream/index.ts'
import { codeOf, RepositoryBench } from '../testing/repository-bench.ts'
import { loadFilelists } from './load-repository.ts'
import { recallRepository } from './repository-memory.ts'

const key = await makeRpmSigner()
const other = await makeRpmSigner('Somebody else')
let bench: RepositoryBench

beforeEach(async () => {
  bench = await RepositoryBench.open(key)
})

afterEach(() => bench.close())

describe('what an upstream may look like', () => {
  const compressions = ['plain', 'gz', 'xz', 'zst', 'bz2'] as const
  const hashes = ['sha256', 'sha512', 'sha', 'sha1', 'sha384'] as const
  it.each(compressions.flatMap((compression) => hashes.map((hash) => ({ compression, hash }))))(
    '$compression, $hash',
    async (options) => {
      await bench.start({ ...options, data: { updateinfo: '<updates/>', modules: '---\n' } })
      const repository = await bench.load()
      expect([...repository.files.keys()].sort()).toEqual(['modules', 'primary', 'updateinfo'])
      expect(await bench.textOf(repository, 'primary')).toContain('<name>nginx</name>')
      expect(repository.signers).toEqual([bench.upstream.signer.fingerprint])
      expect(repository.notes).toEqual([])
      bench.upstream.clearLog()
      await bench.load()
      expect(bench.paths()).toEqual(['304 repodata/repomd.xml'])
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
    await bench.start({
      moreRecords: [
        record('group', 'comps.xml', undefined, text),
        record('group_gz', 'comps.xml.gz', text, gzipSync(text)),
        record('primary_zck', 'primary.xml.zck', text, Buffer.from('zck')),
        record('primary_db', 'primary.sqlite.bz2', text, Buffer.from('db')),
        record('prestodelta', 'prestodelta.xml', undefined, text),
      ],
    })
    const repository = await bench.load()
    expect([...repository.files.keys()].sort()).toEqual(['group', 'primary'])
    expect(repository.files.get('group')).toMatchObject({ href: 'repodata/comps.xml.gz', format: 'gz' })
  })

  it('filelists only when asked for, and once', async () => {
    await bench.start()
    const repository = await bench.load()
    expect(bench.paths().join(' ')).not.toContain('filelists')
    const file = await loadFilelists(bench.loader(), repository)
    expect(file).toMatchObject({ type: 'filelists', format: 'gz' })
    bench.upstream.clearLog()
    await bench.load()
    await loadFilelists(bench.loader(), repository)
    expect(bench.paths()).toEqual(['304 repodata/repomd.xml'])
  })

  it('a second address when the first fails, and the signature from the one that answered', async () => {
    await bench.start()
    const dead = await startRpmUpstream({ packages: [], key })
    await dead.close()
    const repository = await bench.load({ urls: [dead.url, bench.upstream.url] })
    expect(repository.baseUrls).toEqual([bench.upstream.url, dead.url])
  })
})

describe('signatures', () => {
  it('must be there where repoGpgcheck says so', async () => {
    await bench.start({ signed: false })
    expect(await codeOf(bench.load({ repoGpgcheck: true }))).toBe('SIGNATURE_MISSING')
    const repository = await bench.load()
    expect(repository.notes).toEqual([expect.stringContaining('the signature of repomd.xml is not checked')])
    expect(await codeOf(bench.load({ gpgcheck: false }))).toBe('SIGNATURE_MISSING')
  })

  it('must go on being there, once they were', async () => {
    await bench.start()
    await bench.load()
    bench.upstream.options.signed = false
    await bench.upstream.publish()
    expect(await codeOf(bench.load())).toBe('SIGNATURE_MISSING')
    expect(await codeOf(bench.load({ repoGpgcheck: false }))).toBe('none')
  })

  it('of another key are refused, and what was good stays remembered', async () => {
    await bench.start()
    const good = await bench.load()
    bench.upstream.options.signer = other
    await bench.upstream.publish()
    expect(await codeOf(bench.load())).toBe('SIGNATURE_UNTRUSTED')
    expect((await recallRepository(bench.memory, 'el9'))?.revision).toBe(good.repomd.revision)
  })

  it('that do not fit are refused', async () => {
    await bench.start()
    bench.upstream.fault('repodata/repomd.xml', { kind: 'replace', bytes: Buffer.from('<repomd></repomd>') })
    expect(await codeOf(bench.load())).toBe('SIGNATURE_BAD')
  })

  it('made anew for the same repomd.xml are read, when the old one is no longer good', async () => {
    await bench.start({ signer: other })
    expect(await codeOf(bench.load())).toBe('SIGNATURE_UNTRUSTED')
    await bench.load({ repoGpgcheck: false })
    bench.upstream.options.signer = bench.upstream.signer
    bench.upstream.options.timestamp = Number((await recallRepository(bench.memory, 'el9'))?.timestamp)
    await bench.upstream.publish()
    expect((await bench.load()).signers).toEqual([bench.upstream.signer.fingerprint])
  })

  it('are not looked at where all is believed', async () => {
    await bench.start({ signed: false })
    const repository = await bench.load({ allowUnsigned: true })
    expect(repository.notes).toEqual([expect.stringContaining('NOT VERIFIED')])
    expect(bench.paths().join(' ')).not.toContain('.asc')
  })
})
