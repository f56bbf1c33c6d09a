import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LarderError } from '../../core/index.ts'
import { checkObjectId, checkRefName } from './ref-name.ts'
import { runGit } from './run-git.ts'

/** Absolute path of a bare repository. */
export type GitRepository = string

/**
 * The commit that a ref (`refs/heads/main`) or a full object id means, or undefined when there is none.
 * `environment`: the quarantine of a push. GIT_REF_REFUSED, GIT_FAILED.
 */
export async function resolveRef(
  repository: GitRepository,
  ref: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<string | undefined> {
  const checked = ref.startsWith('refs/') ? checkRefName(ref) : checkObjectId(ref)
  const loose = await readBranch(repository, checked)
  if (loose !== undefined) return loose
  const answer = await runGit(['rev-parse', '--verify', '--quiet', '--end-of-options', `${checked}^{commit}`], {
    repository,
    environment,
    expectExitCodes: [0, 1, 128],
  })
  // 128 with words is a damaged or missing repository; without words, or about the object, it is "none".
  if (answer.exitCode === 128 && /not a git repository/i.test(answer.stderr)) {
    throw new LarderError('GIT_FAILED', { message: `${repository} is no git repository.` })
  }
  return answer.exitCode === 0 ? answer.stdout.toString('utf8').trim() : undefined
}

/**
 * The head of a branch whose ref is a file of its own, as it is after every push: what is below refs/heads/ and
 * refs/remotes/ is always a commit, and the file is always replaced as a whole (gitrepository-layout(5)). Anything else
 * is git's to answer, which takes a process.
 */
async function readBranch(repository: GitRepository, ref: string): Promise<string | undefined> {
  if (!/^refs\/(heads|remotes)\//.test(ref)) return undefined
  try {
    const text = await readFile(join(repository, ref), 'utf8')
    return /^([0-9a-f]{40}|[0-9a-f]{64})\n$/.test(text) ? text.trim() : undefined
  } catch {
    // Packed, absent, or no repository: git knows which.
    return undefined
  }
}

/**
 * The commits that refs below refs/heads/ and refs/remotes/ mean; those that are not there are left out. However many
 * there are, it takes one git process at most. GIT_REF_REFUSED, GIT_FAILED.
 */
export async function resolveRefs(repository: GitRepository, refs: readonly string[]): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  if (refs.length <= fewRefs) {
    let packed: Promise<ReadonlyMap<string, string>> | undefined
    for (const ref of refs) {
      // A ref that was not there a moment ago has moved to the list of packed ones, if anywhere.
      const commit =
        (await readBranch(repository, checkRefName(ref))) ?? (await (packed ??= readPackedRefs(repository))).get(ref)
      if (commit !== undefined) found.set(ref, commit)
    }
    return found
  }
  const wanted = new Set(refs.map(checkRefName))
  const options = { repository, maxOutputBytes: 64 * 1024 * 1024 }
  const format = '--format=%(objectname) %(refname)'
  const { stdout } = await runGit(['for-each-ref', format, '--end-of-options', 'refs/heads/', 'refs/remotes/'], options)
  for (const line of stdout.toString('utf8').split('\n')) {
    const space = line.indexOf(' ')
    const ref = line.slice(space + 1)
    if (wanted.has(ref)) found.set(ref, line.slice(0, space))
  }
  return found
}

/** Refs that have no file of their own (gitrepository-layout(5), packed-refs). */
async function readPackedRefs(repository: GitRepository): Promise<ReadonlyMap<string, string>> {
  const text = await readFile(join(repository, 'packed-refs'), 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  })
  const lines = text.matchAll(/^([0-9a-f]{40}|[0-9a-f]{64}) (refs\/.+)$/gm)
  return new Map([...lines].map(([, commit = '', ref = '']) => [ref, commit]))
}

/** Reading so many files is quicker than starting git. */
const fewRefs = 16

/** Branch names with their heads, in order of name. GIT_FAILED. */
export async function listBranches(repository: GitRepository): Promise<{ name: string; commit: string }[]> {
  const { stdout } = await runGit(
    ['for-each-ref', '--format=%(objectname) %(refname:lstrip=2)', '--end-of-options', 'refs/heads/'],
    { repository },
  )
  const lines = stdout.toString('utf8').split('\n')
  return lines
    .filter((line) => line !== '')
    .map((line) => {
      const space = line.indexOf(' ')
      return { commit: line.slice(0, space), name: line.slice(space + 1) }
    })
}

/** Whether `ancestor` is `descendant` or in its history. GIT_REF_REFUSED, GIT_FAILED. */
export async function isAncestor(
  repository: GitRepository,
  ancestor: string,
  descendant: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<boolean> {
  const ids = [checkObjectId(ancestor), checkObjectId(descendant)]
  const { exitCode } = await runGit(['merge-base', '--is-ancestor', '--end-of-options', ...ids], {
    repository,
    environment,
    expectExitCodes: [0, 1],
  })
  return exitCode === 0
}
