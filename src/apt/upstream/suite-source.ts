import type { ProxySettings } from '../../fetch/index.ts'
import type { Keyring } from '../../openpgp/index.ts'
import type { AptUpstreamConfig } from '../upstream-config.ts'

/** One suite of one upstream: where it is and whom to believe. */
export interface SuiteSource {
  /** Name in larder.yaml. */
  upstream: string
  /** What is remembered of it is kept under this. */
  key: string
  /** Addresses of the same repository, each ending in `/`, the preferred one first. */
  uris: readonly string[]
  /** As asked for: `bookworm`, `bookworm/updates`, `./`. */
  suite: string
  /** Undefined: all that the Release names. */
  components: readonly string[] | undefined
  architectures: readonly string[]
  /** Undefined only when `allowUnsigned`: then nothing is verified. */
  keyring: Keyring | undefined
  allowUnsigned: boolean
  /** Names that Suite or Codename may have besides the suite's own. */
  acceptSuites: readonly string[]
  checkValidUntil: boolean
  checkDate: boolean
  byHash: boolean | undefined
  proxy?: ProxySettings
  limits: AptUpstreamConfig['limits']
}

/** Of the suite's Release: `dists/bookworm/`, '' for `./`. */
export function suiteFolder(suite: string): string {
  return suite.endsWith('/') ? suite.replace(/^(\.\/)+/, '') : `dists/${suite}/`
}

/** An address below each of the repository's; every segment of the path is encoded, `%` too. */
export function urlsBelow(uris: readonly string[], path: string): string[] {
  const encoded = path.split('/').map(encodeURIComponent).join('/')
  return uris.map((uri) => uri + encoded)
}
