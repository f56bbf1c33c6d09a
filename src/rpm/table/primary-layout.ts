import type { TableData, TableLayout } from '../../table/index.ts'

/** Typed arrays of a compiled primary.xml. One entry per row unless it is said otherwise. */
const columns = {
  /** Words. */
  name: Uint32Array,
  evr: Uint32Array,
  architecture: Uint32Array,
  /** Word + 1; 0 for none. */
  sourceRpm: Uint32Array,
  base: Uint32Array,
  sizeBytes: Float64Array,
  /** Of the fragment in the text. */
  offset: Uint32Array,
  length: Uint32Array,
  /** CRC-32 of the fragment. */
  crc: Uint32Array,
  /** rows × 2 + 1: where the clauses of a relation field start in `relation`. */
  relationStart: Uint32Array,
  /** Numbers of clauses. */
  relation: Uint32Array,
  /** rows + 1: where the paths of a row start in `file`. */
  fileStart: Uint32Array,
  /** Words. */
  file: Uint32Array,
  /** rows + 1: where they start in `locations`, `checksums`. */
  locationStart: Uint32Array,
  checksumStart: Uint32Array,
  /** Place in `checksumTypes`. */
  checksumType: Uint16Array,
  /** words + 1, clauses + 1 */
  wordStart: Uint32Array,
  clauseStart: Uint32Array,
} as const

type Heap = 'words' | 'clauses' | 'locations' | 'checksums'

export const primaryLayout: TableLayout<typeof columns, Heap> = {
  magic: 'LARDERRP',
  version: 2,
  suffix: '.primary',
  columns,
  heaps: ['words', 'clauses', 'locations', 'checksums'],
}

export type PrimaryData = TableData<typeof columns, Heap>

/** A package that is not used, and why. */
export interface ExcludedPackage {
  /** As far as it is known. */
  package: string
  /** Where its record begins in primary.xml, from 1. */
  byte: number
  reason: string
}

export interface PrimaryHeader {
  label: string
  rowCount: number
  excludedCount: number
  /** The first of them. */
  excluded: ExcludedPackage[]
  /** For people: what is odd about the file as a whole. */
  notes: string[]
  /** Prefixes that the root binds, '' the default one; fragments use them. */
  namespaces: Record<string, string>
}
