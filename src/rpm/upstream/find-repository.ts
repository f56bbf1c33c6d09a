import { LarderError, type SiteFiles } from '../../core/index.ts'
import { parseKeyring, type KeyFile, type Keyring } from '../../openpgp/index.ts'
import type { RpmUpstreamConfig } from '../upstream-config.ts'
import type { RepositoryPlace, RepositorySource } from './repository-source.ts'

export interface RepositoryQuery {
  upstream: { name: string; config: RpmUpstreamConfig }
  files: SiteFiles
  /** Undefined when the file is not there. */
  readHostFile: (path: string) => Promise<Buffer | undefined>
}

/** The repository of an upstream, with its keys read. No network. KEYRING_UNREADABLE. */
export async function findRepository(query: RepositoryQuery): Promise<RepositorySource> {
  const { name, config } = query.upstream
  const keyring = await readKeys(query)
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

async function readKeys({ upstream, files, readHostFile }: RepositoryQuery): Promise<Keyring | undefined> {
  const paths = upstream.config.keys
  if (paths === undefined) return undefined
  const keyFiles = await Promise.all(
    paths.map(async (path): Promise<KeyFile> => {
      const bytes = path.startsWith('/') ? await readHostFile(path) : await files.read(path)
      if (bytes !== undefined) return { name: path, bytes }
      throw new LarderError('KEYRING_UNREADABLE', {
        message: `The keyring ${path} of upstream ${upstream.name} is not there.`,
        hint: path.startsWith('/')
          ? 'The path is one of this host.'
          : 'The path is one of the site repository: commit the file.',
        context: { upstream: upstream.name, path },
      })
    }),
  )
  return parseKeyring(keyFiles)
}
