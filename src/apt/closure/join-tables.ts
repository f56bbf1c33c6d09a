import { Interner } from '../../table/index.ts'
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
  /** First row of each index, and the first of its entries of provided names. */
  rowBase: number[]
  provideBase: number[]
  names: Interner
  /** Triples of name, row, entry. */
  provides: Uint32Array
}

export function joinTables(indices: readonly PackageIndex[], architectures: readonly string[]): JoinedTables {
  const tables = emptyTables(indices)
  let provideAt = 0
  indices.forEach((index, member) => {
    const nameId = namesIn(index, tables)
    joinRows(index, { tables, member, architectures, nameId })
    const { provideName, provideRow } = index.columns
    const rowBase = tables.rowBase[member]!
    for (let i = 0; i < provideRow.length; i++, provideAt++) {
      tables.provides[3 * provideAt] = nameId(provideName[i]!)
      tables.provides[3 * provideAt + 1] = rowBase + provideRow[i]!
      tables.provides[3 * provideAt + 2] = provideAt
    }
  })
  return tables
}

function emptyTables(indices: readonly PackageIndex[]): JoinedTables {
  const rowBase: number[] = []
  const provideBase: number[] = []
  let [rows, provides] = [0, 0]
  for (const { rowCount, columns } of indices) {
    rowBase.push(rows)
    provideBase.push(provides)
    rows += rowCount
    provides += columns.provideRow.length
  }
  return {
    nameOf: new Uint32Array(rows),
    architectureOf: new Uint8Array(rows),
    flagsOf: new Uint16Array(rows),
    memberOf: new Uint8Array(rows),
    rowBase,
    provideBase,
    names: new Interner(rows + provides),
    provides: new Uint32Array(3 * provides),
  }
}

/** Numbers of names by word of the index: each is looked for once, and no string is made of it. */
function namesIn(index: PackageIndex, { names }: JoinedTables): (word: number) => number {
  const { wordStart } = index.columns
  const { words } = index.heaps
  const known = new Int32Array(wordStart.length).fill(-1)
  return (word) => {
    if (known[word]! >= 0) return known[word]!
    return (known[word] = names.intern(words, wordStart[word]!, wordStart[word + 1]!))
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
