import type { Digest } from '../../core/index.ts'

/** A source package as a repository is composed from it. */
export interface RepositorySource {
  name: string
  version: string
  /** Default: the first component of the repository. */
  component?: string
  /** `Directory` as the upstream gave it: the files lie in it. */
  directory: string
  /** In the store. */
  files: readonly SourceFile[]
  /** As of a binary package: changes whenever the bytes of `stanza()` do. Default: digest of the stanza. */
  identity?: string
  /** Exact bytes of the stanza in the upstream's Sources, with or without the empty line that ends it. */
  stanza(): Buffer
  /** Name of the upstream in larder.yaml. */
  upstream: string
  /** Which binary package it is here for. */
  reason: string
}

export interface SourceFile {
  /** Without folder. */
  name: string
  sizeBytes: number
  digest: Digest
}
