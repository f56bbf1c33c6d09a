import { Interner } from '../../table/index.ts'
import {
  RelationField,
  relationFieldCount,
  type LaterRelations,
  type PackageRows,
  type RelationName,
} from '../package-rows.ts'
import type { JoinedRows } from './join-rows.ts'

/**
 * Relations of rows, as numbers of clauses: those of the tables, and behind them those that were read when a package
 * was first considered, which are kept.
 */
export class RowRelations {
  readonly joined: JoinedRows
  private readonly members: readonly PackageRows[]
  private readonly later = new Map<number, LaterRelations>()
  private readonly clauses = new Interner(1 << 12)

  constructor(members: readonly PackageRows[], joined: JoinedRows) {
    this.members = members
    this.joined = joined
  }

  clausesOf(row: number, field: RelationName): readonly number[] {
    if (field !== 'provides' && field !== 'supplements') return this.laterOf(row)[field] ?? none
    const { relation, relationStart } = this.joined
    const start = row * relationFieldCount + RelationField[field]
    const [from, to] = [relationStart[start]!, relationStart[start + 1]!]
    return from === to ? none : Array.from(relation.subarray(from, to))
  }

  clauseText(clause: number): string {
    const { clauseBase, clauseCount } = this.joined
    if (clause >= clauseCount) return this.laterText(clause - clauseCount)
    let member = clauseBase.length - 1
    while (clause < clauseBase[member]!) member--
    return this.members[member]!.clause(clause - clauseBase[member]!)
  }

  private laterText(id: number): string {
    const { heap, starts } = this.clauses
    return heap.bytes.toString('utf8', starts.at(id), starts.at(id + 1))
  }

  private laterOf(row: number): LaterRelations {
    const known = this.later.get(row)
    if (known !== undefined) return known
    const { memberOf, rowBase, clauseCount } = this.joined
    const member = memberOf[row]!
    const read = this.members[member]!.laterRelations(row - rowBase[member]!, this.clauses)
    const numbered: Partial<Record<keyof LaterRelations, number[]>> = {}
    for (const [field, clauses] of Object.entries(read) as [keyof LaterRelations, readonly number[]][])
      numbered[field] = clauses.map((clause) => clauseCount + clause)
    this.later.set(row, numbered)
    return numbered
  }
}

const none: readonly number[] = []
