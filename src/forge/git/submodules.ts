import { basename } from 'node:path'
import { isLarderError, LarderError, type SiteFiles } from '../../core/index.ts'
import type { CommitFiles } from './commit-files.ts'
import { accessTo, type Remote } from './remote-access.ts'
import { isObjectId } from './ref-name.ts'
import { resolveRef, type GitRepository } from './repository.ts'
import { runGit } from './run-git.ts'

export interface SubmoduleOptions {
  repository: GitRepository
  /** Where the site is: addresses of submodules are relative to it, or at the same place. */
  remote: Remote
  /** Opens a commit that came from there. */
  open: (commit: string, from: Remote) => Promise<CommitFiles>
  signal?: AbortSignal | undefined
}

type OpenFiles = SiteFiles & { close(): void }

const mostSubmodules = 50
const deepest = 3

/**
 * Files of a commit with those of its submodules, each below its path. Fetched from beside the site's own repository
 * only: what a commit names may be anywhere. GIT_SUBMODULE_REFUSED; FORGE_UNREACHABLE, which passes.
 */
export async function withSubmodules(files: CommitFiles, options: SubmoduleOptions, depth = 1): Promise<OpenFiles> {
  const { submodules } = files
  if (submodules.size === 0) return files
  if (submodules.size > mostSubmodules || depth > deepest) {
    throw refused('.gitmodules', `more than ${mostSubmodules} of them, or ${deepest} within each other`)
  }
  const urls = await readUrls(files)
  const parts = new Map<string, OpenFiles>()
  for (const [path, commit] of submodules) {
    const url = urls.get(path)
    if (url === undefined) throw refused(path, 'no address of it is in .gitmodules')
    const remote = { ...options.remote, url: resolveUrl(options.remote.url, url, path) }
    await fetchCommit(options, remote, commit)
    parts.set(path, await withSubmodules(await options.open(commit, remote), { ...options, remote }, depth + 1))
  }
  return joined(files, parts)
}

function joined(files: CommitFiles, parts: ReadonlyMap<string, OpenFiles>): OpenFiles {
  return {
    async read(path) {
      for (const [folder, part] of parts) {
        if (path.startsWith(`${folder}/`)) return part.read(path.slice(folder.length + 1))
      }
      return files.read(path)
    },
    async list(folder) {
      const prefix = folder === '' || folder.endsWith('/') ? folder : `${folder}/`
      const own = await files.list('')
      const others = await Promise.all(
        [...parts].map(async ([path, part]) => (await part.list('')).map((name) => `${path}/${name}`)),
      )
      return [...own, ...others.flat()].filter((path) => path.startsWith(prefix)).sort()
    },
    async entries(folder) {
      const prefix = folder === '' || folder.endsWith('/') ? folder : `${folder}/`
      const own = await files.entries('')
      const others = await Promise.all(
        [...parts].map(async ([path, part]) =>
          (await part.entries('')).map((entry) => ({ ...entry, path: `${path}/${entry.path}` })),
        ),
      )
      const below = [...own, ...others.flat()].filter(({ path }) => path.startsWith(prefix))
      return below.sort((left, right) => (left.path < right.path ? -1 : 1))
    },
    close() {
      for (const part of [files, ...parts.values()]) part.close()
    },
  }
}

/** By path, as git itself reads the file. */
async function readUrls(files: SiteFiles): Promise<Map<string, string>> {
  const bytes = await files.read('.gitmodules')
  const { stdout } = await runGit(['config', '--file', '-', '--list', '-z'], { input: bytes ?? '' })
  const values = new Map<string, { path?: string; url?: string }>()
  for (const record of stdout.toString('utf8').split('\0')) {
    const match = /^submodule\.([^\n]*)\.(path|url)\n([^]*)$/.exec(record)
    if (match === null) continue
    const [, name = '', key, value] = match
    values.set(name, { ...values.get(name), [key as 'path' | 'url']: value })
  }
  return new Map([...values.values()].flatMap(({ path, url }) => (path && url ? [[path, url] as const] : [])))
}

/** `../other.git`, or an address of the same server. Source: git-submodule(1), "relative". GIT_SUBMODULE_REFUSED. */
function resolveUrl(base: string, url: string, path: string): string {
  if (/^\.\.?\//.test(url)) return relativeUrl(base, url, path)
  const isSame = URL.canParse(url) && URL.canParse(base) && originOf(new URL(url)) === originOf(new URL(base))
  if (isSame && !url.startsWith('file:')) return url
  throw refused(path, 'its address is not beside the repository of the site')
}

function originOf({ protocol, host }: URL): string {
  return `${protocol}//${host}`
}

/** Never above the server, or for files above the folder that the site's own repository is in. */
function relativeUrl(base: string, url: string, path: string): string {
  const isPath = base.startsWith('/')
  const parsed = new URL(isPath ? `file://${base}` : base)
  const parts = parsed.pathname.replace(/\/+$/, '').split('/')
  const isFile = parsed.protocol === 'file:'
  const lowest = isFile ? parts.length - 1 : 1
  for (const part of url.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '.' && part !== '') parts.push(part)
    if (parts.length < lowest) throw refused(path, 'its address leads out of where the site is')
  }
  parsed.pathname = parts.join('/')
  return isPath ? decodeURIComponent(parsed.pathname) : parsed.href
}

/** By its id where the server allows that, or with all branches. */
async function fetchCommit({ repository, signal }: SubmoduleOptions, remote: Remote, commit: string): Promise<void> {
  if (!isObjectId(commit) || (await resolveRef(repository, commit)) !== undefined) return
  const { address, environment } = await accessTo(remote)
  const keep = `refs/submodules/${commit}`
  const common = ['--no-tags', '--no-recurse-submodules', '--no-write-fetch-head']
  const options = { repository, environment, timeoutMs: 600_000, ...(signal ? { signal } : {}) }
  const direct = [...common, '--depth=1', '--end-of-options', address, `+${commit}:${keep}`]
  const { exitCode } = await runGit(['fetch', ...direct], { ...options, expectExitCodes: [0, 1, 128] })
  if (exitCode === 0) return
  const all = [...common, '--end-of-options', address, `+refs/heads/*:${keep}/*`]
  await runGit(['fetch', ...all], options).catch((error: unknown) => {
    throw notFetched(remote, error)
  })
  if ((await resolveRef(repository, commit)) === undefined) {
    throw refused(commit.slice(0, 12), 'no branch of its repository has the commit')
  }
}

/** A server that is away comes back; a repository that is not there, or not for us, does not. */
function notFetched({ url }: Remote, error: unknown): unknown {
  if (!isLarderError(error, 'GIT_FAILED')) return error
  const { stderr: complaint } = error.context
  const name = JSON.stringify(basename(url))
  if (
    /not found|does not exist|does not appear to be a git|Authentication failed|could not read/i.test(String(complaint))
  )
    return refused(name, error.message)
  return new LarderError('FORGE_UNREACHABLE', {
    message: `The submodule ${name} cannot be fetched: ${error.message}`,
    cause: error,
  })
}

function refused(what: string, why: string): LarderError {
  return new LarderError('GIT_SUBMODULE_REFUSED', {
    message: `The submodule ${what} cannot be read: ${why}.`,
    hint: 'Submodules are read from beside the repository of the site: give them a relative address (../other.git).',
  })
}
