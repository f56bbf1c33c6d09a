import type { PackageRows } from '../package-rows.ts'

/** Whether primary.xml lists such a path wherever a package has it. Source: createrepo_c, `cr_is_primary`. */
function isPrimaryPath(path: string): boolean {
  return path.startsWith('/etc/') || path.includes('bin/') || path === '/usr/lib/sendmail'
}

/** Rows by the paths of files that they have: what primary.xml lists, and what filelists.xml was asked about. */
export class FileOwners {
  /** Paths that were asked about, that primary.xml does not list, and that filelists.xml was not asked about. */
  readonly missing = new Set<string>()
  private readonly listed: ListedFiles
  private readonly known: ReadonlyMap<string, readonly number[]>
  private knownPaths: Map<number, string[]> | undefined

  /** `known`: what filelists.xml tells. Default: nothing. */
  constructor(listed: ListedFiles, known: ReadonlyMap<string, readonly number[]> = new Map()) {
    this.listed = listed
    this.known = known
  }

  /** The same, that knows more. */
  withKnown(known: ReadonlyMap<string, readonly number[]>): FileOwners {
    return new FileOwners(this.listed, known)
  }

  /** In no order that matters. */
  rowsWith(path: string): readonly number[] {
    const found = [...(this.known.get(path) ?? []), ...this.listed.rowsWith(path)]
    if (found.length === 0 && !this.known.has(path) && !isPrimaryPath(path)) this.missing.add(path)
    return found
  }

  /** All that is known of a row. */
  pathsOf(row: number): string[] {
    this.knownPaths ??= pathsByRow(this.known)
    return [...this.listed.pathsOf(row), ...(this.knownPaths.get(row) ?? [])]
  }
}

function pathsByRow(known: ReadonlyMap<string, readonly number[]>): Map<number, string[]> {
  const paths = new Map<number, string[]>()
  for (const [path, rows] of known) for (const row of rows) paths.set(row, [...(paths.get(row) ?? []), path])
  return paths
}

/** What primary.xml lists. The first question after a path reads all of them, once. */
export class ListedFiles {
  private readonly members: readonly PackageRows[]
  private readonly rowBase: readonly number[]
  /** Word by path, of each member. */
  private words: Map<string, number>[] | undefined
  /** Rows by word, of each member. */
  private readonly rowsByWord: { start: Uint32Array; rows: Uint32Array }[] = []

  constructor(members: readonly PackageRows[], rowBase: readonly number[]) {
    this.members = members
    this.rowBase = rowBase
  }

  rowsWith(path: string): number[] {
    this.words ??= this.members.map((member) => this.read(member))
    const found: number[] = []
    this.words.forEach((words, member) => {
      const word = words.get(path)
      if (word === undefined) return
      const { start, rows } = this.rowsByWord[member]!
      for (let at = start[word]!; at < start[word + 1]!; at++) found.push(this.rowBase[member]! + rows[at]!)
    })
    return found
  }

  pathsOf(row: number): string[] {
    const at = this.rowBase.findLastIndex((base) => base <= row)
    const member = this.members[at]!
    const [start, end] = [0, 1].map((next) => member.fileStart[row - this.rowBase[at]! + next]!)
    return Array.from(member.file.subarray(start, end), (word) => member.word(word))
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

/** By path, the rows that count of the packages whose checksums are given. */
export function rowsOfOwners(
  members: readonly PackageRows[],
  { rowBase, isUsed }: { rowBase: readonly number[]; isUsed: Uint8Array },
  owners: ReadonlyMap<string, readonly string[]> = new Map(),
): ReadonlyMap<string, readonly number[]> {
  const wanted = new Set([...owners.values()].flat())
  const rows = new Map<string, number[]>()
  if (wanted.size > 0)
    members.forEach((index, member) => {
      for (const [hex, local] of index.rowsOfChecksums(wanted)) {
        const used = local.map((row) => rowBase[member]! + row).filter((row) => isUsed[row] === 1)
        rows.set(hex, [...(rows.get(hex) ?? []), ...used])
      }
    })
  return new Map([...owners].map(([path, checksums]) => [path, checksums.flatMap((hex) => rows.get(hex) ?? [])]))
}
