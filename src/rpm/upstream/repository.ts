import type { Repomd } from '../repomd.ts'
import type { DataFile, DataFileType, PromisedFile } from './data-file.ts'
import type { RepositorySource } from './repository-source.ts'

/** A repository whose repomd.xml was verified and whose data files are in the store. */
export interface Repository {
  source: RepositorySource
  /** Name in larder.yaml. */
  upstream: string
  repomd: Repomd
  /** Fingerprints of primary keys; none when repomd.xml is not signed, or not looked at. */
  signers: readonly string[]
  /** Each ending in `/`, the one that answered first. */
  baseUrls: readonly string[]
  /** All but `filelists`, which is fetched when a path is asked for that primary does not list. */
  files: ReadonlyMap<DataFileType, DataFile>
  filelists: PromisedFile | undefined
  /** When it was made, as far as it tells. */
  madeAt: Date
  /** For people: what was not verified. */
  notes: readonly string[]
}
