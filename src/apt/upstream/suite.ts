import type { Digest } from '../../core/index.ts'
import type { CompressionFormat } from '../../unpack/index.ts'
import type { Release } from '../release.ts'
import type { SuiteSource } from './suite-source.ts'

export type IndexKind = 'Packages' | 'Translation-en' | 'Sources' | 'Contents'

/** A verified index of a suite, in the store. */
export interface SuiteIndex {
  /** `main` too for a flat repository, which has none. */
  component: string
  /** `all` for an index of packages for every architecture; '' when the index is for no architecture, or flat. */
  architecture: string
  kind: IndexKind
  /** In Release, without compression suffix. */
  path: string
  /** Of the compressed file. */
  digest: Digest
  sizeBytes: number
  format: CompressionFormat
  /** What Release promises of the unpacked file, if it lists it. */
  uncompressed?: { sizeBytes: number; sha256?: string; sha512?: string }
  /** Strongest hash that Release promised for the compressed file, in hex. */
  promised: string
}

/** A suite whose Release was verified and whose indices are in the store. */
export interface Suite {
  source: SuiteSource
  /** Name in larder.yaml. */
  upstream: string
  /** As asked for. */
  suite: string
  codename: string | undefined
  release: Release
  /** Fingerprints of primary keys; none when unsigned was allowed. */
  signers: readonly string[]
  indices: readonly SuiteIndex[]
  /** Filename of a package is relative to each of these; they end in `/`. */
  baseUrls: readonly string[]
  /** For people: what is missing upstream, what was not verified. */
  notes: readonly string[]
  /** The same Release and indices as remembered. */
  unchanged: boolean
}
