import { gunzipSync } from 'node:zlib'
import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { digestOf } from '../../core/digest.ts'
import { LarderError } from '../../core/error.ts'
import { readTree, writeTree } from '../../publish/index.ts'
import type { LeaseId } from '../../store/index.ts'
import { MemoryBlobStore } from '../../store/testing/index.ts'
import { blobCount, composeBench, countedPackages, lease, many } from '../testing/compose-bench.ts'
import { packageChanges, packagesOfTree } from '../../mirror/index.ts'
import { PieceMemory } from '../../pieces/index.ts'
import { PlacedBefore } from './placed-before.ts'
import { descriptionMd5, syntheticPackage } from './testing/synthetic-package.ts'

const packagesPath = 'dists/bookworm/main/binary-amd64/Packages'

describe('composeRepository', () => {
  test('every entry is what its digest and size say, and the compressed ones unpack to the plain one', async () => {
    const { compose, content } = composeBench()
    const { entries, meta } = await compose(many(700))
    for (const entry of entries.filter((each) => !each.path.startsWith('pool/'))) {
      const bytes = await content(entries, entry.path)
      expect([entry.path, bytes.length, digestOf(bytes)]).toEqual([entry.path, entry.sizeBytes, entry.digest])
    }
    const plain = await content(entries, packagesPath)
    expect(plain.toString().match(/^Package: /gm)).toHaveLength(700)
    expect(gunzipSync(await content(entries, `${packagesPath}.gz`)).equals(plain)).toBe(true)
    const xz = spawnSync('xz', ['-dc'], { input: await content(entries, `${packagesPath}.xz`) })
    expect(xz.stdout.equals(plain)).toBe(true)
    expect(entries.find((entry) => entry.path === packagesPath)?.parts?.length).toBeGreaterThan(3)
    expect(meta.files.map((file) => file.path)).toEqual([
      'main/binary-amd64/Packages',
      'main/binary-amd64/Packages.gz',
      'main/binary-amd64/Packages.xz',
      'main/binary-amd64/Release',
    ])
    for (const file of meta.files) {
      const folder = `dists/bookworm/${file.path.slice(0, file.path.lastIndexOf('/'))}`
      const byHash = entries.find((entry) => entry.path === `${folder}/by-hash/SHA256/${file.digest.slice(7)}`)
      expect(byHash).toMatchObject({ digest: file.digest, sizeBytes: file.sizeBytes, stable: true })
    }
  })

  test('is a function of the packages: whatever was composed before, and in whatever order they are given', async () => {
    const pool = many(400)
    const subset = fc.array(fc.nat(pool.length - 1), { maxLength: 400 })
    await fc.assert(
      fc.asyncProperty(fc.array(subset, { minLength: 2, maxLength: 4 }), async (history) => {
        const used = composeBench()
        const steps = history.map((picks) => [...new Set(picks)].map((index) => pool[index]!))
        const more = { before: new PlacedBefore(), memory: new PieceMemory(), isKept: true }
        for (const packages of steps.slice(0, -1)) await used.compose(packages, more)
        const last = steps.at(-1)!
        const incremental = await used.compose(last, more)
        const fresh = composeBench()
        const scratch = await fresh.compose([...last].reverse())
        expect(incremental).toEqual(scratch)
        const trees = await Promise.all([
          writeTree(used.store, lease, incremental.entries),
          writeTree(fresh.store, lease, scratch.entries),
        ])
        expect(trees[0].digest).toBe(trees[1].digest)
      }),
      { numRuns: 12 },
    )
  })

  test('one package more writes a handful of blobs, however many there are', async () => {
    const { compose, store } = composeBench()
    const packages = many(2000)
    await compose(packages.slice(1))
    const before = await blobCount(store)
    await compose(packages)
    // Two chunks at most in Packages (three blobs each) and manifest, three frames, never one for each hundred.
    expect((await blobCount(store)) - before).toBeLessThanOrEqual(12)
  })

  test('stanzas known by their identity are not even read', async () => {
    const { compose } = composeBench()
    const { packages, readsDuring } = countedPackages()
    await compose(packages.slice(1))
    const reads = await readsDuring(() => compose(packages))
    expect(reads).toBeGreaterThan(0)
    expect(reads).toBeLessThan(600)
  })

  test('a variant of a mirror uses what that was made of, and leaves it as it is', async () => {
    const { compose } = composeBench()
    const { packages, readsDuring } = countedPackages()
    const readsFor = (...asked: Parameters<typeof compose>) => readsDuring(() => compose(...asked))
    await compose(packages.slice(1))
    const variant = { cacheKey: 'base aside', variantOf: 'base' }
    const first = await readsFor(packages, { ...variant, memory: new PieceMemory() })
    expect(first).toBeGreaterThan(0)
    expect(first).toBeLessThan(600)
    expect(await readsFor(packages, { ...variant, memory: new PieceMemory() })).toBe(0)
    expect(await readsFor(packages.slice(1))).toBe(0)
    // Nothing of the variant is what the mirror is made of.
    expect(await readsFor(packages)).toBe(first)
  })

  test('with nothing to hold, the indices are there and empty', async () => {
    const { compose, content } = composeBench()
    const { entries } = await compose([])
    expect(await content(entries, packagesPath)).toHaveLength(0)
    expect(gunzipSync(await content(entries, `${packagesPath}.gz`))).toHaveLength(0)
    const xz = spawnSync('xz', ['-dc'], { input: await content(entries, `${packagesPath}.xz`) })
    expect([xz.status, xz.stdout.length]).toEqual([0, 0])
  })

  test('architecture all is in the index of each architecture, and each component has its own', async () => {
    const { compose, content } = composeBench()
    const packages = [
      syntheticPackage('data', { architecture: 'all' }),
      syntheticPackage('tool'),
      syntheticPackage('tool', { architecture: 'arm64' }),
      syntheticPackage('extra', { component: 'contrib' }),
    ]
    const { entries } = await compose(packages, { architectures: ['amd64', 'arm64'], components: ['main', 'contrib'] })
    const names = async (folder: string): Promise<string[]> => {
      const text = (await content(entries, `dists/bookworm/${folder}/Packages`)).toString()
      return [...text.matchAll(/^Filename: .*\/(.*)$/gm)].map((match) => match[1]!)
    }
    expect(await names('main/binary-amd64')).toEqual(['data_1.0-1_all.deb', 'tool_1.0-1_amd64.deb'])
    expect(await names('main/binary-arm64')).toEqual(['data_1.0-1_all.deb', 'tool_1.0-1_arm64.deb'])
    expect(await names('contrib/binary-amd64')).toEqual(['extra_1.0-1_amd64.deb'])
    expect(await names('contrib/binary-arm64')).toEqual([])
  })

  test('without xz on the host there is gz only; with it again, both', async () => {
    const { compose } = composeBench()
    const without = await compose(many(10), { programPath: '/nonexistent' })
    expect(without.entries.some((entry) => entry.path.endsWith('.xz'))).toBe(false)
    expect(without.meta.files.some((file) => file.path.endsWith('.xz'))).toBe(false)
    const { meta } = await compose(many(10))
    expect(meta.files.some((file) => file.path.endsWith('.xz'))).toBe(true)
  })

  test('pieces that are gone from the store are made again', async () => {
    const { compose } = composeBench()
    const first = await compose(many(100))
    const store = new MemoryBlobStore()
    const leases = {
      pin: (_: LeaseId, digests: readonly string[]) =>
        digests.length === 0 ? Promise.resolve() : Promise.reject(new LarderError('BLOB_MISSING', { message: 'gone' })),
    }
    const second = await compose(many(100), { leases, store })
    expect(second).toEqual(first)
    const packages = second.entries.find((entry) => entry.path === packagesPath)
    for (const part of packages?.parts ?? [packages!]) expect(await store.has(part.digest)).toBe(true)
  })

  test('Translation-en holds the descriptions of these packages, once for each name', async () => {
    const { compose, content } = composeBench()
    const text = (name: string, sum: string): string =>
      `Package: ${name}\nDescription-md5: ${sum}\nDescription-en: about ${name}\n Long text.\n`
    const find = (name: string, sum: string): Buffer | undefined =>
      name === 'plain' ? undefined : Buffer.from(text(name, sum))
    const packages = [
      syntheticPackage('tool'),
      syntheticPackage('tool', { version: '2.0-1' }),
      syntheticPackage('plain'),
      syntheticPackage('other', { architecture: 'all' }),
    ]
    const { entries } = await compose(packages, { translations: new Map([['main', { identity: 'a', find }]]) })
    expect((await content(entries, 'dists/bookworm/main/i18n/Translation-en')).toString()).toBe(
      `${text('other', descriptionMd5('about other'))}\n${text('tool', descriptionMd5('about tool'))}\n`,
    )
  })

  test('two upstreams with one path: the second lies elsewhere and only its Filename differs', async () => {
    const { compose, content } = composeBench()
    const filename = 'pool/main/s/same/same_1_amd64.deb'
    const [a, b] = [syntheticPackage('aa', { filename }), syntheticPackage('bb', { filename })]
    const { entries } = await compose([a, b])
    const packages = (await content(entries, packagesPath)).toString()
    const moved = b.stanza().toString().replace(filename, 'pool/main/b/bb/bb_1.0-1_amd64.deb')
    expect(packages).toBe(`${a.stanza().toString()}\n${moved}\n`)
    const pool = entries.filter((entry) => entry.path.startsWith('pool/')).map(({ path, digest }) => [path, digest])
    expect(pool).toEqual([
      [filename, a.digest],
      ['pool/main/b/bb/bb_1.0-1_amd64.deb', b.digest],
    ])
  })

  test('the packages of a snapshot, and what changed between two, are read from the tree alone', async () => {
    const { compose, store } = composeBench()
    const packages = many(500)
    const newer = { ...syntheticPackage(packages[3]!.name, { version: '2.0-1' }), reason: 'tool Depends it' }
    const before = await writeTree(store, lease, (await compose(packages.slice(0, 499))).entries)
    const next = [...packages.filter((_, index) => index !== 3), newer]
    const after = await writeTree(store, lease, (await compose(next)).entries)
    const tree = await readTree(store, after.digest)
    const held = await packagesOfTree(tree, store)
    expect(held).toHaveLength(500)
    expect(held.find((item) => item.name === newer.name)).toEqual({
      name: newer.name,
      version: '2.0-1',
      architecture: 'amd64',
      sizeBytes: newer.sizeBytes,
      path: newer.filename,
      digest: newer.digest,
      upstream: 'debian',
      reason: 'tool Depends it',
    })
    const { added, removed } = await packageChanges(before, after, store)
    expect(removed.map((item) => [item.name, item.version])).toEqual([[newer.name, '1.0-1']])
    expect(new Set(added.map((item) => item.name))).toEqual(new Set([newer.name, packages[499]!.name]))
  })

  test('Contents merges the file lists, and asks for none when the packages are the same', async () => {
    const { compose, content } = composeBench()
    let asked = 0
    const lists = new Map([
      ['tool', ['usr/bin/tool', 'usr/share/common']],
      ['data', ['usr/share/common', 'usr/share/data']],
    ])
    const contents = {
      prepare: () => Promise.resolve(),
      of: ({ name }: { name: string }) => (asked++, Promise.resolve(lists.get(name) ?? [])),
    }
    const packages = [
      syntheticPackage('tool'),
      syntheticPackage('tool', { version: '2' }),
      syntheticPackage('data', { architecture: 'all' }),
    ]
    const first = await compose(packages, { contents })
    const text = (await content(first.entries, 'dists/bookworm/main/Contents-amd64')).toString()
    expect(text).toBe('usr/bin/tool\tmisc/tool\nusr/share/common\tmisc/data,misc/tool\nusr/share/data\tmisc/data\n')
    expect(gunzipSync(await content(first.entries, 'dists/bookworm/main/Contents-amd64.gz')).toString()).toBe(text)
    expect(first.meta.files.map((file) => file.path)).toContain('main/Contents-amd64.gz')
    asked = 0
    expect(await compose(packages, { contents })).toEqual(first)
    expect(asked).toBe(0)
  })

  test('the same package twice is a mistake of the caller', async () => {
    await expect(composeBench().compose([syntheticPackage('a'), syntheticPackage('a')])).rejects.toThrow('given twice')
  })

  test('a stanza that promises another file than the stored one is refused', async () => {
    const item = { ...syntheticPackage('a'), digest: digestOf('other') }
    await expect(composeBench().compose([item])).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' })
  })
})
