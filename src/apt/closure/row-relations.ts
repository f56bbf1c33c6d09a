import { Interner } from '../../table/index.ts'
import { Field } from '../table/field.ts'
import { locateFields } from '../table/stanza-fields.ts'
import { splitAtCommas } from '../table/stanza-value.ts'

/** In the order of RelationField. */
const fields = [Field.preDepends, Field.depends, Field.recommends, Field.conflicts, Field.breaks] as const

/**
 * Relations of the rows that somebody asked about, each read from its stanza once. Equal relations, of whichever index, are
 * one clause; clauses are numbered as they are met.
 */
export class RowRelations {
  /** Numbers of clauses. As `bounds`, another array when rows have been read meanwhile: to be asked for after `at`. */
  relation = new Uint32Array(1 << 12)
  /** For each row that was read, where its fields begin in `relation`, and where the last ends: six numbers. */
  bounds = new Uint32Array(1 << 12)
  /** By row, its place in `bounds` + 1. */
  private readonly placeOf: Uint32Array
  private readonly clauses = new Interner(1 << 10)
  private readonly stanzaOf: (row: number) => Buffer
  private relationCount = 0
  private boundCount = 0

  /** `stanzaOf`: the stanza of a row, valid until the next is asked for. */
  constructor(rowCount: number, stanzaOf: (row: number) => Buffer) {
    this.placeOf = new Uint32Array(rowCount)
    this.stanzaOf = stanzaOf
  }

  get clauseCount(): number {
    return this.clauses.size
  }

  /** Place in `bounds` of the first field of a row. CACHE_DAMAGED */
  at(row: number): number {
    const known = this.placeOf[row]!
    return known > 0 ? known - 1 : this.read(row)
  }

  clauseText(clause: number): string {
    return this.clauses.text(clause)
  }

  private read(row: number): number {
    const stanza = locateFields(this.stanzaOf(row))
    const place = this.boundCount
    this.bounds = roomFor(this.bounds, place + fields.length)
    const accept = (start: number, end: number): void => {
      this.relation = roomFor(this.relation, this.relationCount)
      this.relation[this.relationCount++] = this.clauses.intern(stanza.bytes, start, end)
    }
    this.bounds[this.boundCount++] = this.relationCount
    for (const field of fields) {
      splitAtCommas(stanza, field, accept)
      this.bounds[this.boundCount++] = this.relationCount
    }
    this.placeOf[row] = place + 1
    return place
  }
}

/** The array, or a larger copy of it that has the index. */
export function roomFor<Numbers extends Uint8Array | Uint32Array | Int32Array>(array: Numbers, index: number): Numbers {
  if (index < array.length) return array
  const larger = new (array.constructor as new (length: number) => Numbers)(Math.max(2 * array.length, index + 1))
  larger.set(array)
  return larger
}
