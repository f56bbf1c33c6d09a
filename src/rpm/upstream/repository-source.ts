import type { Keyring } from '../../openpgp/index.ts'
import { checkHref } from '../href.ts'
import type { RpmUpstreamConfig } from '../upstream-config.ts'

/** Where a repository is: at addresses that are known, or at those that a list of mirrors names. */
export type RepositoryPlace =
  | { kind: 'urls'; urls: readonly string[] }
  | { kind: 'mirrorlist'; url: string }
  | { kind: 'metalink'; url: string }

/** One upstream repository: where it is and whom to believe. */
export interface RepositorySource {
  /** Name in larder.yaml; what is remembered of it is kept under this. */
  upstream: string
  place: RepositoryPlace
  /** Undefined only when `allowUnsigned`: then nothing is verified. */
  keyring: Keyring | undefined
  /** Packages must be signed by one of the keys. */
  gpgcheck: boolean
  /** Undefined: repomd.xml must be signed where it is, or was. */
  repoGpgcheck: boolean | undefined
  allowOlder: boolean
  allowUnsigned: boolean
  limits: RpmUpstreamConfig['limits']
}

export function describe(source: Pick<RepositorySource, 'upstream'>): string {
  return `upstream ${source.upstream}`
}

/**
 * An address below each of the repository's. Every segment of the path is encoded, but for what is encoded already:
 * dnf asks for an href as it is written. RPM_HREF_REFUSED when it leads out of the repository.
 */
export function urlsBelow(baseUrls: readonly string[], href: string, label: string): string[] {
  checkHref(href, label)
  const encoded = href.split('/').map(encodeSegment).join('/')
  return baseUrls.map((url) => url + encoded)
}

const escape = /%[0-9A-Fa-f]{2}/g

function encodeSegment(segment: string): string {
  const escapes = segment.match(escape) ?? []
  const plain = segment.split(escape).map(encodeURIComponent)
  return plain.map((part, index) => part + (escapes[index] ?? '')).join('')
}
