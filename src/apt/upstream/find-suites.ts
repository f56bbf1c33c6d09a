import type { SiteFiles } from '../../core/index.ts'
import { readUpstreamKeys } from '../../mirror/index.ts'
import type { AptUpstreamConfig } from '../upstream-config.ts'
import { findSystemSuites } from './find-system-suites.ts'
import type { Host } from './host.ts'
import type { SuiteSource } from './suite-source.ts'

export interface SuiteQuery {
  upstream: { name: string; config: AptUpstreamConfig }
  /** What the mirror asks for; an upstream may have suites and components of its own. */
  suites: readonly string[]
  components: readonly string[] | undefined
  architectures: readonly string[]
  files: SiteFiles
  host: Host
}

/**
 * The suites of an upstream that a mirror reads, with their keys read. No network.
 * APT_SOURCES_NONE, APT_SOURCES_MALFORMED, KEYRING_UNREADABLE.
 */
export async function findSuites(asked: SuiteQuery): Promise<SuiteSource[]> {
  const { name, config } = asked.upstream
  const query = {
    ...asked,
    suites: config.suites ?? asked.suites,
    components: config.components ?? asked.components,
    architectures: asked.architectures.filter((wanted) => config.architectures?.includes(wanted) ?? true),
  }
  if (config.from === 'system') return findSystemSuites(query)
  const { files, host } = query
  const keyring = await readUpstreamKeys(query.upstream, { files, readHostFile: (path) => host.readFile(path) })
  const uris = (config.urls ?? [config.url!]).map((url) => (url.endsWith('/') ? url : `${url}/`))
  return query.suites.map((suite) => ({
    upstream: name,
    key: `${name} ${suite}`,
    uris,
    suite,
    components: query.components,
    architectures: query.architectures,
    keyring,
    allowUnsigned: config.allowUnsigned,
    acceptSuites: config.acceptSuites ?? [],
    checkValidUntil: config.checkValidUntil ?? true,
    checkDate: config.checkDate ?? true,
    byHash: config.byHash,
    limits: config.limits,
  }))
}
