import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { chunksOf } from '../../test/fixtures/universe-of.ts'
import { compileIndex } from './compile-index.ts'
import type { PackageIndex } from './package-index.ts'
import { SourceCatalogue } from './source-catalogue.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-sources-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const stanza = (version: string, directory: string): string =>
  `Package: foo\nBinary: foo\nVersion: ${version}\nArchitecture: any\nChecksums-Sha256:\n ${'ab'.repeat(32)} 10 foo_${version}.dsc\n ${'CD'.repeat(32)} 30 foo.tar.xz\nDirectory: ${directory}\n`
const compile = (key: string, text: string): Promise<PackageIndex> =>
  compileIndex(chunksOf(Buffer.from(text)), { folder, key, kind: 'sources', label: key })

it('finds a source by name and version, of the upstream that is asked for, else of the one preferred', async () => {
  const common = { suite: 'bookworm', component: 'main' }
  const members = [
    { ...common, upstream: 'a', index: await compile('a', stanza('1', 'a/foo')) },
    { ...common, upstream: 'b', index: await compile('b', `${stanza('1', 'b/foo')}\n${stanza('2', '.')}`) },
  ]
  const catalogue = new SourceCatalogue(members)
  const found = catalogue.find('foo', '1')
  expect(found).toMatchObject({
    ...common,
    name: 'foo',
    version: '1',
    directory: 'a/foo',
    upstream: 'a',
    identity: 'a:0',
    files: [
      { name: 'foo_1.dsc', sizeBytes: 10, sha256: 'ab'.repeat(32) },
      { name: 'foo.tar.xz', sizeBytes: 30, sha256: 'cd'.repeat(32) },
    ],
  })
  expect(found?.stanza().toString()).toBe(stanza('1', 'a/foo'))
  expect(catalogue.find('foo', '1', 'b')).toMatchObject({ upstream: 'b', directory: 'b/foo', identity: 'b:0' })
  expect(catalogue.find('foo', '2', 'a')).toMatchObject({ upstream: 'b', directory: '.' })
  expect(catalogue.find('foo', '3')).toBeUndefined()
})

it.each([
  ['a line that is malformed', `Checksums-Sha256:\n ${'ab'.repeat(32)} ten foo_1.dsc\n`],
  ['a name with a folder', `Checksums-Sha256:\n ${'ab'.repeat(32)} 10 ../foo_1.dsc\n`],
  ['a file twice', `Checksums-Sha256:\n ${'ab'.repeat(32)} 10 foo_1.dsc\n ${'cd'.repeat(32)} 10 foo_1.dsc\n`],
  ['no .dsc', `Checksums-Sha256:\n ${'ab'.repeat(32)} 10 foo_1.tar.gz\n`],
  ['no SHA-256', `Files:\n ${'ab'.repeat(16)} 10 foo_1.dsc\n`],
])('leaves out an entry with %s', async (_, lines) => {
  const text = `Package: foo\nVersion: 1\nArchitecture: any\n${lines}Directory: pool/foo\n`
  const index = await compile('x', `${text}\n${stanza('2', 'pool/foo')}`)
  expect([index.rowCount, index.excludedCount]).toEqual([1, 1])
})
