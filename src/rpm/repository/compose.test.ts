import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { digestOf, hexOf } from '../../core/digest.ts'
import { packagesOfTree } from '../../mirror/index.ts'
import { writeTree, type SigningKey, type Snapshot, type Tree, type TreeEntry } from '../../publish/index.ts'
import { memoryCache } from '../../pieces/testing/memory-cache.ts'
import type { LeaseId } from '../../store/index.ts'
import { MemoryBlobStore } from '../../store/testing/index.ts'
import { parseRepomd } from '../repomd.ts'
import { childrenOf, childOf, parseXml, type XmlElement } from '../xml-document.ts'
import { composeRepository, type ComposeOptions } from './compose.ts'
import { primaryXml } from './package-xml.ts'
import type { RepositoryPackage } from './repository-package.ts'
import { createRpmSealer } from './sealer.ts'
import { headerOf } from './testing/header-of.ts'

const lease = 'lease' as LeaseId

/** A package with an upstream's fragment (`upstream`), or one of which the header tells. */
function packageOf(name: string, version = '1.0', kind: 'upstream' | 'own' = 'upstream'): RepositoryPackage {
  const evr = { epoch: '0', version, release: '1' }
  const digest = digestOf(`${name} ${version}`)
  const checksum = { type: 'sha256', hex: hexOf(digest) } as const
  const rpm = headerOf(name, { evr })
  const fragment = Buffer.from(primaryXml(rpm, { path: `elsewhere/${name}.rpm`, checksum, isForYum3: false }))
  return {
    name,
    evr,
    architecture: 'x86_64',
    digest,
    sizeBytes: rpm.packageBytes,
    ...(kind === 'upstream' && { primary: { checksum, fragment: () => fragment } }),
    upstream: 'base',
    reason: 'listed',
  }
}

function bench() {
  const store = new MemoryBlobStore()
  const cache = memoryCache()
  const asked: string[] = []
  const content = async (entry: TreeEntry): Promise<Buffer> =>
    Buffer.concat(await Promise.all((entry.parts ?? [entry]).map((part) => store.readWhole(part.digest))))
  return {
    store,
    asked,
    content,
    compose: (packages: readonly RepositoryPackage[], more: Partial<ComposeOptions> = {}) =>
      composeRepository({
        packages,
        headers: {
          of: ({ label }) => {
            asked.push(label)
            const [, name = '', version = ''] = /^(.*)-([^-]*)-1\.x86_64$/.exec(label) ?? []
            return Promise.resolve(headerOf(name, { evr: { epoch: '0', version, release: '1' } }))
          },
        },
        architectures: ['x86_64'],
        store,
        lease,
        cache,
        cacheKey: 'el9',
        ...more,
      }),
    async read(entries: readonly TreeEntry[], name: string): Promise<XmlElement> {
      const entry = entries.find(({ path }) => path.endsWith(`-${name}.gz`))!
      const root = { 'primary.xml': 'metadata', 'filelists.xml': 'filelists', 'other.xml': 'otherdata' }[name]!
      return parseXml(gunzipSync(await content(entry)), { label: name, root }).root
    },
  }
}

const many = (count: number): RepositoryPackage[] =>
  Array.from({ length: count }, (_, index) =>
    packageOf(`p${(index * 7919) % 100_003}-x`, '1.0', index % 3 === 0 ? 'own' : 'upstream'),
  )

describe('composeRepository', () => {
  test('every file is what its entry says and what the meta promises, under its checksum', async () => {
    const { compose, content, read } = bench()
    const carried = {
      updateinfo: Buffer.from('<updates/>'),
      comps: Buffer.from('<comps/>'),
      modules: Buffer.from('---\n'),
    }
    const { entries, meta } = await compose(many(700), { carried, vendorKeys: new Map([['base', Buffer.from('key')]]) })
    expect(meta.records.map(({ type, href }) => `${type} ${href.replace(/[0-9a-f]{64}/, '#')}`)).toEqual([
      'primary repodata/#-primary.xml.gz',
      'filelists repodata/#-filelists.xml.gz',
      'other repodata/#-other.xml.gz',
      'group repodata/#-comps.xml',
      'group_gz repodata/#-comps.xml.gz',
      'updateinfo repodata/#-updateinfo.xml.gz',
      'modules repodata/#-modules.yaml.gz',
    ])
    for (const { type, href, checksum, sizeBytes, openChecksum, openSizeBytes } of meta.records) {
      const entry = entries.find(({ path }) => path === href)!
      const bytes = await content(entry)
      expect([hexOf(entry.digest), hexOf(digestOf(bytes)), bytes.length]).toEqual([
        checksum.hex,
        checksum.hex,
        sizeBytes,
      ])
      expect([entry.stable, entry.sizeBytes]).toEqual([true, sizeBytes])
      const plain = type === 'group' ? undefined : gunzipSync(bytes)
      expect([openChecksum?.hex, openSizeBytes]).toEqual([plain && hexOf(digestOf(plain)), plain?.length])
    }
    const others = entries.filter(({ path }) => !path.startsWith('Packages/') && !path.startsWith('repodata/'))
    expect(others.map(({ path, stable }) => [path, stable])).toEqual([
      ['larder/packages.jsonl', false],
      ['keys/RPM-GPG-KEY-base', false],
    ])
    expect(meta).toMatchObject({
      format: 'rpm',
      architectures: ['x86_64'],
      gpgcheck: true,
      vendorKeys: ['keys/RPM-GPG-KEY-base'],
    })
    const [primary, filelists, other] = await Promise.all(
      ['primary.xml', 'filelists.xml', 'other.xml'].map((name) => read(entries, name)),
    )
    const ids = childrenOf(primary!, 'package').map((one) => childOf(one, 'checksum')!.text)
    for (const index of [filelists!, other!]) {
      expect(index.attributes.packages).toBe('700')
      expect(childrenOf(index, 'package').map(({ attributes }) => attributes.pkgid)).toEqual(ids)
    }
    const hrefs = childrenOf(primary!, 'package').map((one) => childOf(one, 'location')!.attributes.href)
    expect(new Set(hrefs)).toEqual(
      new Set(entries.map(({ path }) => path).filter((path) => path.startsWith('Packages/'))),
    )
    expect(hrefs).toContain('Packages/p/p0-x-1.0-1.x86_64.rpm')
  })

  test('is a function of the packages: whatever was composed before, and in whatever order they are given', async () => {
    const pool = many(400)
    const subset = fc.array(fc.nat(pool.length - 1), { maxLength: 400 })
    await fc.assert(
      fc.asyncProperty(fc.array(subset, { minLength: 2, maxLength: 4 }), async (history) => {
        const used = bench()
        const steps = history.map((picks) => [...new Set(picks)].map((index) => pool[index]!))
        for (const packages of steps.slice(0, -1)) await used.compose(packages)
        const last = steps.at(-1)!
        const incremental = await used.compose(last)
        const fresh = bench()
        const scratch = await fresh.compose([...last].reverse())
        expect(incremental).toEqual(scratch)
        const [a, b] = await Promise.all([
          writeTree(used.store, lease, incremental.entries),
          writeTree(fresh.store, lease, scratch.entries),
        ])
        expect(a.digest).toBe(b.digest)
      }),
      { numRuns: 12 },
    )
  })

  test.each([
    ['another name', { ...packageOf('alpha'), name: 'beta' }],
    ['another version', { ...packageOf('alpha'), evr: { epoch: '0', version: '2.0', release: '1' } }],
    ['another epoch', { ...packageOf('alpha'), evr: { epoch: '1', version: '1.0', release: '1' } }],
    ['another architecture', { ...packageOf('alpha'), architecture: 'noarch' }],
    ['another name, of one’s own', { ...packageOf('alpha', '1.0', 'own'), name: 'beta' }],
  ])('refuses a package that the upstream gives %s than its header', async (_, one) => {
    const { compose } = bench()
    const headers = { of: () => Promise.resolve(headerOf('alpha', { evr: packageOf('alpha').evr })) }
    await expect(compose([packageOf('alpha')], { headers })).resolves.toBeDefined()
    await expect(compose([one], { headers })).rejects.toMatchObject({ code: 'RPM_HEADER_MISMATCH' })
  })

  test('one package more reads the headers and writes the blobs of its neighbours alone', async () => {
    const { compose, store, asked } = bench()
    const packages = many(2000)
    await compose(packages.slice(1))
    asked.length = 0
    const before = await count(store)
    await compose(packages)
    // Two chunks at most in each of three indices and the manifest, plain and packed; heads and trailers.
    expect((await count(store)) - before).toBeLessThanOrEqual(30)
    expect(new Set(asked).size).toBeLessThanOrEqual(1024)
  })

  test('versions are in the order of rpm; packages that differ in their epoch lie apart', async () => {
    const { compose, read } = bench()
    const later = packageOf('a', '1.0')
    const epoch = { ...later, evr: { ...later.evr, epoch: '1' }, digest: digestOf('epoch'), primary: undefined! }
    const { entries } = await compose([
      packageOf('B', '1'),
      packageOf('a', '1.10'),
      epoch,
      packageOf('a', '1.9'),
      later,
    ])
    const hrefs = childrenOf(await read(entries, 'primary.xml'), 'package').map(
      (one) => childOf(one, 'location')!.attributes.href,
    )
    expect(hrefs).toEqual([
      'Packages/b/B-1-1.x86_64.rpm',
      'Packages/a/a-1.0-1.x86_64.rpm',
      'Packages/a/a-1.9-1.x86_64.rpm',
      'Packages/a/a-1.10-1.x86_64.rpm',
      `Packages/a/${hexOf(epoch.digest)}/a-1.0-1.x86_64.rpm`,
    ])
  })

  test.each(['../../etc/passwd', '.hidden', 'a/b', 'ö', '', 'a b', 'A'.repeat(300)])(
    'no name leads elsewhere: %j',
    async (name) => {
      const { compose } = bench()
      const { entries } = await compose([{ ...packageOf('a'), name, primary: undefined! }])
      const path = entries.find((entry) => entry.path.startsWith('Packages/'))!.path
      expect(path).toMatch(/^Packages\/[a-z_]\/[A-Za-z0-9_][A-Za-z0-9+~^._-]{1,254}$/)
    },
  )

  test('for yum 3 a package with a rich dependency is refused by name', async () => {
    const { compose } = bench()
    const requires = [{ name: '(a if b)', flags: 0, evr: '' }]
    const headers = { of: () => Promise.resolve(headerOf('own', { relations: { requires } })) }
    const own = packageOf('own', '1.0', 'own')
    await expect(compose([own], { compatibility: 'yum3', headers })).rejects.toMatchObject({
      code: 'RPM_RICH_DEPENDENCY',
      context: { package: 'own-1.0-1.x86_64', dependency: '(a if b)' },
    })
    await expect(compose([own], { headers })).resolves.toBeDefined()
    expect((await compose([packageOf('x')], { compatibility: 'yum3' })).meta.compatibility).toBe('yum3')
  })
})

describe('the manifest', () => {
  test('tells what a snapshot holds, from where and why', async () => {
    const { compose, store } = bench()
    const { entries } = await compose([packageOf('b', '2.0'), { ...packageOf('a'), reason: 'b requires a' }])
    const tree = await writeTree(store, lease, entries)
    const digest = (name: string, version: string) => digestOf(`${name} ${version}`)
    const both = { architecture: 'x86_64', sizeBytes: 10_000, upstream: 'base' }
    expect(await packagesOfTree(tree, store)).toEqual([
      {
        ...both,
        name: 'a',
        version: '1.0-1',
        path: 'Packages/a/a-1.0-1.x86_64.rpm',
        digest: digest('a', '1.0'),
        reason: 'b requires a',
      },
      {
        ...both,
        name: 'b',
        version: '2.0-1',
        path: 'Packages/b/b-2.0-1.x86_64.rpm',
        digest: digest('b', '2.0'),
        reason: 'listed',
      },
    ])
  })
})

describe('createRpmSealer', () => {
  test('signs what the meta promises, of the moment of sealing', async () => {
    const { compose } = bench()
    const { meta } = await compose(many(3))
    const signed: { bytes: string; at: Date }[] = []
    const key: SigningKey = {
      fingerprint: 'A'.repeat(40),
      publicKeyArmored: 'public',
      signCleartext: () => Promise.reject(new Error('not asked for')),
      signBinary: () => Promise.reject(new Error('not asked for')),
      signDetached: (bytes, at) => {
        signed.push({ bytes: Buffer.from(bytes).toString(), at })
        return Promise.resolve('signature')
      },
    }
    const sealedAt = new Date('2026-03-04T05:06:07.890Z')
    const snapshot = {} as Snapshot
    const sealed = await createRpmSealer(meta, key).seal({
      snapshot,
      tree: {} as Tree,
      sealedAt,
      validUntil: undefined,
    })
    const { entries } = sealed
    expect(entries.map(({ path, stable }) => [path, stable])).toEqual([
      ['repodata/repomd.xml', false],
      ['repodata/repomd.xml.asc', false],
      ['repodata/repomd.xml.key', false],
    ])
    expect(entries.slice(1).map(({ bytes }) => bytes.toString())).toEqual(['signature', 'public'])
    expect(signed).toEqual([{ bytes: entries[0]!.bytes.toString(), at: sealedAt }])
    const timestamp = Date.parse('2026-03-04T05:06:07Z') / 1000
    const repomd = parseRepomd(entries[0]!.bytes)
    expect(repomd).toEqual({ revision: String(timestamp), records: meta.records.map((one) => ({ ...one, timestamp })) })
  })
})

async function count(store: MemoryBlobStore): Promise<number> {
  let blobs = 0
  for await (const { sizeBytes } of store.list()) blobs += sizeBytes < 0 ? 0 : 1
  return blobs
}
