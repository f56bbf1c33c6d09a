import { LarderError, type SiteEntry, type SiteFiles } from '../../core/index.ts'
import { ObjectReader } from './object-reader.ts'
import { quarantineOf } from './git-environment.ts'
import { checkObjectId } from './ref-name.ts'
import { commitGone } from './commit-gone.ts'
import { runGit } from './run-git.ts'

export interface CommitFiles extends SiteFiles, Disposable {
  /** Commits of other repositories, by the path at which the tree has them. */
  readonly submodules: ReadonlyMap<string, string>
  /** Ends the git process behind it now rather than 2 s after the last read. */
  close(): void
}

export interface CommitOptions {
  /** Largest file that is read. Default 16 MiB. */
  fileBytes?: number
  /** Largest number of files in the commit. Default 100,000. */
  files?: number
  /**
   * How contents that a blobless fetch left out are reached, in the environment of git (remote-access.ts). Undefined:
   * all of them are here.
   */
  access?: Readonly<Record<string, string>> | undefined
}

type CommitLimits = Required<Omit<CommitOptions, 'access'>> & Pick<CommitOptions, 'access'>

interface TreeFile {
  mode: string
  objectId: string
  sizeBytes: number
}

/**
 * The files of one commit. Symbolic links are never followed: reading one, or through one, is GIT_FILE_REFUSED, as
 * is a file over the limit. `environment`: the quarantine of a push, whose commit is not
 * accepted yet. GIT_REF_REFUSED, GIT_FAILED.
 */
export async function openCommit(
  repository: string,
  commitId: string,
  environment: Readonly<Record<string, string>> = {},
  options: CommitOptions = {},
): Promise<CommitFiles> {
  const limits: CommitLimits = { fileBytes: 16 * 1024 * 1024, files: 100_000, ...options }
  const quarantine = { ...quarantineOf(environment), ...options.access }
  const { files, submodules } = await readTree(repository, commitId, quarantine, limits)
  const paths = [...files.keys()].filter((path) => files.get(path)!.mode !== symlinkMode).sort()
  const reader = new ObjectReader(repository, quarantine)
  return {
    submodules,
    read: async (path) => {
      const file = files.get(path)
      const link = linkOn(files, path)
      if (link !== undefined) {
        throw refused(path, link === path ? 'is a symbolic link' : `is reached through the symbolic link ${link}`)
      }
      if (file === undefined) return undefined
      if (file.sizeBytes > limits.fileBytes) throw refused(path, `is larger than ${limits.fileBytes} bytes`)
      const bytes = await reader.read(file.objectId)
      if (bytes.length > limits.fileBytes) throw refused(path, `is larger than ${limits.fileBytes} bytes`)
      return bytes
    },
    list: (folder) => {
      const prefix = folder === '' || folder.endsWith('/') ? folder : `${folder}/`
      return Promise.resolve(paths.filter((path) => path.startsWith(prefix)))
    },
    entries: async (folder) => {
      const prefix = folder === '' || folder.endsWith('/') ? folder : `${folder}/`
      const below = [...files].filter(([path]) => path.startsWith(prefix)).sort(([a], [b]) => (a < b ? -1 : 1))
      return Promise.all(below.map(([path, file]) => entryOf(path, file, reader)))
    },
    close: () => reader.close(),
    [Symbol.dispose]: () => reader.close(),
  }
}

async function entryOf(path: string, { mode, objectId }: TreeFile, reader: ObjectReader): Promise<SiteEntry> {
  const entry = { path, identity: objectId }
  if (mode !== symlinkMode) return { ...entry, kind: mode === executableMode ? 'executable' : 'file' }
  return { ...entry, kind: 'link', target: (await reader.read(objectId)).toString('utf8') }
}

const symlinkMode = '120000'
const executableMode = '100755'
const submoduleMode = '160000'

async function readTree(
  repository: string,
  commitId: string,
  environment: Record<string, string>,
  limits: CommitLimits,
): Promise<{ files: Map<string, TreeFile>; submodules: Map<string, string> }> {
  // To know a size, git would fetch the contents that were left out.
  const isLazy = limits.access !== undefined
  const { stdout, stderr, exitCode } = await runGit(
    ['ls-tree', '-r', ...(isLazy ? [] : ['-l']), '-z', '--full-tree', '--end-of-options', checkObjectId(commitId)],
    { repository, environment, maxOutputBytes: limits.files * 1024, expectExitCodes: [0, 128] },
  )
  if (exitCode !== 0) throw notRead(commitId, stderr)
  const files = new Map<string, TreeFile>()
  const submodules = new Map<string, string>()
  // `<mode> SP <type> SP <id> SP+ <size> TAB <path> NUL`: git-ls-tree(1), OUTPUT FORMAT.
  for (const record of stdout.toString('utf8').split('\0')) {
    const tab = record.indexOf('\t')
    if (tab < 0) continue
    const [mode = '', , objectId = '', size = '0'] = record.slice(0, tab).split(/ +/)
    const path = record.slice(tab + 1)
    if (mode === submoduleMode) submodules.set(path, objectId)
    else files.set(path, { mode, objectId, sizeBytes: Number(size) })
  }
  if (files.size > limits.files) {
    throw new LarderError('GIT_FILE_REFUSED', {
      message: `Commit ${commitId.slice(0, 12)} has ${files.size} files; a site repository may have ${limits.files}.`,
    })
  }
  return { files, submodules }
}

function notRead(commitId: string, complaint: string): LarderError {
  if (/not a valid object|not a tree object|bad object/i.test(complaint)) return commitGone([commitId])
  return new LarderError('GIT_FAILED', {
    message: `git ls-tree failed: ${complaint.split('\n')[0] ?? ''}`,
    context: { stderr: complaint.slice(0, 4000) },
  })
}

/** The symbolic link that the path is or leads through. */
function linkOn(files: Map<string, TreeFile>, path: string): string | undefined {
  for (let end = path.indexOf('/'); end >= 0; end = path.indexOf('/', end + 1)) {
    if (files.get(path.slice(0, end))?.mode === symlinkMode) return path.slice(0, end)
  }
  return files.get(path)?.mode === symlinkMode ? path : undefined
}

function refused(path: string, why: string): LarderError {
  return new LarderError('GIT_FILE_REFUSED', {
    message: `${path} ${why}.`,
    hint: 'Commit the file itself: Larder reads plain files of the site repository only.',
    context: { path },
  })
}
