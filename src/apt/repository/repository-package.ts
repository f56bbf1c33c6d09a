import type { Digest } from '../../core/index.ts'

/** A binary package as a repository is composed from it. */
export interface RepositoryPackage {
  name: string
  version: string
  /** `amd64`, `all` … */
  architecture: string
  /** Default: the first component of the repository. */
  component?: string
  /** Source package, for the pool path when the upstream's cannot be kept. Default: the name. */
  sourceName?: string
  /** `Filename` as the upstream gave it. */
  filename: string
  /** Of the .deb, which is in the store. */
  digest: Digest
  sizeBytes: number
  /**
   * Changes whenever the bytes of `stanza()` do: digest of the upstream's index and offset, say. With it, stanzas
   * that did not change are not even read. Default: digest of the stanza.
   */
  identity?: string
  /** Exact bytes of the upstream's stanza, with or without the empty line that ends it. */
  stanza(): Buffer
  /** Name of the upstream in larder.yaml, kept for `mirror show`. */
  upstream: string
  /** Why it is here, kept for `mirror show`. */
  reason: string
}
