import { createHash } from 'node:crypto'
import { digestFromHex, isLarderError, type Digest, type Finding, type Progress } from '../core/index.ts'
import type { BlobStore } from '../store/index.ts'
import type { Tree, TreeEntry } from './tree.ts'

export interface VerifyOptions {
  signal?: AbortSignal
  progress?: Progress
  /** Files that are read at the same time. Default 4. */
  concurrency?: number
}

/** Reads and hashes every byte that clients could ask for. An empty list: all is as it should be. Throws only when stopped or unable to read at all. */
export async function verifyTree(store: BlobStore, tree: Tree, options: VerifyOptions = {}): Promise<Finding[]> {
  const findings: Finding[] = []
  const done = { bytes: 0, items: 0 }
  const queue = tree.entries()
  const worker = async (): Promise<void> => {
    for (const entry of queue) {
      options.signal?.throwIfAborted()
      findings.push(...(await verifyEntry(store, entry)))
      done.bytes += entry.sizeBytes
      done.items++
      options.progress?.transfer({
        label: 'verify',
        doneBytes: done.bytes,
        totalBytes: tree.sizeBytes,
        doneItems: done.items,
        totalItems: tree.count,
      })
    }
  }
  await Promise.all(Array.from({ length: options.concurrency ?? 4 }, worker))
  return findings.sort((a, b) => (a.subject < b.subject ? -1 : 1))
}

async function verifyEntry(store: BlobStore, entry: TreeEntry): Promise<Finding[]> {
  const hash = createHash('sha256')
  let sizeBytes = 0
  try {
    for (const blob of entry.parts ?? [entry]) sizeBytes += await hashBlob(store, blob.digest, hash)
  } catch (error) {
    if (!isLarderError(error, 'BLOB_MISSING')) throw error
    return [finding(entry, `its content is not in the store: ${error.message}`)]
  }
  if (sizeBytes !== entry.sizeBytes) return [finding(entry, `it has ${sizeBytes} bytes instead of ${entry.sizeBytes}`)]
  const found = digestFromHex(hash.digest('hex'))
  return found === entry.digest ? [] : [finding(entry, `its bytes have changed: ${found} instead of ${entry.digest}`)]
}

async function hashBlob(store: BlobStore, digest: Digest, hash: ReturnType<typeof createHash>): Promise<number> {
  let sizeBytes = 0
  for await (const chunk of (await store.read(digest)) as AsyncIterable<Buffer>) {
    hash.update(chunk)
    sizeBytes += chunk.length
  }
  return sizeBytes
}

function finding(entry: TreeEntry, what: string): Finding {
  return {
    severity: 'error',
    subject: entry.path,
    message: `${entry.path} is damaged: ${what}`,
    hint: 'Run `larder doctor --fix`: it throws the damaged blob away and fetches it again. The disk may be failing.',
  }
}
