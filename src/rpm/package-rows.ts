import type { Interner } from '../table/index.ts'

/** What is asked of every package: where such relations lie is in `relationStart[row * 2 + field]`. */
export const RelationField = { provides: 0, supplements: 1 } as const
export const relationFieldCount = 2

/** What is asked only of packages that somebody considers. */
export const laterRelations = ['requires', 'conflicts', 'obsoletes', 'recommends', 'suggests', 'enhances'] as const
export type LaterRelation = (typeof laterRelations)[number]

/** As primary.xml names them. */
export type RelationName = keyof typeof RelationField | LaterRelation

/** Clauses by their number in an interner; without fields that have none. */
export type LaterRelations = Readonly<Partial<Record<LaterRelation, readonly number[]>>>

export const checksumTypes = ['sha256', 'sha512', 'sha384', 'sha224', 'sha1', 'md5'] as const
export type ChecksumType = (typeof checksumTypes)[number]

/** Of a file, as metadata promises it. `sha`, the old name of `sha1`, is read as `sha1`. */
export interface Checksum {
  type: ChecksumType
  /** Lower case, as long as the type says. */
  hex: string
}

/**
 * One compiled primary.xml: what closure and composition need of its packages, numbered from 0 in the order of the
 * file. Words and clauses are interned: equal text has one number, so that most questions compare numbers.
 */
export interface PackageRows {
  /** Identity: the hex digest of the metadata file that was promised. */
  readonly key: string
  /** For messages: `upstream rocky-base`. */
  readonly label: string
  readonly rowCount: number
  /** Whether a fragment could not be read: what is loaded next is not to be taken from here. */
  readonly isDamaged: boolean
  /** Prefixes that the root of primary.xml binds ('' is the default one): `fragment` uses them. */
  readonly namespaces: Readonly<Record<string, string>>
  readonly wordCount: number
  /** A name, an EVR, an architecture or the path of a file. */
  word(id: number): string
  readonly clauseCount: number
  /** A dependency in canonical text, as `parseDependency` takes it: `libc.so.6()(64bit)`, `bash >= 4.2`, `(a if b)`. */
  clause(id: number): string
  /** Word by row. */
  readonly nameOf: Uint32Array
  /** Word by row: `2.0-3.el9`, `1:2.0-3.el9`; no epoch where it is 0. */
  readonly evrOf: Uint32Array
  /** Word by row: `x86_64`, `noarch`, `src`. */
  readonly architectureOf: Uint32Array
  /** By row: of the package file. */
  readonly sizeBytesOf: Float64Array
  /** Place in `relation` by `row * 2 + field`; one entry more than that, the end of the last. */
  readonly relationStart: Uint32Array
  /** Clauses. */
  readonly relation: Uint32Array
  /** Place in `file` by row; one entry more than rows. */
  readonly fileStart: Uint32Array
  /** Words: paths of the files, directories and ghosts that primary lists. */
  readonly file: Uint32Array
  /**
   * Reads the relations that are not in `relation` from the fragment. One of which they cannot be read requires what
   * nothing is: a clause that is none, which says why.
   *
   * @throws CACHE_DAMAGED, see fragment
   */
  laterRelations(row: number, clauses: Interner): LaterRelations
  /** The href as upstream wrote it: no scheme, no `/` in front, no `..`. */
  location(row: number): string
  /** xml:base: another address that `location` is relative to. Whoever fetches from it decides whether it may be. */
  baseUrl(row: number): string | undefined
  /** Of the package file; `hex` is also its pkgid in filelists, other and updateinfo. */
  checksum(row: number): Checksum
  /** Rows with one of these checksums, of whichever type, by checksum. Lower-case hex of 8 digits at least. */
  rowsOfChecksums(wanted: ReadonlySet<string>): Map<string, number[]>
  /** File name of the source package, '' for none. */
  sourceRpm(row: number): string
  /**
   * `<package …>…</package>` byte for byte as upstream wrote it, with the namespace prefixes that upstream chose.
   *
   * @throws CACHE_DAMAGED after removing the compiled file: what is tried again compiles it anew
   */
  fragment(row: number): Buffer
}
