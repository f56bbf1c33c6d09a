import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isLarderError } from '../../../core/index.ts'
import { parseManifest } from '../../manifest.ts'
import { makeArchive, type ArchiveEntry } from '../../testing/archive.ts'
import { writeLayout } from '../../testing/write-layout.ts'
import { layoutSource, readContent } from '../content.ts'
import { readPackageFiles } from './read-package-files.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-package-files-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function pathsIn(archives: readonly Buffer[]): Promise<string[]> {
  const layout = await mkdtemp(join(folder, 'layout-'))
  const spoolFolder = await mkdtemp(join(folder, 'spool-'))
  const image = await writeLayout(layout, { layers: archives.map((bytes) => ({ bytes })) })
  const source = layoutSource(layout)
  const layers = parseManifest(await readContent(source, image, 1_000_000), undefined).blobs.slice(1)
  const { files } = await readPackageFiles(source, layers, { spoolFolder, signal: new AbortController().signal })
  return files.map(({ path }) => path)
}

type Step =
  | { kind: 'file' | 'folder' | 'symlink' | 'whiteout'; path: readonly string[] }
  | { kind: 'opaque'; path: readonly string[] }

const names = fc.constantFrom('app', 'node_modules', 'x', 'package.json')
const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('file', 'file', 'file', 'folder', 'symlink', 'whiteout', 'opaque'),
  path: fc.oneof(
    fc.array(names, { minLength: 1, maxLength: 4 }),
    fc.constant(['app', 'node_modules', 'x', 'package.json']),
    fc.constant(['node_modules', 'x', 'package.json']),
  ),
})

function entryOf({ kind, path }: Step): ArchiveEntry {
  const [name, parents] = [path.at(-1) ?? '', path.slice(0, -1)]
  switch (kind) {
    case 'file':
      return { name: path.join('/'), content: '{}' }
    case 'folder':
      return { name: path.join('/'), type: 'directory' }
    case 'symlink':
      return { name: path.join('/'), type: 'symlink', linkname: 'elsewhere' }
    case 'whiteout':
      return { name: [...parents, `.wh.${name}`].join('/') }
    case 'opaque':
      return { name: [...path, '.wh..wh..opq'].join('/') }
  }
}

/** The same rules over a plain list of paths: what a layer hides of those below, and then what it brings. */
function modelOf(layers: readonly Step[][]): string[] {
  let below = new Set<string>()
  for (const steps of layers) {
    const hidden = steps.flatMap(({ kind, path }) => {
      if (kind === 'folder') return []
      return kind === 'opaque' ? [`${path.join('/')}/`] : [path.join('/'), `${path.join('/')}/`]
    })
    const kept = [...below].filter(
      (path) => !hidden.some((gone) => (gone.endsWith('/') ? path.startsWith(gone) : path === gone)),
    )
    const brought = new Map<string, boolean>()
    for (const { kind, path } of steps) if (kind === 'file') brought.set(path.join('/'), true)
    below = new Set([...kept, ...brought.keys()])
  }
  return [...below].filter((path) => /(^|\/)node_modules\/[^/]+\/package\.json$/.test(path)).sort()
}

describe('files that tell of packages', () => {
  it('are those that a container sees', async () => {
    // A layer names each path once, as archives of layers do.
    const layer = fc.uniqueArray(step, { maxLength: 8, selector: ({ path }) => path.join('/') })
    await fc.assert(
      fc.asyncProperty(fc.array(layer, { minLength: 1, maxLength: 4 }), async (layers) => {
        const archives = await Promise.all(layers.map((steps) => makeArchive(steps.map(entryOf))))
        expect((await pathsIn(archives)).sort()).toEqual(modelOf(layers))
      }),
      { numRuns: 120 },
    )
  })

  it('are read or refused by name, whatever the bytes of a layer are', async () => {
    const archive = await makeArchive([
      { name: 'node_modules/x/package.json', content: '{}' },
      { name: 'node_modules/y/package.json', type: 'link', linkname: 'node_modules/x/package.json' },
      { name: `long/${'n'.repeat(150)}/node_modules/z/package.json`, content: '{"name":"z"}' },
    ])
    const changes = fc.array(fc.tuple(fc.nat(archive.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(changes, fc.nat(archive.length), async (drawn, length) => {
        const damaged = Buffer.from(archive)
        for (const [at, value] of drawn) damaged[at] = value
        try {
          await pathsIn([damaged.subarray(0, length)])
        } catch (error) {
          if (!isLarderError(error, 'OCI_IMAGE_UNREADABLE')) throw error
        }
      }),
      { numRuns: 120 },
    )
  })
})
