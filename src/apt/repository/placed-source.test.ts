import { describe, expect, test } from 'vitest'
import { digestOf } from '../../core/digest.ts'
import { writeTree } from '../../publish/index.ts'
import type { LeaseId } from '../../store/index.ts'
import { MemoryBlobStore } from '../../store/testing/index.ts'
import { placePackages } from './placed-package.ts'
import { placeSources, renderSourceStanza, sourceEntries } from './placed-source.ts'
import type { RepositorySource } from './repository-source.ts'
import { syntheticPackage } from './testing/synthetic-package.ts'

/** `files`: contents by name. */
function source(
  name: string,
  directory: string,
  files: Record<string, string> = { [`${name}_1.dsc`]: name },
): RepositorySource {
  const all = Object.entries(files).map(([file, content]) => ({
    name: file,
    sizeBytes: content.length,
    digest: digestOf(content),
  }))
  const lines = all.map((file) => ` ${file.digest.slice(7)} ${file.sizeBytes} ${file.name}\n`).join('')
  const stanza = `Package: ${name}\nVersion: 1\nX-Odd:  a  b\nChecksums-Sha256:\n${lines}Directory: ${directory}\nX-Last: \xe9\n`
  return {
    name,
    version: '1',
    directory,
    files: all,
    upstream: 'debian',
    reason: 'test',
    stanza: () => Buffer.from(stanza, 'latin1'),
  }
}

const binary = (filename: string) => placePackages([syntheticPackage('nginx', { filename })], 'main')

describe('placeSources', () => {
  test.each([
    { is: 'a sane folder', directory: 'pool/main/f/foo', place: 'pool/main/f/foo' },
    { is: 'the upstream itself', directory: '.', place: 'pool/main/f/foo' },
    { is: 'a folder with dots', directory: './sub', place: 'pool/main/f/foo' },
    { is: 'where indices are', directory: 'dists/x', place: 'pool/main/f/foo' },
    { is: 'what Larder keeps', directory: 'larder', place: 'pool/main/f/foo' },
    { is: 'a folder called like a package', directory: 'pool/foo_1_amd64.deb', place: 'pool/main/f/foo' },
  ])('keeps or replaces $is', ({ directory, place }) => {
    expect(placeSources([source('foo', directory)], [], 'main').map((one) => one.directory)).toEqual([place])
  })

  test.each([
    { is: 'another file is there', path: 'pool/main/n/nginx/nginx_1.deb', name: 'nginx_1.deb' },
    { is: 'a file would be a folder', path: 'pool/main/n/nginx/nginx_1.dsc/x.deb', name: 'nginx_1.dsc' },
  ])('lies elsewhere where $is', ({ path, name }) => {
    const packages = binary(path)
    const nginx = source('nginx', 'pool/main/n/nginx', { 'nginx_1.dsc': 'dsc', [name]: 'content' })
    const [placed] = placeSources([nginx], packages, 'main')
    const dsc = nginx.files[0]!.digest.slice('sha256:'.length)
    expect(placed!.directory).toBe(`pool/main/n/nginx/${dsc}`)
    const text = nginx
      .stanza()
      .toString('latin1')
      .replace('Directory: pool/main/n/nginx', `Directory: ${placed!.directory}`)
    expect(renderSourceStanza(placed!).toString('latin1')).toBe(`${text}\n`)
  })

  test('never has a path twice, or both as file and as folder, in whatever order they are given', async () => {
    const sources = [
      source('a', 'pool/x', { 'a.dsc': '1', shared: 'same' }),
      source('b', 'pool/x', { 'b.dsc': '2', shared: 'same' }),
      source('c', 'pool/x', { 'c.dsc': '3', shared: 'other' }),
      source('d', 'pool/x/shared', { 'd.dsc': '4' }),
    ]
    const entries = sourceEntries(placeSources(sources, [], 'main'))
    expect(entries.map(({ path }) => path).sort()).toEqual([
      'pool/main/c/c/c.dsc',
      'pool/main/c/c/shared',
      'pool/main/d/d/d.dsc',
      'pool/x/a.dsc',
      'pool/x/b.dsc',
      'pool/x/shared',
    ])
    const store = new MemoryBlobStore()
    await writeTree(store, 'test' as LeaseId, entries)
    expect(sourceEntries(placeSources(sources.toReversed(), [], 'main'))).toEqual(entries)
  })

  test('a stanza that promises other files than those in the store is refused', () => {
    const foo = source('foo', 'pool/f')
    const [placed] = placeSources(
      [{ ...foo, files: source('foo', 'pool/f', { 'foo_1.dsc': 'other' }).files }],
      [],
      'main',
    )
    expect(() => renderSourceStanza(placed!)).toThrow(expect.objectContaining({ code: 'DIGEST_MISMATCH' }))
  })

  test('the same source twice is a mistake of the caller', () => {
    expect(() => placeSources([source('a', 'pool/a'), source('a', 'pool/b')], [], 'main')).toThrow('given twice')
  })
})
