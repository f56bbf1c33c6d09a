import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { LarderError, hexOf } from '../core/index.ts'
import { onDisk, syncFolder, type BlobStore } from '../store/index.ts'
import type { TreeEntry } from './tree.ts'

/** Name of the file that says whose folder this is. */
const markerName = '.larder-export'
/** What a file is called until it is whole. */
const unfinished = '.larder-new'

/** A folder that an export owns. */
export class ExportFolder {
  readonly #folder: string
  readonly #store: BlobStore

  private constructor(folder: string, store: BlobStore) {
    this.#folder = folder
    this.#store = store
  }

  /** Makes the folder, or takes up again one that an export made. EXPORT_REFUSED. */
  static async open(folder: string, store: BlobStore): Promise<ExportFolder> {
    await mkdir(folder, { recursive: true })
    const names = await readdir(folder)
    if (names.length > 0 && !names.includes(markerName)) {
      throw new LarderError('EXPORT_REFUSED', {
        message: `${folder} is not empty, and no export made it; what is in it would be removed.`,
        hint: 'Give an empty folder, or a new one.',
        context: { folder },
      })
    }
    await writeFile(join(folder, markerName), 'Larder keeps this folder: whatever else is put here is removed.\n')
    return new ExportFolder(folder, store)
  }

  /** True when a file was written, false when it was right already. The file is whole and durable at every moment. */
  async put(entry: TreeEntry): Promise<boolean> {
    const path = join(this.#folder, entry.path)
    if (await isRight(path, entry)) return false
    await mkdir(dirname(path), { recursive: true })
    const temporary = `${path}.${randomUUID()}${unfinished}`
    try {
      await onDisk(`exporting ${entry.path}`, () => this.#write(temporary, entry))
      await rename(temporary, path)
    } catch (error) {
      await rm(temporary, { force: true })
      throw error
    }
    return true
  }

  /** Removes all files but these paths, and folders that are empty then. */
  async keepOnly(paths: ReadonlySet<string>): Promise<number> {
    const { removed } = await this.#clear('', paths)
    return removed
  }

  async sync(folders: Iterable<string>): Promise<void> {
    for (const folder of folders) await syncFolder(join(this.#folder, folder))
  }

  async #write(temporary: string, entry: TreeEntry): Promise<void> {
    const hash = createHash('sha256')
    const handle = await open(temporary, 'wx', 0o644)
    try {
      for (const part of entry.parts ?? [entry]) {
        for await (const chunk of (await this.#store.read(part.digest)) as AsyncIterable<Buffer>) {
          hash.update(chunk)
          await handle.writeFile(chunk)
        }
      }
      await handle.sync()
    } finally {
      await handle.close()
    }
    if (hash.digest('hex') === hexOf(entry.digest)) return
    throw new LarderError('BLOB_DAMAGED', {
      message: `${entry.path} was not exported: its blob no longer has the bytes that ${entry.digest} promises.`,
      hint: 'Run `larder doctor --fix`, then export again.',
      context: { path: entry.path, digest: entry.digest },
    })
  }

  async #clear(below: string, paths: ReadonlySet<string>): Promise<{ removed: number; left: number }> {
    const result = { removed: 0, left: 0 }
    for (const item of await readdir(join(this.#folder, below), { withFileTypes: true })) {
      const path = below === '' ? item.name : `${below}/${item.name}`
      if (item.isDirectory()) {
        const inside = await this.#clear(path, paths)
        result.removed += inside.removed
        if (inside.left === 0) await rmdir(join(this.#folder, path))
        else result.left++
      } else if (paths.has(path) || path === markerName) {
        result.left++
      } else {
        await rm(join(this.#folder, path))
        result.removed++
      }
    }
    return result
  }
}

async function isRight(path: string, entry: TreeEntry): Promise<boolean> {
  try {
    const found = await stat(path)
    if (!found.isFile() || found.size !== entry.sizeBytes) return false
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return false
    throw error
  }
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 1_048_576 }) as AsyncIterable<Buffer>)
    hash.update(chunk)
  return hash.digest('hex') === hexOf(entry.digest)
}
