import { createHash } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { startUpstream, type TestPackage, type TestSource, type Upstream } from '../../test/fixtures/upstream/index.ts'
import type { Digest } from '../core/index.ts'
import { filesOf } from '../mirror/index.ts'
import { createTestMirror, type PublishedMirror, type TestMirror } from './testing/test-mirror.ts'

const opened: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
})

async function upstreamOf(packages: TestPackage[], sources: TestSource[] | undefined): Promise<Upstream> {
  const suite = { suite: 'bookworm', packages, ...(sources === undefined ? {} : { sources }) }
  const upstream = await startUpstream({ suites: [suite] })
  opened.push(upstream)
  return upstream
}

async function mirrorOf(upstreams: Record<string, Upstream>): Promise<TestMirror> {
  const mirror = await createTestMirror(upstreams)
  opened.push(mirror)
  return mirror
}

const sourcesPath = 'dists/bookworm/main/source/Sources'
const textOf = ({ files }: PublishedMirror, path: string): string => files.get(path)?.toString() ?? ''
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
const pool = ({ files }: PublishedMirror): string[] =>
  [...files.keys()].filter((path) => !/^(?:dists|larder)\//.test(path)).sort()
const sourcesOf = (published: PublishedMirror): string[] =>
  published.held.filter((one) => one.architecture === 'source').map(({ name, version }) => `${name} ${version}`)

const packages: TestPackage[] = [
  { name: 'nginx', version: '1.22-9+b1', fields: { Source: 'nginx (1.22-9)', Depends: 'libfoo1' } },
  { name: 'libfoo1', version: '2:3.0', fields: { Source: 'foo' } },
  { name: 'foo-data', version: '2:3.0', fields: { Source: 'foo' } },
  { name: 'lone', version: '1' },
]
const sources: TestSource[] = [
  { name: 'nginx', version: '1.22-9' },
  { name: 'nginx', version: '1.22-8' },
  { name: 'foo', version: '2:3.0' },
  { name: 'unrelated', version: '1' },
]

describe('a mirror with sources', () => {
  test('holds the source of every package, at the version it was built from', async () => {
    const debian = await upstreamOf(packages, sources)
    const mirror = await mirrorOf({ debian })
    const published = await mirror.publish(['nginx', 'foo-data'], { sources: true })
    expect(sourcesOf(published)).toEqual(['foo 2:3.0', 'nginx 1.22-9'])
    expect(published.notes).toEqual([])
    expect(published.held.map(({ name, architecture }) => `${name}:${architecture}`)).toEqual([
      'foo:source',
      'foo-data:amd64',
      'libfoo1:amd64',
      'nginx:source',
      'nginx:amd64',
    ])
    const nginx = published.held.at(-2)!
    expect(nginx).toMatchObject({
      upstream: 'debian',
      reason: 'source of nginx',
      path: 'pool/main/n/nginx/nginx_1.22-9.dsc',
    })
    expect(published.packages.filter((one) => one.architecture === 'source')).toEqual(
      published.held.filter((one) => one.architecture === 'source'),
    )
    for (const { path, sizeBytes, digest } of published.held.flatMap(filesOf)) {
      const bytes = published.files.get(path)!
      expect([path, bytes.length, `sha256:${sha256(bytes)}`]).toEqual([path, sizeBytes, digest])
    }
    expect(pool(published)).toEqual(published.held.flatMap((one) => filesOf(one).map(({ path }) => path)).sort())
  })

  test('lists them in Sources with the bytes of the upstream, in every form and by hash', async () => {
    const debian = await upstreamOf(packages, sources.slice(0, 3))
    const upstreamText = debian.repository.lookup('dists/bookworm/main/source/Sources.gz')!.bytes
    const mirror = await mirrorOf({ debian })
    const published = await mirror.publish(['nginx'], { sources: true })
    const kept = gunzipSync(upstreamText)
      .toString()
      .split('\n\n')
      .filter((stanza) => !stanza.includes('1.22-8'))
    expect(textOf(published, sourcesPath)).toBe(kept.join('\n\n'))
    expect(gunzipSync(published.files.get(`${sourcesPath}.gz`)!).toString()).toBe(textOf(published, sourcesPath))
    expect(textOf(published, 'dists/bookworm/main/source/Release')).toContain('Architecture: source\n')
    const release = textOf(published, 'dists/bookworm/Release')
    for (const name of ['Sources', 'Sources.gz', 'Sources.xz', 'Release']) {
      const bytes = published.files.get(`dists/bookworm/main/source/${name}`)!
      expect(release).toMatch(new RegExp(`^ ${sha256(bytes)} +${bytes.length} main/source/${name}$`, 'm'))
      expect(published.files.get(`dists/bookworm/main/source/by-hash/SHA256/${sha256(bytes)}`)).toEqual(bytes)
    }
    expect(published.clientSetup('http://larder.example.org')).toMatchObject({
      deb822: expect.stringContaining('Types: deb deb-src\n') as string,
      oneLine: expect.stringMatching(/^deb \[.*\ndeb-src \[.*main$/) as string,
    })
  })

  test('says by name what no upstream has, and that an upstream has no Sources at all', async () => {
    const debian = await upstreamOf(packages, sources.slice(1, 3))
    const bare = await upstreamOf([{ name: 'other', version: '5' }], undefined)
    const mirror = await mirrorOf({ debian, bare })
    const { notes, held } = await mirror.publish(['nginx', 'lone', 'other'], { sources: true })
    expect(notes).toEqual([
      expect.stringMatching(/bare.*has no main\/source\/Sources$/) as string,
      'no upstream has source lone 1, of lone 1',
      'no upstream has source nginx 1.22-9, of nginx 1.22-9+b1',
      'no upstream has source other 5, of other 5',
    ])
    expect(held.filter((one) => one.architecture === 'source').map((one) => one.name)).toEqual(['foo'])
  })

  test('prefers the upstream of the package, and says when another has a different one', async () => {
    const one = { name: 'one', version: '1', fields: { Source: 'shared (1)' } }
    const two = { name: 'two', version: '1', fields: { Source: 'shared (1)' } }
    const a = await upstreamOf([one], [{ name: 'shared', version: '1', files: { 'shared_1.dsc': 'a' } }])
    const b = await upstreamOf([two], [{ name: 'shared', version: '1', files: { 'shared_1.dsc': 'b' } }])
    const mirror = await mirrorOf({ a, b })
    const dsc = (published: PublishedMirror): string => textOf(published, 'pool/main/s/shared/shared_1.dsc')
    expect(dsc(await mirror.publish(['two'], { sources: true }))).toBe('b')
    const both = await mirror.publish(['one', 'two'], { sources: true })
    expect(dsc(both)).toBe('a')
    expect(both.notes).toEqual(['source shared 1 is not the same in a and b: that of a is taken'])
  })

  test('fetches nothing that is held, and a tarball of two revisions once', async () => {
    const orig = 'the tarball of upstream'
    const revision = (number: number): TestSource => ({
      name: 'tool',
      version: `1-${number}`,
      files: { [`tool_1-${number}.dsc`]: `revision ${number}`, 'tool_1.orig.tar.gz': orig },
    })
    const binary = (name: string, number: number): TestPackage => ({
      name,
      version: '1',
      fields: { Source: `tool (1-${number})` },
    })
    const debian = await upstreamOf([binary('tool', 1), binary('tool-extra', 2)], [revision(1), revision(2)])
    const mirror = await mirrorOf({ debian })
    const first = await mirror.publish(['tool', 'tool-extra'], { sources: true })
    expect(debian.requestsFor(/orig\.tar/)).toHaveLength(1)
    expect(pool(first).filter((path) => path.includes('orig'))).toEqual(['pool/main/t/tool/tool_1.orig.tar.gz'])
    const held = new Set(first.held.flatMap((one) => filesOf(one).map(({ digest }) => digest as Digest)))
    const other = await mirrorOf({ debian })
    debian.clearLog()
    const second = await other.publish(['tool'], { sources: true }, held).catch((error: unknown) => error)
    // Nothing is asked for, so that a store without it cannot show it.
    expect(second).toMatchObject({ code: 'BLOB_MISSING' })
    expect(debian.requestsFor(/^pool\//)).toEqual([])
  })

  test('a file that is not what its index says is not published', async () => {
    const debian = await upstreamOf(packages, sources)
    debian.fault('pool/main/n/nginx/nginx_1.22-9.tar.gz', { kind: 'wrong-bytes' })
    const mirror = await mirrorOf({ debian })
    await expect(mirror.publish(['nginx'], { sources: true })).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' })
  })

  test('of a flat repository and of two with the same paths, each has its place, and only Directory differs', async () => {
    const tool = { name: 'tool', version: '1' }
    const suite = { suite: './', packages: [tool], sources: [{ ...tool, files: { 'tool_1.dsc': 'flat' } }] }
    const flat = await startUpstream({ suites: [suite] })
    opened.push(flat)
    const directory = 'pool/main/t/tool'
    const tool2 = { name: 'tool2', version: '1' }
    const debian = await upstreamOf([tool2], [{ ...tool2, directory, files: { 'tool_1.dsc': 'other' } }])
    const mirror = await mirrorOf({ flat, debian })
    const published = await mirror.publish(['tool', 'tool2'], { sources: true })
    expect(textOf(published, `${directory}/tool_1.dsc`)).toBe('flat')
    expect(textOf(published, 'pool/main/t/tool2/tool_1.dsc')).toBe('other')
    const stanzas = textOf(published, sourcesPath)
    expect(stanzas.match(/^Directory: .*$/gm)).toEqual([`Directory: ${directory}`, 'Directory: pool/main/t/tool2'])
    expect(stanzas.match(/^X-Odd: {2}kept {3}as it is$/gm)).toHaveLength(2)
  })
})

test('without the option nothing is asked for and nothing is listed', async () => {
  const debian = await upstreamOf(packages, sources)
  const mirror = await mirrorOf({ debian })
  const published = await mirror.publish(['nginx'])
  expect([...published.files.keys()].filter((path) => /source|\.dsc|\.tar/.test(path))).toEqual([])
  expect(debian.requestsFor(/source/)).toEqual([])
  expect(published.clientSetup('http://larder.example.org').deb822).toContain('Types: deb\n')
})

test('whatever a mirror held before, it is the same as made from nothing', async () => {
  const many = Array.from({ length: 12 }, (_, index): TestPackage => ({
    name: `p${index}`,
    version: '1',
    fields: {
      Source: `s${index % 5} (${index % 2})`,
      // What is listed, and what needs a package first, decide the reason that is given for it.
      ...(index % 3 === 0 && index > 0 ? { Depends: `p${index - 1}, p${index >> 1}` } : {}),
    },
  }))
  const all = Array.from({ length: 8 }, (_, index): TestSource => ({ name: `s${index % 4}`, version: `${index >> 2}` }))
  const debian = await upstreamOf(many, all)
  const choice = fc.record({ sources: fc.boolean(), picks: fc.uniqueArray(fc.nat(many.length - 1), { minLength: 1 }) })
  await fc.assert(
    fc.asyncProperty(fc.array(choice, { minLength: 2, maxLength: 4 }), async (history) => {
      const [used, fresh] = [await createTestMirror({ debian }), await createTestMirror({ debian })]
      try {
        const publish = (mirror: TestMirror, { sources, picks }: (typeof history)[number]): Promise<PublishedMirror> =>
          mirror.publish(
            picks.map((pick) => many[pick]!.name),
            { sources },
          )
        let incremental: PublishedMirror | undefined
        for (const step of history) incremental = await publish(used, step)
        const scratch = await publish(fresh, history.at(-1)!)
        expect(incremental!.tree).toBe(scratch.tree)
        expect(incremental!.files.keys().toArray().sort()).toEqual(scratch.files.keys().toArray().sort())
        expect(incremental!.held).toEqual(incremental!.manifest)
        expect(incremental!.held).toEqual(scratch.held)
        expect(incremental!.notes).toEqual(scratch.notes)
      } finally {
        await used.close()
        await fresh.close()
      }
    }),
    { numRuns: 12 },
  )
})
