import { posix } from 'node:path'
import { silentProgress, type Progress } from '../core/index.ts'
import type { BlobStore } from '../store/index.ts'
import { ExportFolder } from './export-folder.ts'
import type { Tree, TreeEntry } from './tree.ts'

export interface ExportOptions {
  store: BlobStore
  tree: Tree
  /** Trees of older generations: their stable entries are exported too, for clients that hold an older index. */
  olderTrees?: readonly Tree[]
  /** Made when it is not there. */
  folder: string
  /**
   * Place of a path among those that change: lower numbers first. The format gives what refers to others the highest,
   * so that a client meets the new reference only when all that it refers to is there. Default: by path.
   */
  order?: (path: string) => number
  signal?: AbortSignal
  progress?: Progress
}

export interface ExportResult {
  written: number
  /** Right already. */
  kept: number
  removed: number
}

/**
 * Writes a tree to a folder for any web server or a USB stick: what never changes first, then what changes, in order,
 * each by rename; then removes what is no longer in it. Stopped anywhere, it goes on at the next call; files that
 * are right are read and left. EXPORT_REFUSED, BLOB_MISSING, BLOB_DAMAGED, DISK_FULL.
 */
export async function exportTree(options: ExportOptions): Promise<ExportResult> {
  const folder = await ExportFolder.open(options.folder, options.store)
  const { stable, changing } = sortOut(options)
  const result: ExportResult = { written: 0, kept: 0, removed: 0 }
  const put = putter(options, folder, result)
  await putAll(stable, put)
  await folder.sync(foldersOf(stable))
  for (const entry of changing) {
    await put(entry)
    await folder.sync(foldersOf([entry]))
  }
  result.removed = await folder.keepOnly(new Set([...stable, ...changing].map((entry) => entry.path)))
  return result
}

const filesAtOnce = 4

/** Where one fails, no other is begun, and none is left at work when that is told. */
async function putAll(entries: readonly TreeEntry[], put: (entry: TreeEntry) => Promise<void>): Promise<void> {
  const queue = entries.values()
  const failures: unknown[] = []
  const worker = async (): Promise<void> => {
    for (const entry of queue) {
      if (failures.length > 0) return
      await put(entry).catch((error: unknown) => failures.push(error))
    }
  }
  await Promise.all(Array.from({ length: filesAtOnce }, worker))
  if (failures.length > 0) throw failures[0]
}

/** A path of the tree itself wins over the same path of an older one. */
function sortOut(options: ExportOptions): { stable: TreeEntry[]; changing: TreeEntry[] } {
  const entries = [...options.tree.entries()]
  const changing = entries.filter((entry) => !entry.stable)
  const stable = new Map<string, TreeEntry>()
  for (const older of options.olderTrees ?? []) {
    for (const entry of older.entries()) if (entry.stable) stable.set(entry.path, entry)
  }
  for (const entry of entries) {
    if (entry.stable) stable.set(entry.path, entry)
    else stable.delete(entry.path)
  }
  const { order } = options
  if (order !== undefined) changing.sort((a, b) => order(a.path) - order(b.path))
  return { stable: [...stable.values()], changing }
}

function putter(
  options: ExportOptions,
  folder: ExportFolder,
  result: ExportResult,
): (entry: TreeEntry) => Promise<void> {
  const progress = options.progress ?? silentProgress
  let doneBytes = 0
  return async (entry) => {
    options.signal?.throwIfAborted()
    if (await folder.put(entry)) result.written++
    else result.kept++
    doneBytes += entry.sizeBytes
    progress.transfer({
      label: 'export',
      doneBytes,
      totalBytes: Math.max(options.tree.sizeBytes, doneBytes),
      doneItems: result.written + result.kept,
      totalItems: Math.max(options.tree.count, result.written + result.kept),
    })
  }
}

function foldersOf(entries: readonly TreeEntry[]): Set<string> {
  return new Set(entries.map((entry) => posix.dirname(entry.path)))
}
