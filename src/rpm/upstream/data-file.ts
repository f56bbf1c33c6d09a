import { createHash, type Hash } from 'node:crypto'
import { LarderError, type Digest } from '../../core/index.ts'
import { decompress, type CompressionFormat } from '../../unpack/index.ts'
import type { BlobStore } from '../../store/index.ts'
import type { RepomdChecksum } from '../repomd.ts'

export type DataFileType = 'primary' | 'filelists' | 'updateinfo' | 'group' | 'modules'

/** What repomd.xml promises of a data file. */
export interface PromisedFile {
  type: DataFileType
  /** Relative to the repository. */
  href: string
  format: CompressionFormat
  checksum: RepomdChecksum
  sizeBytes: number | undefined
  openChecksum: RepomdChecksum | undefined
  openSizeBytes: number | undefined
}

/** A verified data file, in the store. */
export interface DataFile extends PromisedFile {
  /** Of the compressed file. */
  digest: Digest
  sizeBytes: number
}

/** Unpacked size that is allowed when repomd.xml does not tell it: XML packs to no less than a hundredth. */
const maxRatio = 100
const maxUnknownBytes = 8 * 1024 ** 3

/**
 * The unpacked text of a data file, held to the size and the checksum that repomd.xml promises of it.
 * BLOB_MISSING, DECOMPRESS_*, DIGEST_MISMATCH, CANCELLED.
 */
export async function* openDataFile(store: BlobStore, file: DataFile, signal: AbortSignal): AsyncGenerator<Buffer> {
  const source = await store.read(file.digest)
  const exactBytes = file.format === 'plain' ? file.sizeBytes : file.openSizeBytes
  const guessBytes = Math.min(maxUnknownBytes, file.sizeBytes * maxRatio + 1024 ** 2)
  const { openChecksum } = file
  const hash = file.format === 'plain' ? undefined : hashFor(openChecksum)
  const text = decompress(source, file.format, {
    maxBytes: exactBytes ?? guessBytes,
    ...(exactBytes === undefined ? {} : { exactBytes }),
    signal,
    label: file.href,
  })
  for await (const chunk of text) {
    hash?.update(chunk)
    yield chunk
  }
  const found = hash?.digest('hex')
  const wanted = openChecksum?.hex
  if (found === undefined || found === wanted) return
  throw new LarderError('DIGEST_MISMATCH', {
    message: `${file.href}: what it unpacks to has the checksum ${found}, ${wanted ?? ''} was promised.`,
    context: { href: file.href },
  })
}

/** The packed file is what was promised already: an algorithm that is not known here is passed over. */
function hashFor(checksum: RepomdChecksum | undefined): Hash | undefined {
  const known = ['sha1', 'sha224', 'sha256', 'sha384', 'sha512']
  return checksum !== undefined && known.includes(checksum.type) ? createHash(checksum.type) : undefined
}

/** Of what is read as a whole: lists of groups, advisories and modules. Distributions have some 30 MB. */
const maxWholeBytes = 256 * 1024 ** 2

/** The unpacked text as a whole. As `openDataFile`. */
export async function readDataFile(store: BlobStore, file: DataFile, signal: AbortSignal): Promise<Buffer> {
  const parts: Buffer[] = []
  let sizeBytes = 0
  for await (const part of openDataFile(store, file, signal)) {
    sizeBytes += part.length
    if (sizeBytes > maxWholeBytes)
      throw new LarderError('DECOMPRESS_BOMB', { message: `${file.href} unpacks to more than ${maxWholeBytes} bytes` })
    parts.push(part)
  }
  return Buffer.concat(parts)
}
