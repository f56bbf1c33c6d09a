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

it('finds a source by name and version, in the upstream that is preferred', async () => {
  const members = [
    { upstream: 'a', index: await compile('a', stanza('1', 'a/foo')) },
    { upstream: 'b', index: await compile('b', `${stanza('1', 'b/foo')}\n${stanza('2', '.')}`) },
  ]
  const catalogue = new SourceCatalogue(members)
  expect(catalogue.find('foo', '1')).toEqual({
    name: 'foo',
    version: '1',
    directory: 'a/foo',
    upstream: 'a',
    files: [
      { name: 'foo_1.dsc', sizeBytes: 10, sha256: 'ab'.repeat(32) },
      { name: 'foo.tar.xz', sizeBytes: 30, sha256: 'cd'.repeat(32) },
    ],
    stanza: Buffer.from(stanza('1', 'a/foo')),
  })
  expect(catalogue.find('foo', '2')).toMatchObject({ upstream: 'b', directory: '.' })
  expect(catalogue.find('foo', '3')).toBeUndefined()
})
