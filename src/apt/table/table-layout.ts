import type { TableData, TableLayout } from '../../table/index.ts'

/** What an index lists: binary packages (`Packages`) or source packages (`Sources`). */
export type IndexKind = 'packages' | 'sources'

/** Relation fields of a row, in the order in which its clauses are kept. */
export const RelationField = { preDepends: 0, depends: 1, recommends: 2, conflicts: 3, breaks: 4 } as const
export const relationFieldNames = ['Pre-Depends', 'Depends', 'Recommends', 'Conflicts', 'Breaks'] as const

/** Bits of a row's flags. */
export const RowFlag = {
  essential: 1,
  protected: 2,
  important: 4,
} as const
const multiArchShift = 3
const priorityShift = 5

/** Bytes of the text that have a CRC of their own. */
export const blockBytes = 4096

export const multiArchNames = ['no', 'same', 'foreign', 'allowed'] as const
export type MultiArch = (typeof multiArchNames)[number]
/** From what a system cannot do without to what few want; what is not known counts as optional. */
export const priorityNames = ['required', 'important', 'standard', 'optional', 'extra'] as const
export type Priority = (typeof priorityNames)[number]

export function packFlags(bits: number, multiArch: MultiArch, priority: Priority): number {
  return (
    bits | (multiArchNames.indexOf(multiArch) << multiArchShift) | (priorityNames.indexOf(priority) << priorityShift)
  )
}

export function multiArchOf(flags: number): MultiArch {
  return multiArchNames[(flags >> multiArchShift) & 3]!
}

/** 0 required … 4 extra. */
export function priorityOf(flags: number): number {
  return (flags >> priorityShift) & 7
}

/**
 * Typed arrays of the table. One entry per row unless it is said otherwise. Only what is asked of every package is here;
 * the rest is read from its stanza when somebody asks for it: a mirror holds few of the packages that there are.
 */
const columns = {
  name: Uint32Array,
  version: Uint32Array,
  architecture: Uint32Array,
  /** Of the stanza in the text. */
  offset: Uint32Array,
  length: Uint32Array,
  flags: Uint16Array,
  /** Two columns with one entry per provided name: row, word; and where its clause starts in `provides`, with an end. */
  provideRow: Uint32Array,
  provideName: Uint32Array,
  provideStart: Uint32Array,
  /** words + 1 */
  wordStart: Uint32Array,
  /** CRC-32 of each block of the text: a damaged cache is noticed when it is read. */
  blockCrc: Uint32Array,
} as const

type Heap = 'words' | 'provides'

export const indexLayout: TableLayout<typeof columns, Heap> = {
  magic: 'LARDERIX',
  version: 3,
  suffix: '.index',
  columns,
  heaps: ['words', 'provides'],
}

export type IndexData = TableData<typeof columns, Heap>

/** An entry of an index that is not used, and why. */
export interface Excluded {
  package: string
  /** 1-based, in the decompressed index. */
  line: number
  reason: string
}

export interface IndexHeader {
  kind: IndexKind
  label: string
  rowCount: number
  /** How many entries were not used; the first of them follow. */
  excludedCount: number
  excluded: readonly Excluded[]
}
