/** Everything that primary.xml, filelists.xml and other.xml say of a package, as its header has it. */
export interface RpmPackage {
  name: string
  /** `x86_64`, `noarch`; `src` of a source package. */
  architecture: string
  /** Epoch `0` when the header has none. */
  evr: { epoch: string; version: string; release: string }
  /** This text and those that follow are '' when the header has none. */
  summary: string
  description: string
  url: string
  license: string
  vendor: string
  packager: string
  group: string
  buildHost: string
  /** File name of the source package; '' of a source package itself. */
  sourceRpm: string
  /** Seconds since 1970. */
  buildTime: number
  /** Where the main header begins in the file, and where it ends (exclusive). */
  headerStart: number
  headerEnd: number
  /** Of the file. */
  packageBytes: number
  installedBytes: number
  /** Of the payload, unpacked. */
  archiveBytes: number
  /** In the order of the header, with all that it has. */
  relations: Record<RelationName, RpmRelation[]>
  /** In the order of the header; directories that are both are `dir`. */
  files: RpmFileEntry[]
  /** In the order of the header: the newest first. */
  changelogs: RpmChangelog[]
}

export const relationNames = [
  'provides',
  'requires',
  'conflicts',
  'obsoletes',
  'suggests',
  'enhances',
  'recommends',
  'supplements',
] as const

export type RelationName = (typeof relationNames)[number]

export interface RpmRelation {
  /** A name, a path, or the whole text of a rich dependency. */
  name: string
  /** RPMSENSE_* bits as they stand in the header: comparison (2 less, 4 greater, 8 equal), and what it is needed for. */
  flags: number
  /** `1:2.0-3`, '' for any version. */
  evr: string
}

export interface RpmFileEntry {
  /** Absolute. */
  path: string
  kind: 'file' | 'dir' | 'ghost'
}

export interface RpmChangelog {
  /** `Name <address> - version` */
  author: string
  /** Seconds since 1970. */
  date: number
  text: string
}
