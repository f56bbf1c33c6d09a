import type { PackageIndex } from '../package-index.ts'

/** Architecture numbers: 0 is `all`, then those of the mirror from 1; `otherArchitecture` is none of these. */
export const allArchitecture = 0
export const otherArchitecture = 255

/** The tables of several indices behind one another, with numbers that hold across them. */
export interface JoinedTables {
  nameOf: Uint32Array
  architectureOf: Uint8Array
  flagsOf: Uint16Array
  memberOf: Uint8Array
  relationStart: Uint32Array
  relation: Uint32Array
  clauseCount: number
  /** First row and first clause of each index. */
  rowBase: number[]
  clauseBase: number[]
  names: string[]
  nameIds: Map<string, number>
  /** Triples of name, row, clause. */
  provides: number[]
}

export function joinTables(indices: readonly PackageIndex[], architectures: readonly string[]): JoinedTables {
  const tables = emptyTables(indices)
  let relationAt = 0
  indices.forEach((index, member) => {
    const nameId = namesIn(index, tables)
    joinRows(index, { tables, member, architectures, nameId })
    joinRelations(index, tables, { member, relationAt })
    relationAt += index.columns.relation.length
    const { provideName, provideRow, provideClause } = index.columns
    const [rowBase, clauseBase] = [tables.rowBase[member]!, tables.clauseBase[member]!]
    for (let i = 0; i < provideRow.length; i++)
      tables.provides.push(nameId(provideName[i]!), rowBase + provideRow[i]!, clauseBase + provideClause[i]!)
  })
  return tables
}

function emptyTables(indices: readonly PackageIndex[]): JoinedTables {
  const rowBase: number[] = []
  const clauseBase: number[] = []
  let [rows, clauses, relations] = [0, 0, 0]
  for (const { rowCount, clauseCount, columns } of indices) {
    rowBase.push(rows)
    clauseBase.push(clauses)
    rows += rowCount
    clauses += clauseCount
    relations += columns.relation.length
  }
  return {
    nameOf: new Uint32Array(rows),
    architectureOf: new Uint8Array(rows),
    flagsOf: new Uint16Array(rows),
    memberOf: new Uint8Array(rows),
    relationStart: new Uint32Array(rows * 5 + 1),
    relation: new Uint32Array(relations),
    clauseCount: clauses,
    rowBase,
    clauseBase,
    names: [],
    nameIds: new Map(),
    provides: [],
  }
}

/** Numbers of names by word of the index: each string is made once. */
function namesIn(index: PackageIndex, { names, nameIds }: JoinedTables): (word: number) => number {
  const known = new Int32Array(index.columns.wordStart.length).fill(-1)
  return (word) => {
    if (known[word]! >= 0) return known[word]!
    const name = index.word(word)
    let id = nameIds.get(name)
    if (id === undefined) {
      id = names.push(name) - 1
      nameIds.set(name, id)
    }
    return (known[word] = id)
  }
}

interface RowJoin {
  tables: JoinedTables
  member: number
  architectures: readonly string[]
  nameId: (word: number) => number
}

function joinRows(index: PackageIndex, { tables, member, architectures, nameId }: RowJoin): void {
  const { columns, rowCount } = index
  const rowBase = tables.rowBase[member]!
  const known = new Map<number, number>()
  const architectureId = (word: number): number => {
    const name = index.word(word)
    const at = architectures.indexOf(name)
    return name === 'all' ? allArchitecture : at < 0 ? otherArchitecture : at + 1
  }
  for (let local = 0; local < rowCount; local++) {
    const word = columns.architecture[local]!
    let architecture = known.get(word)
    if (architecture === undefined) known.set(word, (architecture = architectureId(word)))
    tables.nameOf[rowBase + local] = nameId(columns.name[local]!)
    tables.architectureOf[rowBase + local] = architecture
  }
  tables.flagsOf.set(columns.flags, rowBase)
  tables.memberOf.fill(member, rowBase, rowBase + rowCount)
}

function joinRelations(
  { columns }: PackageIndex,
  { relation, relationStart, rowBase, clauseBase }: JoinedTables,
  { member, relationAt }: { member: number; relationAt: number },
): void {
  const firstStart = rowBase[member]! * 5
  for (let i = 0; i < columns.relationStart.length; i++)
    relationStart[firstStart + i] = relationAt + columns.relationStart[i]!
  const firstClause = clauseBase[member]!
  for (let i = 0; i < columns.relation.length; i++) relation[relationAt + i] = firstClause + columns.relation[i]!
}
