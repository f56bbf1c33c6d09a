import type { CompressionFormat } from '../../unpack/index.ts'
import type { Repomd } from '../repomd.ts'
import type { DataFileType, PromisedFile } from './data-file.ts'

/** Which types of record hold what; the others (SQLite, zchunk, deltas) say the same in other forms, or nothing of use. */
const types: Readonly<Record<DataFileType, RegExp>> = {
  primary: /^primary$/,
  filelists: /^filelists$/,
  updateinfo: /^updateinfo$/,
  group: /^group(_gz|_xz|_zst|_bz2)?$/,
  modules: /^modules$/,
}

/** Least to transfer first, of those that unpack fast enough. */
const suffixes: readonly (readonly [CompressionFormat, string])[] = [
  ['xz', '.xz'],
  ['zst', '.zst'],
  ['gz', '.gz'],
  ['bz2', '.bz2'],
]

/** The data files that a repomd.xml promises, each in the best form in which it may be had. Pure. */
export function chooseFiles(repomd: Repomd): Map<DataFileType, PromisedFile> {
  const chosen = new Map<DataFileType, PromisedFile>()
  for (const type of Object.keys(types) as DataFileType[]) {
    const [best] = repomd.records
      .filter((record) => types[type].test(record.type) && !record.href.endsWith('.zck'))
      .map((record) => promisedFile(type, record))
      .sort((a, b) => rankOf(a.format) - rankOf(b.format))
    if (best !== undefined) chosen.set(type, best)
  }
  return chosen
}

function promisedFile(type: DataFileType, record: Repomd['records'][number]): PromisedFile {
  const { href, checksum, sizeBytes, openChecksum, openSizeBytes } = record
  const [format = 'plain'] = suffixes.find(([, suffix]) => href.endsWith(suffix)) ?? []
  return { type, href, format, checksum, sizeBytes, openChecksum, openSizeBytes }
}

function rankOf(format: CompressionFormat): number {
  const rank = suffixes.findIndex(([name]) => name === format)
  return rank === -1 ? suffixes.length : rank
}
