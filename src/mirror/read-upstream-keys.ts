import { LarderError, type SiteFiles } from '../core/index.ts'
import { parseKeyring, type KeyFile, type Keyring } from '../openpgp/index.ts'

export interface KeySources {
  files: SiteFiles
  /** Undefined when the file is not there. */
  readHostFile: (path: string) => Promise<Buffer | undefined>
}

/** Keys that must have signed an upstream: files of the site, or of this host. Undefined: it names none. KEYRING_UNREADABLE. */
export async function readUpstreamKeys(
  upstream: { name: string; config: { keys?: readonly string[] | undefined } },
  { files, readHostFile }: KeySources,
): Promise<Keyring | undefined> {
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
