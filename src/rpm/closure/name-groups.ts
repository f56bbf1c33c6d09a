import { RelationField, relationFieldCount } from '../package-rows.ts'
import { compareEvr, type Evr } from '../version.ts'
import { otherArchitecture } from './architectures.ts'
import type { JoinedRows } from './join-rows.ts'

/** Two files under one name, version and architecture: `kept` is of the upstream that is preferred. */
export interface Disagreement {
  kept: number
  dropped: number
}

/** What is asked about rows. */
interface Rows {
  evr(row: number): Evr
  version(row: number): string
  isSameFile(a: number, b: number): boolean
}

/** Rows by name and by what they provide. */
export interface NameGroups {
  /** Best first; without rows of other architectures and without second copies. Empty for -1. */
  rowsOf(name: number): Uint32Array
  countOf(name: number): number
  /** Pairs of row and clause. */
  providersOf(name: number): Uint32Array
  /** 1 for rows that count. */
  isUsed: Uint8Array
  disagreements: Disagreement[]
}

export function groupByName(rows: Rows, joined: JoinedRows): NameGroups {
  const { nameOf, architectureOf } = joined
  const nameCount = joined.names.length
  const rowCount = nameOf.length
  const isUsed = new Uint8Array(rowCount)
  const start = new Uint32Array(nameCount + 1)
  for (let row = 0; row < rowCount; row++) {
    if (architectureOf[row] === otherArchitecture) continue
    isUsed[row] = 1
    start[nameOf[row]! + 1]!++
  }
  for (let name = 0; name < nameCount; name++) start[name + 1]! += start[name]!
  const next = start.slice()
  const grouped = new Uint32Array(start[nameCount]!)
  for (let row = 0; row < rowCount; row++) if (isUsed[row] === 1) grouped[next[nameOf[row]!]!++] = row
  const end = start.slice(1)
  const disagreements: Disagreement[] = []
  for (let name = 0; name < nameCount; name++) {
    if (end[name]! - start[name]! < 2) continue
    const group = sortGroup(rows, grouped.subarray(start[name], end[name]), { architectureOf, isUsed, disagreements })
    grouped.set(group, start[name])
    end[name] = start[name]! + group.length
  }
  const providers = groupProviders(joined, isUsed)
  return {
    rowsOf: (name) => (name < 0 ? none : grouped.subarray(start[name], end[name])),
    countOf: (name) => end[name]! - start[name]!,
    providersOf: (name) =>
      name < 0 ? none : providers.pairs.subarray(providers.start[name], providers.start[name + 1]),
    isUsed,
    disagreements,
  }
}

const none = new Uint32Array(0)

/** Best first, and each file once: rows are already in the order of preference of their upstreams. */
function sortGroup(
  rows: Rows,
  group: Uint32Array,
  {
    architectureOf,
    isUsed,
    disagreements,
  }: Pick<NameGroups, 'isUsed' | 'disagreements'> & { architectureOf: Uint8Array },
): number[] {
  const sorted = Array.from(group).sort((a, b) => compareEvr(rows.evr(b), rows.evr(a)) || a - b)
  const kept: number[] = []
  for (const row of sorted) {
    const version = rows.version(row)
    const twin = kept.find((other) => architectureOf[other] === architectureOf[row] && rows.version(other) === version)
    if (twin === undefined) kept.push(row)
    else {
      isUsed[row] = 0
      if (!rows.isSameFile(twin, row)) disagreements.push({ kept: twin, dropped: row })
    }
  }
  return kept
}

function groupProviders(joined: JoinedRows, isUsed: Uint8Array): { start: Uint32Array; pairs: Uint32Array } {
  const { relation, relationStart, providedName } = joined
  const start = new Uint32Array(joined.names.length + 1)
  const each = (visit: (name: number, row: number, clause: number) => void): void => {
    for (let row = 0; row < isUsed.length; row++) {
      if (isUsed[row] === 0) continue
      const from = row * relationFieldCount + RelationField.provides
      for (let at = relationStart[from]!; at < relationStart[from + 1]!; at++)
        visit(providedName[relation[at]!]! - 1, row, relation[at]!)
    }
  }
  each((name) => (start[name + 1]! += 2))
  for (let name = 0; name < joined.names.length; name++) start[name + 1]! += start[name]!
  const next = start.slice()
  const pairs = new Uint32Array(start[joined.names.length]!)
  each((name, row, clause) => {
    const at = next[name]!
    pairs[at] = row
    pairs[at + 1] = clause
    next[name] = at + 2
  })
  return { start, pairs }
}
