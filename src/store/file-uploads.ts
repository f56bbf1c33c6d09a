import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, Mutex } from '../core/index.ts'
import type { LeaseId, Upload } from './blob-store.ts'
import { hasErrno, onDisk } from './disk-errors.ts'
import type { FileLayout } from './file-layout.ts'
import { openFileUpload, readUploadTag } from './file-upload.ts'

/** What an upload needs of its store. */
export interface UploadStore {
  /** Before so many bytes are written. DISK_FULL. */
  claim(sizeBytes: number): Promise<void>
  /** Makes a finished file a blob. */
  adopt(lease: LeaseId, path: string, blob: { digest: Digest; sizeBytes: number }): Promise<void>
}

/** The uploads of a FileBlobStore: who has which open, and which may go. */
export class FileUploads {
  readonly #layout: FileLayout
  readonly #store: UploadStore
  /** By name of folder. An entry goes when nobody has it open or waits for it. */
  readonly #turns = new Map<string, { mutex: Mutex; users: number }>()

  constructor(layout: FileLayout, store: UploadStore) {
    this.#layout = layout
    this.#store = store
  }

  async open(lease: LeaseId, key: string): Promise<Upload> {
    const name = this.#layout.uploadName(key)
    const folder = join(this.#layout.uploads, name)
    const done = await this.#takeTurn(name)
    try {
      return await onDisk('opening an upload', async () => {
        await mkdir(folder, { recursive: true, mode: 0o750 })
        return openFileUpload({ folder, key, lease, done, store: this.#store })
      })
    } catch (error) {
      done()
      throw error
    }
  }

  async removeLeftovers(options: {
    unusedSince: Date
    liveLeases: ReadonlySet<LeaseId>
  }): Promise<{ removed: number; freedBytes: number }> {
    let removed = 0
    let freedBytes = 0
    for (const name of await readdir(this.#layout.uploads)) {
      if (!/^[0-9a-f]{64}$/.test(name) || this.#turns.has(name)) continue
      const done = await this.#takeTurn(name)
      try {
        const folder = join(this.#layout.uploads, name)
        const { lease } = await readUploadTag(folder)
        const data = await statIfThere(join(folder, 'data'))
        // Its upload may have been finished since the folders were listed.
        const touchedAt = (data ?? (await statIfThere(folder)))?.mtime
        if (touchedAt === undefined || options.liveLeases.has(lease) || touchedAt >= options.unusedSince) continue
        await rm(folder, { recursive: true, force: true })
        removed++
        freedBytes += data?.size ?? 0
      } finally {
        done()
      }
    }
    return { removed, freedBytes }
  }

  async #takeTurn(name: string): Promise<() => void> {
    const turn = this.#turns.get(name) ?? { mutex: new Mutex(), users: 0 }
    this.#turns.set(name, turn)
    turn.users++
    const release = await turn.mutex.acquire()
    return () => {
      release()
      turn.users--
      if (turn.users === 0) this.#turns.delete(name)
    }
  }
}

async function statIfThere(path: string): Promise<{ size: number; mtime: Date } | undefined> {
  try {
    return await stat(path)
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return undefined
    throw error
  }
}
