import { LarderError } from '../core/index.ts'
import type { RpmClientSetup } from '../mirror/index.ts'
import type { RepositoryMeta } from './repository/index.ts'

/**
 * A file for /etc/yum.repos.d, for dnf and yum 3 alike: metadata by the key of the mirror, packages by those of their
 * vendors, whose signatures a mirror keeps. Source: dnf.conf(5), yum.conf(5) of CentOS 7. PUBLICATION_NONE.
 */
export function clientSetup(options: { mirror: string; baseUrl: string; meta: unknown }): RpmClientSetup {
  const { mirror, baseUrl } = options
  if (options.meta === undefined) {
    throw new LarderError('PUBLICATION_NONE', {
      message: `Mirror ${mirror} has not been published yet, so there is nothing for a client to use.`,
      hint: 'larder run ls shows whether a run is at work on it.',
    })
  }
  const { gpgcheck, vendorKeys, compatibility } = options.meta as RepositoryMeta
  const url = `${baseUrl}/rpm/${mirror}/`
  const keys = [`${baseUrl}/keys/${mirror}.asc`, ...vendorKeys.map((path) => `${url}${path}`)]
  const lines = [
    `[larder-${mirror}]`,
    `name=Larder mirror ${mirror}`,
    `baseurl=${url}`,
    'enabled=1',
    // Without vendors' signatures the checksums of the signed metadata are what packages are verified by.
    `gpgcheck=${gpgcheck ? 1 : 0}`,
    'repo_gpgcheck=1',
    // yum 3 begins a value on the line of its key, and so does every later one.
    `gpgkey=${keys.join('\n       ')}`,
    ...(compatibility === 'yum3' ? yum3Lines : dnfLines),
  ]
  return { format: 'rpm', repo: `${lines.join('\n')}\n` }
}

/** Else dnf asks again after two days only. */
const dnfLines = ['metadata_expire=1h']
/** yum 3 asks again after six hours; proxies must not keep it from what is new. */
const yum3Lines = ['metadata_expire=3600', 'http_caching=packages']
