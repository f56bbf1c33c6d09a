import { createHash } from 'node:crypto'
import { LarderError, type SiteEntry, type SiteFiles } from '../core/index.ts'

/** A file of a site on its way to a controller. */
export interface SentFile {
  path: string
  kind: SiteEntry['kind']
  /** Base64; of a link, where it leads. */
  content: string
}

/** All files together, before they are written as text. */
const mostBytes = 32 * 1024 * 1024

/** All files of a site, for a controller that is to plan them. USAGE when they are more than 32 MiB. */
export async function packFiles(files: SiteFiles): Promise<SentFile[]> {
  const packed: SentFile[] = []
  let sizeBytes = 0
  for (const { path, kind, target = '' } of await files.entries('')) {
    const bytes = kind === 'link' ? Buffer.from(target) : await files.read(path, { once: true })
    sizeBytes += bytes?.length ?? 0
    if (sizeBytes > mostBytes) throw tooLarge(path)
    // One that has just gone is not there.
    if (bytes !== undefined) packed.push({ path, kind, content: bytes.toString('base64') })
  }
  return packed
}

function tooLarge(path: string): LarderError {
  return new LarderError('USAGE', {
    message: `The folder has more than ${mostBytes / 1024 ** 2} MiB of files, of which ${path} is one.`,
    hint: 'Is it the folder of the site? Or push it to a branch: then it is planned too.',
  })
}

/** What was sent, as the files of a site. Links are no files: as in a commit, reading one is GIT_FILE_REFUSED. */
export function openSentFiles(sent: readonly SentFile[]): SiteFiles {
  const known = new Map(sent.map(({ path, kind, content }) => [path, { kind, bytes: Buffer.from(content, 'base64') }]))
  const below = (folder: string): string[] => {
    const prefix = folder === '' || folder.endsWith('/') ? folder : `${folder}/`
    return [...known.keys()].filter((path) => path.startsWith(prefix)).sort()
  }
  return {
    read: (path) => {
      const link = linkOn(path, known)
      return link === undefined ? Promise.resolve(known.get(path)?.bytes) : Promise.reject(refused(path, link))
    },
    list: (folder) => Promise.resolve(below(folder).filter((path) => known.get(path)?.kind !== 'link')),
    entries: (folder) => Promise.resolve(below(folder).map((path) => entryOf(path, known.get(path)!))),
  }
}

function entryOf(path: string, { kind, bytes }: { kind: SiteEntry['kind']; bytes: Buffer }): SiteEntry {
  const identity = gitBlobId(bytes)
  return kind === 'link' ? { path, kind, identity, target: bytes.toString('utf8') } : { path, kind, identity }
}

/** The link that the path is or leads through. */
function linkOn(path: string, known: ReadonlyMap<string, { kind: SiteEntry['kind'] }>): string | undefined {
  const parts = path.split('/')
  const folders = parts.map((_, index) => parts.slice(0, index + 1).join('/'))
  return folders.find((folder) => known.get(folder)?.kind === 'link')
}

function refused(path: string, link: string): LarderError {
  return new LarderError('GIT_FILE_REFUSED', {
    message: link === path ? `${path} is a symbolic link.` : `${path} is reached through the symbolic link ${link}.`,
    hint: 'Put the file itself there: Larder reads plain files of a site only.',
    context: { path },
  })
}

/** As git names content, so that a folder and a commit of the same files are the same. */
export function gitBlobId(bytes: Buffer): string {
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
}
