import type { Digest } from '../../core/index.ts'
import type { Checksum } from '../package-rows.ts'
import type { Evr } from '../version.ts'

/** A package as a repository is composed from it. */
export interface RepositoryPackage {
  name: string
  evr: Evr
  /** `x86_64`, `noarch` … */
  architecture: string
  /** Of the RPM, which is in the store. */
  digest: Digest
  sizeBytes: number
  /** What the upstream's primary.xml says of it; undefined for a package of one's own, of which its header tells. */
  primary?: UpstreamPrimary
  /** Name of the upstream in larder.yaml, kept for `mirror show`. */
  upstream: string
  /** Why it is here, kept for `mirror show`. */
  reason: string
}

export interface UpstreamPrimary {
  /** As the upstream promises it, verified. */
  checksum: Checksum
  /**
   * Changes whenever the bytes of `fragment()` do: digest of the upstream's index and row, say. With it, fragments
   * that did not change are not even read. Default: digest of the fragment.
   */
  identity?: string
  /** Exact bytes of `<package …>…</package>`, with whatever prefixes. */
  fragment(): Buffer
}
