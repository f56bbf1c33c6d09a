import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeArchive, type ArchiveEntry } from '../../testing/archive.ts'
import { ContentSpool } from './content-spool.ts'
import { applyLayer } from './layer.ts'
import { RootTree } from './root-tree.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-layer-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function apply(...layers: ArchiveEntry[][]): Promise<RootTree> {
  const tree = new RootTree()
  const spool = new ContentSpool(folder)
  for (const [index, entries] of layers.entries()) {
    const archive = await makeArchive(entries)
    const pieces = (async function* () {
      yield archive
    })()
    const label = `layer ${index + 1}`
    await applyLayer(tree, pieces, {
      layer: index + 1,
      label,
      spool,
      signal: new AbortController().signal,
      maxEntries: 9,
    })
  }
  return tree
}

/** `path` for a folder, `path=content` for a file, `path>target` for a symlink. */
async function listing(tree: RootTree): Promise<string[]> {
  const lines: string[] = []
  for (const [path, node] of tree.entries()) {
    if (node.kind === 'file') lines.push(`${path}=${await readFile(node.contentPath, 'utf8')}`)
    else lines.push(node.kind === 'symlink' ? `${path}>${node.target}` : path)
  }
  return lines
}

const file = (name: string, content = ''): ArchiveEntry => ({ name, content })
const link = (name: string, linkname: string): ArchiveEntry => ({ name, type: 'symlink', linkname })
const directory = (name: string): ArchiveEntry => ({ name, type: 'directory' })

describe('applyLayer', () => {
  it.each<[string, ArchiveEntry[][], string[]]>([
    ['a later file replaces', [[file('a', '1')], [file('a', '2')]], ['/a=2']],
    ['a folder stays when it comes again', [[file('d/a', '1')], [directory('d')]], ['/d', '/d/a=1']],
    ['a file replaces a folder', [[file('d/a')], [file('d', 'x')]], ['/d=x']],
    ['a folder replaces a symlink', [[file('d/a'), link('l', 'd')], [directory('l')]], ['/d', '/d/a=', '/l']],
    ['a whiteout hides a file', [[file('d/a'), file('d/b')], [file('d/.wh.a')]], ['/d', '/d/b=']],
    ['a whiteout hides a folder', [[file('d/a/b'), file('c')], [file('.wh.d')]], ['/c=']],
    ['a whiteout of nothing is nothing', [[file('a')], [file('d/.wh.x'), file('.wh.y')]], ['/a=']],
    ['a whiteout spares its own layer', [[file('a', '1')], [file('a', '2'), file('.wh.a')]], ['/a=2']],
    [
      'an opaque folder hides what is older',
      [
        [file('d/a'), file('d/e/f')],
        [file('d/.wh..wh..opq'), file('d/b')],
      ],
      ['/d', '/d/b='],
    ],
    [
      'an opaque mark spares its own layer when it comes last',
      [
        [file('d/a'), file('d/e/f')],
        [file('d/b'), file('d/e/g'), file('d/.wh..wh..opq')],
      ],
      ['/d', '/d/b=', '/d/e', '/d/e/g='],
    ],
    ['notes of AUFS are nothing', [[file('.wh..wh.plnk/1.2'), file('.wh..wh.aufs'), file('a')]], ['/a=']],
    [
      'a path through a symlink of an older layer',
      [[directory('usr/lib'), link('lib', 'usr/lib')], [file('lib/x', '1')]],
      ['/lib>usr/lib', '/usr', '/usr/lib', '/usr/lib/x=1'],
    ],
    ['a hard link', [[file('a', '1'), { name: 'b', type: 'link', linkname: 'a' }]], ['/a=1', '/b=1']],
    ['./ and / mean the root', [[directory('./'), file('./a'), file('/b')]], ['/a=', '/b=']],
  ])('%s', async (_, layers, expected) => {
    expect(await listing(await apply(...layers))).toEqual(expected)
  })

  it.each<[string, ArchiveEntry[], string[]]>([
    [
      'an absolute symlink',
      [link('etc', '/../../../../tmp'), file('etc/x', '1')],
      ['/etc>/../../../../tmp', '/tmp', '/tmp/x=1'],
    ],
    ['a relative symlink', [link('a', '../../..'), file('a/b/x', '1')], ['/a>../../..', '/b', '/b/x=1']],
    ['a chain', [link('a', 'b'), link('b', '..'), file('a/x', '1')], ['/a>b', '/b>..', '/x=1']],
  ])('nothing leaves the root by %s', async (_, entries, expected) => {
    expect(await listing(await apply(entries))).toEqual(expected)
  })

  it.each<[string, ArchiveEntry[], RegExp]>([
    ['..', [file('../x')], /leads out of the root/],
    ['.. in the middle', [file('a/../../x')], /leads out of the root/],
    ['.. in a whiteout', [directory('d'), file('../.wh.x')], /leads out of the root/],
    ['a line feed', [file('a\nb')], /control character/],
    ['a name of 256 bytes', [file('a'.repeat(256))], /longer than 255/],
    ['an entry below a file', [file('a'), file('a/b')], /no folder/],
    ['a loop of symlinks', [link('a', 'b'), link('b', 'a'), file('a/x')], /no folder/],
    ['a link to nothing', [{ name: 'a', type: 'link', linkname: 'b' }], /not there/],
    ['a link out of the root', [{ name: 'a', type: 'link', linkname: '../etc/passwd' }], /leads out of the root/],
    ['a link to a folder', [directory('d'), { name: 'a', type: 'link', linkname: 'd' }], /a folder/],
    ['too many entries', Array.from({ length: 10 }, (_, index) => file(String(index))), /more than 9 entries/],
  ])('refuses %s', async (_, entries, message) => {
    const error: unknown = await apply(entries).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'DISK_IMAGE_SOURCE_INVALID' })
    expect(String(error)).toMatch(message)
  })
})
