export type ColumnKind = Uint32ArrayConstructor | Uint16ArrayConstructor | Float64ArrayConstructor

/** What a compiled file holds beside its text. */
export interface TableLayout<Kinds extends Record<string, ColumnKind>, Heap extends string> {
  /** Eight characters of Latin-1. */
  magic: string
  /** Changes with every change of the layout: a file of another version is compiled anew. */
  version: number
  /** Name of the file: `<key><suffix>`. */
  suffix: string
  columns: Kinds
  heaps: readonly Heap[]
}

export interface TableData<Kinds extends Record<string, ColumnKind>, Heap extends string> {
  readonly columns: { readonly [Name in keyof Kinds]: InstanceType<Kinds[Name]> }
  readonly heaps: { readonly [Name in Heap]: Buffer }
}

/** What stands before the columns, as JSON. */
export interface StoredHeader {
  key: string
  /** The compiler's own. */
  header: unknown
  /** Place of every column and heap, counted from the end of the header. */
  places: Record<string, { offset: number; byteLength: number }>
}

/**
 * A compiled file is: text as it came, then the table (header as JSON, columns at multiples of 8 bytes), then this
 * trailer: magic (8 bytes), layout version, header length (u32 each, in the order of the machine's bytes), text length,
 * table length (f64 each), SHA-256 of the table (32 bytes).
 */
export const trailerBytes = 64

/** Columns lie at multiples of 8 bytes, so that they can be viewed in place. */
export function padding(byteLength: number): number {
  return (8 - (byteLength % 8)) % 8
}
