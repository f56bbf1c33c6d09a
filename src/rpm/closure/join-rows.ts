import { type PackageRows, RelationField, relationFieldCount } from '../package-rows.ts'
import { noArchitecture, otherArchitecture } from './architectures.ts'

/** The tables of several indices behind one another, with numbers that hold across them. */
export interface JoinedRows {
  nameOf: Uint32Array
  architectureOf: Uint8Array
  memberOf: Uint8Array
  relationStart: Uint32Array
  relation: Uint32Array
  clauseCount: number
  /** First row and first clause of each index. */
  rowBase: number[]
  clauseBase: number[]
  /** What packages are called, and what they provide. */
  names: string[]
  nameIds: Map<string, number>
  /** By clause that something provides: number of the name + 1. */
  providedName: Uint32Array
}

export function joinRows(indices: readonly PackageRows[], architectures: readonly string[]): JoinedRows {
  const joined = emptyRows(indices)
  let relationAt = 0
  indices.forEach((index, member) => {
    joinPackages(index, { joined, member, architectures })
    joinRelations(index, { joined, member, relationAt })
    joinProvides(index, joined, member)
    relationAt += index.relation.length
  })
  return joined
}

function emptyRows(indices: readonly PackageRows[]): JoinedRows {
  const rowBase: number[] = []
  const clauseBase: number[] = []
  let [rows, clauses, relations] = [0, 0, 0]
  for (const { rowCount, clauseCount, relation } of indices) {
    rowBase.push(rows)
    clauseBase.push(clauses)
    rows += rowCount
    clauses += clauseCount
    relations += relation.length
  }
  return {
    nameOf: new Uint32Array(rows),
    architectureOf: new Uint8Array(rows),
    memberOf: new Uint8Array(rows),
    relationStart: new Uint32Array(rows * relationFieldCount + 1),
    relation: new Uint32Array(relations),
    clauseCount: clauses,
    rowBase,
    clauseBase,
    names: [],
    nameIds: new Map(),
    providedName: new Uint32Array(clauses),
  }
}

interface MemberJoin {
  joined: JoinedRows
  member: number
}

function joinPackages(
  index: PackageRows,
  { joined, member, architectures }: MemberJoin & { architectures: readonly string[] },
): void {
  const rowBase = joined.rowBase[member]!
  const nameIds = new Int32Array(index.wordCount).fill(-1)
  const architectureIds = new Map<number, number>()
  const architectureId = (word: number): number => {
    const text = index.word(word)
    const at = architectures.indexOf(text)
    return text === 'noarch' ? noArchitecture : at < 0 ? otherArchitecture : at + 1
  }
  for (let local = 0; local < index.rowCount; local++) {
    const word = index.nameOf[local]!
    if (nameIds[word]! < 0) nameIds[word] = nameId(joined, index.word(word))
    joined.nameOf[rowBase + local] = nameIds[word]!
    const architecture = index.architectureOf[local]!
    let id = architectureIds.get(architecture)
    if (id === undefined) architectureIds.set(architecture, (id = architectureId(architecture)))
    joined.architectureOf[rowBase + local] = id
  }
  joined.memberOf.fill(member, rowBase, rowBase + index.rowCount)
}

function joinRelations(index: PackageRows, { joined, member, relationAt }: MemberJoin & { relationAt: number }): void {
  const { relation, relationStart } = joined
  const firstStart = joined.rowBase[member]! * relationFieldCount
  for (let i = 0; i < index.relationStart.length; i++)
    relationStart[firstStart + i] = relationAt + index.relationStart[i]!
  const firstClause = joined.clauseBase[member]!
  for (let i = 0; i < index.relation.length; i++) relation[relationAt + i] = firstClause + index.relation[i]!
}

/** Rows that are of no architecture of the mirror provide nothing. */
function joinProvides(index: PackageRows, joined: JoinedRows, member: number): void {
  const { providedName, architectureOf } = joined
  const [rowBase, clauseBase] = [joined.rowBase[member]!, joined.clauseBase[member]!]
  for (let local = 0; local < index.rowCount; local++) {
    if (architectureOf[rowBase + local] === otherArchitecture) continue
    const start = local * relationFieldCount + RelationField.provides
    for (let at = index.relationStart[start]!; at < index.relationStart[start + 1]!; at++) {
      const clause = index.relation[at]!
      if (providedName[clauseBase + clause] !== 0) continue
      providedName[clauseBase + clause] = nameId(joined, nameOfClause(index.clause(clause))) + 1
    }
  }
}

/** Canonical text: the name ends where the comparison begins. */
function nameOfClause(text: string): string {
  const space = text.indexOf(' ')
  return space < 0 ? text : text.slice(0, space)
}

function nameId({ names, nameIds }: JoinedRows, name: string): number {
  const known = nameIds.get(name)
  if (known !== undefined) return known
  const id = names.push(name) - 1
  nameIds.set(name, id)
  return id
}
