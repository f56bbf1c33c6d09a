import type { Interner } from '../../table/index.ts'
import { laterRelations, type LaterRelation } from '../package-rows.ts'
import type { FragmentReader } from './fragment-scanner.ts'
import { NameTable } from './name-table.ts'
import type { ClauseWriter } from './relation-clause.ts'
import type { XmlCursor } from './xml-cursor.ts'

const elements = new NameTable([...laterRelations, 'format', 'entry'])
const formatId = laterRelations.length
const entryId = formatId + 1

/** Reads from one package of a primary.xml what PrimaryReader passes over. */
export class RelationsReader implements FragmentReader {
  readonly found: Partial<Record<LaterRelation, number[]>> = {}
  /** What is wrong with it: the first thing. */
  fault: string | undefined
  private readonly clauses: Interner
  private readonly writer: ClauseWriter
  private isInFormat = false
  private relation: LaterRelation | undefined

  constructor(clauses: Interner, writer: ClauseWriter) {
    this.clauses = clauses
    this.writer = writer
  }

  root(): void {
    // It is there so that the package has one.
  }

  begin(): void {
    // Nothing ends in the middle here: the package is whole.
  }

  open(cursor: XmlCursor, depth: number): void {
    const id = elements.idOf(cursor.bytes, cursor.localStart, cursor.nameEnd)
    if (depth === 3) {
      if (id === entryId && this.relation !== undefined) this.add(cursor, this.relation)
    } else if (depth === 2) this.relation = this.isInFormat ? laterRelations[id] : undefined
    else if (depth === 1) this.isInFormat = id === formatId
  }

  text(): void {
    // Relations have attributes only.
  }

  close(_: XmlCursor, depth: number): void {
    if (depth === 2) this.relation = undefined
    else if (depth === 1) this.isInFormat = false
  }

  end(cursor: XmlCursor): void {
    if (cursor.attributes.hasBadReference) this.fault ??= 'it has a reference to nothing that XML knows'
  }

  private add(cursor: XmlCursor, relation: LaterRelation): void {
    const clause = this.writer.clauseOf(cursor, this.clauses)
    if (typeof clause === 'string') this.fault ??= clause
    else (this.found[relation] ??= []).push(clause)
  }
}
