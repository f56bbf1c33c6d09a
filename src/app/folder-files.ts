import { lstat, readdir, readFile, readlink, realpath, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { LarderError, type SiteEntry, type SiteFiles } from '../core/index.ts'
import { gitBlobId } from './sent-files.ts'

const maxFileBytes = 64 * 1024 * 1024

/** A site that is a folder rather than a commit: for `larder check` and `plan` before anything is pushed. NOT_FOUND. */
export async function openFolder(folder: string): Promise<SiteFiles & { close(): void }> {
  const root = await realpath(folder).catch(() => undefined)
  if (root === undefined || !(await stat(root)).isDirectory()) {
    throw new LarderError('NOT_FOUND', {
      message: root === undefined ? `There is no folder ${folder}.` : `${folder} is no folder.`,
      hint: 'Name the folder that holds larder.yaml.',
    })
  }
  return {
    read: (path) => readInside(root, path),
    list: (below) => listInside(root, below),
    entries: (below) => entriesInside(root, below),
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

async function entriesInside(root: string, below: string): Promise<SiteEntry[]> {
  const found = await readdir(join(root, below), { recursive: true, withFileTypes: true }).catch(absent)
  const entries = (found ?? [])
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((path) => !path.startsWith('.git/'))
    .sort()
  return Promise.all(entries.map((path) => entryInside(root, path)))
}

async function entryInside(root: string, path: string): Promise<SiteEntry> {
  const file = join(root, path)
  const { mode, isLink } = await lstat(file).then((found) => ({ mode: found.mode, isLink: found.isSymbolicLink() }))
  if (isLink) {
    const target = await readlink(file)
    return { path, kind: 'link', identity: gitBlobId(Buffer.from(target)), target }
  }
  const kind = (mode & 0o100) === 0 ? 'file' : 'executable'
  return { path, kind, identity: gitBlobId(await readFile(file)) }
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
