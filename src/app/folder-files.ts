import { readdir, readFile, realpath } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { LarderError, type SiteFiles } from '../core/index.ts'

const maxFileBytes = 64 * 1024 * 1024

/** A site that is a folder rather than a commit: for `larder check` and `plan` before anything is pushed. NOT_FOUND. */
export async function openFolder(folder: string): Promise<SiteFiles & { close(): void }> {
  const root = await realpath(folder).catch(() => {
    throw new LarderError('NOT_FOUND', {
      message: `There is no folder ${folder}.`,
      hint: 'Name the folder that holds larder.yaml.',
    })
  })
  return {
    read: (path) => readInside(root, path),
    list: (below) => listInside(root, below),
    close: () => {},
  }
}

async function readInside(root: string, path: string): Promise<Buffer | undefined> {
  const resolved = await realpath(join(root, path)).catch(absent)
  if (resolved === undefined) return undefined
  // As in a commit, where there is nothing to follow a link with.
  if (resolved !== join(root, path)) throw linked(path)
  const bytes = await readFile(resolved).catch(absent)
  if (bytes !== undefined && bytes.length > maxFileBytes) {
    throw new LarderError('SITE_INVALID', { message: `${path} is larger than ${maxFileBytes} bytes.` })
  }
  return bytes
}

async function listInside(root: string, below: string): Promise<string[]> {
  const entries = await readdir(join(root, below), { recursive: true, withFileTypes: true }).catch(absent)
  return (entries ?? [])
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((path) => !path.startsWith('.git/'))
    .sort()
}

function linked(path: string): LarderError {
  return new LarderError('GIT_FILE_REFUSED', {
    message: `${path} is a symbolic link, or is reached through one.`,
    hint: 'Put the file itself there: Larder reads plain files of a site only.',
    context: { path },
  })
}

function absent(error: unknown): undefined {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return undefined
  throw error
}
