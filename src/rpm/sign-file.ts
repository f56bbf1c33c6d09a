import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { digestFromHex } from '../core/index.ts'
import { sourceOf, type OwnFile } from '../mirror/index.ts'
import { onDisk } from '../store/index.ts'
import { signRpm, type PackageSigner, type RpmFile } from './header/index.ts'

/**
 * Puts a signature into a package: the file is the one that was, or the signed one, and whole. Durable but for its name.
 * RPM_MALFORMED, DISK_FULL, CANCELLED.
 */
export async function signFile(
  file: OwnFile,
  rpm: RpmFile,
  { sign, signal }: { sign: PackageSigner; signal: AbortSignal },
): Promise<OwnFile> {
  const source = sourceOf(file)
  const start = await signRpm(source, rpm, sign)
  const hash = createHash('sha256')
  const content = async function* (): AsyncGenerator<Uint8Array> {
    yield start
    yield* await source.read({ start: rpm.headerStart, end: file.sizeBytes })
  }
  const hashed = async function* (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      hash.update(chunk)
      yield chunk
    }
  }
  const path = `${file.path}.signed`
  try {
    await onDisk(file.label, async () => {
      await pipeline(content, hashed, createWriteStream(path, { flags: 'wx', mode: 0o600, flush: true }), { signal })
      await rename(path, file.path)
    })
  } finally {
    await rm(path, { force: true })
  }
  const sizeBytes = start.length + file.sizeBytes - rpm.headerStart
  return { ...file, sizeBytes, digest: digestFromHex(hash.digest('hex')) }
}
