import type { PackageRows } from '../package-rows.ts'

/** Whether primary.xml lists such a path wherever a package has it. Source: createrepo_c, `cr_is_primary`. */
function isPrimaryPath(path: string): boolean {
  return path.startsWith('/etc/') || path.includes('bin/') || path === '/usr/lib/sendmail'
}

/**
 * Rows by the paths of files that they have: what primary.xml lists, and what filelists.xml was asked about. The first
 * question reads the paths once, and keeps those that are asked about.
 */
export class FileOwners {
  /** Paths that were asked about, that primary.xml does not list, and that filelists.xml was not asked about. */
  readonly missing = new Set<string>()
  private readonly members: readonly PackageRows[]
  private readonly rowBase: readonly number[]
  private readonly known: ReadonlyMap<string, readonly number[]>
  /** Word by path, of each member. */
  private words: Map<string, number>[] | undefined
  /** Rows by word, of each member. */
  private readonly rowsByWord: { start: Uint32Array; rows: Uint32Array }[] = []

  constructor(
    members: readonly PackageRows[],
    { rowBase, known }: { rowBase: readonly number[]; known: ReadonlyMap<string, readonly number[]> },
  ) {
    this.members = members
    this.rowBase = rowBase
    this.known = known
  }

  /** In no order that matters. */
  rowsWith(path: string): readonly number[] {
    this.words ??= this.members.map((member) => this.read(member))
    const found: number[] = [...(this.known.get(path) ?? [])]
    this.words.forEach((words, member) => {
      const word = words.get(path)
      if (word === undefined) return
      const { start, rows } = this.rowsByWord[member]!
      for (let at = start[word]!; at < start[word + 1]!; at++) found.push(this.rowBase[member]! + rows[at]!)
    })
    if (found.length === 0 && !this.known.has(path) && !isPrimaryPath(path)) this.missing.add(path)
    return found
  }

  private read(member: PackageRows): Map<string, number> {
    const { wordCount, rowCount, file, fileStart } = member
    const start = new Uint32Array(wordCount + 2)
    for (const word of file) start[word + 2]!++
    const words = new Map<string, number>()
    for (let word = 0; word < wordCount; word++) {
      if (start[word + 2]! > 0) words.set(member.word(word), word)
      start[word + 2]! += start[word + 1]!
    }
    const rows = new Uint32Array(file.length)
    for (let row = 0; row < rowCount; row++)
      for (let at = fileStart[row]!; at < fileStart[row + 1]!; at++) rows[start[file[at]! + 1]!++] = row
    this.rowsByWord.push({ start, rows })
    return words
  }
}

interface Checksums {
  rowCount: number
  isUsed: Uint8Array
  /** Hex. */
  checksumOf(row: number): string
}

/** By path, the rows of the packages whose checksums are given. */
export function rowsOfOwners(
  rows: Checksums,
  owners: ReadonlyMap<string, readonly string[]>,
): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, number[]>([...owners.keys()].map((path) => [path, []]))
  const pairs = [...owners].flatMap(([path, checksums]) => checksums.map((hex) => ({ path, hex })))
  const byChecksum = Map.groupBy(pairs, ({ hex }) => hex)
  if (byChecksum.size === 0) return found
  for (let row = 0; row < rows.rowCount; row++) {
    if (rows.isUsed[row] === 0) continue
    for (const { path } of byChecksum.get(rows.checksumOf(row)) ?? []) found.get(path)!.push(row)
  }
  return found
}
