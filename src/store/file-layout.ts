import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { type Digest, digestFromHex, hexOf } from '../core/index.ts'

/**
 * Where a FileBlobStore keeps what, below the data directory:
 *
 *     blobs/sha256/ab/<64 hex digits, the first two being ab>   mode 0444; whole and durable from its first moment
 *     uploads/<sha256 of the key>/data                          bytes that have arrived
 *     uploads/<sha256 of the key>/tag                           JSON {key, tag, lease}
 *     uploads/new/<uuid>                                        a blob that is being written; a crash leaves it, the next start removes it
 */
export class FileLayout {
  readonly blobs: string
  readonly uploads: string
  readonly newBlobs: string

  constructor(folder: string) {
    this.blobs = join(folder, 'blobs', 'sha256')
    this.uploads = join(folder, 'uploads')
    this.newBlobs = join(this.uploads, 'new')
  }

  shardOf(digest: Digest): string {
    return join(this.blobs, hexOf(digest).slice(0, 2))
  }

  blob(digest: Digest): string {
    return join(this.shardOf(digest), hexOf(digest))
  }

  shards(): string[] {
    return Array.from({ length: 256 }, (_, index) => join(this.blobs, index.toString(16).padStart(2, '0')))
  }

  /** Name of the folder of an upload. */
  uploadName(key: string): string {
    return createHash('sha256').update(key).digest('hex')
  }
}

/** The blob that a file name stands for, if it is one. */
export function digestOfFileName(name: string): Digest | undefined {
  return /^[0-9a-f]{64}$/.test(name) ? digestFromHex(name) : undefined
}
