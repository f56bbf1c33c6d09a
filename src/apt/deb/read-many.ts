import type { FileHandle } from 'node:fs/promises'
import { isLarderError } from '../../core/index.ts'
import { unpackToFile, xzFooterBytes, xzIndexBytes, xzUnpackedBytes } from '../../unpack/index.ts'
import { openNamelessFile } from '../nameless-file.ts'
import type { ArMember } from './ar.ts'
import { malformed, readRange, type DebSource } from './deb-source.ts'
import { FileBlocks } from './file-blocks.ts'
import { collectPaths, membersOf, readDebFiles } from './read-deb.ts'
import { readEntries } from './tar.ts'

export interface ReadManyOptions {
  /** Where what is unpacked lies for a moment, without a name. */
  folder: string
  signal: AbortSignal
  /** Called once for each, in any order. */
  onList: (deb: DebSource, paths: string[]) => Promise<void>
}

/**
 * As readDebFiles, of packages one after the other: those packed by xz are unpacked many at a time by one process into
 * one file, of which only the headers are read. Whatever is odd about one of a batch, they are read one by one.
 */
export async function readFilesOfMany(debs: readonly DebSource[], options: ReadManyOptions): Promise<void> {
  let batch = new Batch()
  for (const deb of debs) {
    const entry = await batchable(deb)
    if (entry === undefined) {
      await options.onList(deb, await readDebFiles(deb, options.signal))
      continue
    }
    if (!batch.hasRoomFor(entry)) {
      await readBatch(batch, options)
      batch = new Batch()
    }
    batch.add(entry)
  }
  await readBatch(batch, options)
}

/** A package of which it is known how large its data is when unpacked. */
interface Entry {
  deb: DebSource
  data: ArMember
  unpackedBytes: number
}

/** Of what is unpacked at once: little enough to stay in memory until it is removed. */
const mostBatchBytes = 128 * 1024 * 1024
const mostIndexBytes = 64 * 1024

class Batch {
  readonly entries: Entry[] = []
  unpackedBytes = 0

  hasRoomFor({ unpackedBytes }: Entry): boolean {
    return this.unpackedBytes + unpackedBytes <= mostBatchBytes
  }

  add(entry: Entry): void {
    this.entries.push(entry)
    this.unpackedBytes += entry.unpackedBytes
  }
}

async function batchable(deb: DebSource): Promise<Entry | undefined> {
  const { data } = await membersOf(deb)
  if (data.name !== 'data.tar.xz' || data.end - data.start < 2 * xzFooterBytes) return undefined
  const footerStart = data.end - xzFooterBytes
  const indexBytes = xzIndexBytes(await readRange(deb, { start: footerStart, end: data.end }))
  if (indexBytes === undefined || indexBytes > Math.min(mostIndexBytes, footerStart - data.start)) return undefined
  const index = await readRange(deb, { start: footerStart - indexBytes, end: footerStart })
  const unpackedBytes = xzUnpackedBytes(index)
  return unpackedBytes === undefined || unpackedBytes > mostBatchBytes ? undefined : { deb, data, unpackedBytes }
}

async function readBatch({ entries, unpackedBytes }: Batch, options: ReadManyOptions): Promise<void> {
  if (entries.length === 0) return
  const file = await openNamelessFile(options.folder)
  try {
    const isWhole = await unpackBatch(file, entries, { unpackedBytes, signal: options.signal })
    const lists: { deb: DebSource; paths: string[] }[] = []
    let start = 0
    for (const { deb, unpackedBytes: sizeBytes } of entries) {
      const end = start + sizeBytes
      const paths = isWhole ? await pathsIn(file, { start, end }, deb) : await readDebFiles(deb, options.signal)
      lists.push({ deb, paths })
      start = end
    }
    await Promise.all(lists.map(({ deb, paths }) => options.onList(deb, paths)))
  } finally {
    await file.close()
  }
}

/** False when what came out is not what was promised, or the program is not there. */
async function unpackBatch(
  file: FileHandle,
  entries: readonly Entry[],
  { unpackedBytes, signal }: { unpackedBytes: number; signal: AbortSignal },
): Promise<boolean> {
  const label = entries.length === 1 ? entries[0]!.deb.label : `${entries.length} packages`
  try {
    await unpackToFile(packedData(entries), file, { exactBytes: unpackedBytes, signal, label })
    return true
  } catch (error) {
    if (isLarderError(error, 'DECOMPRESS_FAILED', 'DECOMPRESS_BOMB', 'TOOL_MISSING')) return false
    throw error
  }
}

async function* packedData(entries: readonly Entry[]): AsyncGenerator<Uint8Array> {
  for (const { deb, data } of entries) yield* await deb.read(data)
}

function pathsIn(file: FileHandle, range: { start: number; end: number }, { label }: DebSource): Promise<string[]> {
  const fail = (why: string): Error => malformed(label, why)
  return collectPaths(readEntries(new FileBlocks(file, range), { fail }), label)
}
