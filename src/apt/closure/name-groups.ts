import { compareVersions } from '../version.ts'
import { otherArchitecture } from './join-tables.ts'

/** Two files under one name, version and architecture: `kept` is of the upstream that is preferred. */
export interface Disagreement {
  kept: number
  dropped: number
}

/** What is asked about rows. */
interface Rows {
  readonly rowCount: number
  readonly nameOf: Uint32Array
  readonly architectureOf: Uint8Array
  version(row: number): string
  isSameFile(a: number, b: number): boolean
}

/** Rows by name and by what they provide. */
export interface NameGroups {
  /** Best first; without rows of other architectures and without second copies. Empty for -1. */
  rowsOf(name: number): Uint32Array
  countOf(name: number): number
  /** Pairs of row and entry of a provided name. */
  providersOf(name: number): Uint32Array
  disagreements: Disagreement[]
}

/** `provides`: triples of name, row, entry. */
export function groupByName(universe: Rows, nameCount: number, provides: Uint32Array): NameGroups {
  const { rowCount, nameOf, architectureOf } = universe
  const start = new Uint32Array(nameCount + 1)
  const isUsed = new Uint8Array(rowCount)
  for (let row = 0; row < rowCount; row++) {
    if (architectureOf[row] === otherArchitecture) continue
    isUsed[row] = 1
    start[nameOf[row]! + 1]!++
  }
  for (let name = 0; name < nameCount; name++) start[name + 1]! += start[name]!
  const next = start.slice()
  const rows = new Uint32Array(start[nameCount]!)
  for (let row = 0; row < rowCount; row++) if (isUsed[row] === 1) rows[next[nameOf[row]!]!++] = row
  const end = new Uint32Array(nameCount)
  const disagreements: Disagreement[] = []
  for (let name = 0; name < nameCount; name++) {
    end[name] = start[name + 1]!
    if (end[name]! - start[name]! < 2) continue
    const group = sortGroup(universe, rows.subarray(start[name], end[name]), isUsed, disagreements)
    rows.set(group, start[name])
    end[name] = start[name]! + group.length
  }
  const providers = groupProviders(nameCount, provides, isUsed)
  return {
    rowsOf: (name) => (name < 0 ? none : rows.subarray(start[name], end[name])),
    countOf: (name) => end[name]! - start[name]!,
    providersOf: (name) =>
      name < 0 ? none : providers.pairs.subarray(providers.start[name], providers.start[name + 1]),
    disagreements,
  }
}

const none = new Uint32Array(0)

/** Best first, and each file once: rows are already in the order of preference of their upstreams. */
function sortGroup(universe: Rows, group: Uint32Array, isUsed: Uint8Array, disagreements: Disagreement[]): number[] {
  const { architectureOf } = universe
  const sorted = Array.from(group).sort((a, b) => compareVersions(universe.version(b), universe.version(a)) || a - b)
  const kept: number[] = []
  for (const row of sorted) {
    const version = universe.version(row)
    const twin = kept.find(
      (other) => architectureOf[other] === architectureOf[row] && universe.version(other) === version,
    )
    if (twin === undefined) kept.push(row)
    else {
      isUsed[row] = 0
      if (!universe.isSameFile(twin, row)) disagreements.push({ kept: twin, dropped: row })
    }
  }
  return kept
}

function groupProviders(
  nameCount: number,
  provides: Uint32Array,
  isUsed: Uint8Array,
): { start: Uint32Array; pairs: Uint32Array } {
  const start = new Uint32Array(nameCount + 1)
  for (let i = 0; i < provides.length; i += 3) if (isUsed[provides[i + 1]!] === 1) start[provides[i]! + 1]! += 2
  for (let name = 0; name < nameCount; name++) start[name + 1]! += start[name]!
  const next = start.slice()
  const pairs = new Uint32Array(start[nameCount]!)
  for (let i = 0; i < provides.length; i += 3) {
    if (isUsed[provides[i + 1]!] !== 1) continue
    const at = next[provides[i]!]!
    pairs[at] = provides[i + 1]!
    pairs[at + 1] = provides[i + 2]!
    next[provides[i]!] = at + 2
  }
  return { start, pairs }
}
