import { readUpstreamKeys, type KeySources } from '../../mirror/index.ts'
import type { RpmUpstreamConfig } from '../upstream-config.ts'
import type { RepositoryPlace, RepositorySource } from './repository-source.ts'

export interface RepositoryQuery extends KeySources {
  upstream: { name: string; config: RpmUpstreamConfig }
}

/** The repository of an upstream, with its keys read. No network. KEYRING_UNREADABLE. */
export async function findRepository(query: RepositoryQuery): Promise<RepositorySource> {
  const { name, config } = query.upstream
  const keyring = await readUpstreamKeys(query.upstream, query)
  return {
    upstream: name,
    place: placeOf(config),
    keyring,
    gpgcheck: config.gpgcheck && keyring !== undefined,
    repoGpgcheck: config.repoGpgcheck,
    allowOlder: config.allowOlder,
    allowUnsigned: config.allowUnsigned,
    limits: config.limits,
  }
}

function placeOf({ url, urls, mirrorlist, metalink }: RpmUpstreamConfig): RepositoryPlace {
  if (mirrorlist !== undefined) return { kind: 'mirrorlist', url: mirrorlist }
  if (metalink !== undefined) return { kind: 'metalink', url: metalink }
  const given = urls ?? [url!]
  return { kind: 'urls', urls: given.map((one) => (one.endsWith('/') ? one : `${one}/`)) }
}
