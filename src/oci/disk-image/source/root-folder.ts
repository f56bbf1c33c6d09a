import type { Stats } from 'node:fs'
import { lstat, readdir, readlink } from 'node:fs/promises'
import { LarderError } from '../../../core/index.ts'
import { byteString, inBytes } from './root-path.ts'
import { RootTree, type Attributes, type RootFile } from './root-tree.ts'

/**
 * Reads a folder that is a root file system, as mmdebstrap or `podman mount` leave it. The bytes of its files stay where
 * they are. Sockets are left out, and so are extended attributes. DISK_IMAGE_SOURCE_INVALID, CANCELLED.
 */
export async function readRootFolder(folder: string, signal: AbortSignal): Promise<RootTree> {
  const stats = await lstat(folder).catch(ignoreMissing)
  if (!stats?.isDirectory())
    throw new LarderError('DISK_IMAGE_SOURCE_INVALID', {
      message: `${folder} cannot be made into a disk image: it is ${stats ? 'no folder' : 'not there'}.`,
    })
  const tree = new RootTree()
  tree.put('/', { kind: 'folder', attributes: attributesOf(stats), entries: new Map() })
  await readInto(tree, byteString(folder), { signal, linked: new Map() })
  return tree
}

interface Walk {
  signal: AbortSignal
  /** Files with several links, by inode. */
  linked: Map<string, RootFile>
}

async function readInto(tree: RootTree, folder: string, walk: Walk, parent = ''): Promise<void> {
  if (walk.signal.aborted) throw new LarderError('CANCELLED', { message: `reading ${folder} was stopped` })
  const names = await readdir(inBytes(folder + parent), { encoding: 'latin1' })
  for (const name of names) {
    const path = `${parent}/${name}`
    const stats = await lstat(inBytes(folder + path))
    const attributes = attributesOf(stats)
    if (stats.isDirectory()) {
      tree.put(path, { kind: 'folder', attributes, entries: new Map() })
      await readInto(tree, folder, walk, path)
    } else if (stats.isFile()) {
      tree.put(path, fileOf(stats, attributes, folder + path, walk))
    } else if (stats.isSymbolicLink()) {
      const target = await readlink(inBytes(folder + path), { encoding: 'latin1' })
      tree.put(path, { kind: 'symlink', attributes, target })
    } else if (!stats.isSocket()) {
      const kind = stats.isFIFO() ? 'pipe' : stats.isBlockDevice() ? 'block' : 'character'
      tree.put(path, { kind, attributes, ...deviceNumbers(stats.rdev) })
    }
  }
}

function fileOf(stats: Stats, attributes: Attributes, contentPath: string, { linked }: Walk): RootFile {
  const key = `${stats.dev}:${stats.ino}`
  const known = stats.nlink > 1 ? linked.get(key) : undefined
  if (known) return known
  const file: RootFile = { kind: 'file', attributes, sizeBytes: stats.size, contentPath }
  if (stats.nlink > 1) linked.set(key, file)
  return file
}

function attributesOf(stats: Stats): Attributes {
  const { mode, uid, gid, mtimeMs } = stats
  return { mode: mode & 0o7777, uid, gid, modifiedAtS: Math.floor(mtimeMs / 1000), extendedAttributes: new Map() }
}

/** As Linux packs them. Source: makedev(3). */
function deviceNumbers(device: number): { major: number; minor: number } {
  return { major: (device >>> 8) & 0xfff, minor: (device & 0xff) | ((device >>> 12) & 0xfff00) }
}

function ignoreMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
}
