import { isLarderError, LarderError } from '../../core/index.ts'
import { commitGone } from './commit-gone.ts'
import { missingContents } from './missing-contents.ts'
import { checkObjectId, checkRefName, isObjectId } from './ref-name.ts'
import { accessTo, type Remote } from './remote-access.ts'
import { resolveRef, type GitRepository } from './repository.ts'
import { runGit } from './run-git.ts'

/** Refs of a remote that Larder looks at: its branches, and the heads of pull requests. */
export interface RemoteRef {
  /** `refs/heads/main`, `refs/pull/7/head` */
  ref: string
  commit: string
}

/** A forge keeps the refs of every pull request there ever was. */
const mostListedBytes = 64 * 1024 * 1024

/**
 * Heads of all refs that match the patterns (`refs/heads/*`), without fetching anything.
 * Names that git would not allow are left out: another server may be laxer. GIT_REF_REFUSED, GIT_FAILED, CANCELLED.
 */
export async function listRemoteRefs(
  remote: Pick<Remote, 'url' | 'login'>,
  patterns: readonly string[],
  signal?: AbortSignal,
): Promise<RemoteRef[]> {
  const { address, environment } = await accessTo(remote)
  const { stdout } = await runGit(['ls-remote', '--refs', '--end-of-options', address, ...patterns], {
    environment,
    timeoutMs: 120_000,
    maxOutputBytes: mostListedBytes,
    ...(signal ? { signal } : {}),
  })
  return stdout
    .toString('utf8')
    .split('\n')
    .flatMap((line) => {
      const [commit = '', ref = ''] = line.split('\t')
      return isObjectId(commit) && isAllowed(ref) ? [{ ref, commit }] : []
    })
}

/**
 * Brings refs of a remote into ours, all in one exchange, as `refs/remotes/<name>/…` (`refs/heads/main` becomes
 * `refs/remotes/<name>/heads/main`, `refs/pull/7/head` `refs/remotes/<name>/pull/7/head`). Answers the commits by the
 * remote's names; a ref that is gone is not in the answer. GIT_REF_REFUSED, GIT_FAILED, CANCELLED.
 */
export async function fetchRefs(
  repository: GitRepository,
  remote: Remote,
  refs: readonly string[],
  signal?: AbortSignal,
): Promise<Map<string, string>> {
  const wanted = [...new Set(refs.map(checkRefName))]
  const found = new Map<string, string>()
  if (wanted.length === 0) return found
  const present = (await tryFetch(repository, remote, wanted, signal))
    ? wanted
    : await fetchPresent(repository, remote, wanted, signal)
  for (const ref of present) {
    const commit = await resolveRef(repository, localRef(remote, ref))
    if (commit !== undefined) found.set(ref, commit)
  }
  return found
}

/** One ref that is gone makes the whole fetch fail: then the others are asked for without it. */
async function fetchPresent(
  repository: GitRepository,
  remote: Remote,
  wanted: readonly string[],
  signal?: AbortSignal,
): Promise<string[]> {
  const there = new Set((await listRemoteRefs(remote, wanted, signal)).map(({ ref }) => ref))
  const present = wanted.filter((ref) => there.has(ref))
  if (present.length > 0 && !(await tryFetch(repository, remote, present, signal))) {
    throw new LarderError('GIT_FAILED', { message: 'Refs of the forge went while they were fetched.' })
  }
  return present
}

/** False when one of the refs is not there. */
async function tryFetch(
  repository: GitRepository,
  remote: Remote,
  refs: readonly string[],
  signal?: AbortSignal,
): Promise<boolean> {
  const specs = refs.map((ref) => `+${ref}:${localRef(remote, ref)}`)
  const { address, environment } = await accessTo(remote)
  // A server that cannot leave contents out sends them, and git says so in a warning.
  const filter = remote.isBlobless === true ? ['--filter=blob:none'] : []
  const options = ['--no-tags', '--no-recurse-submodules', '--no-write-fetch-head', ...filter, '--end-of-options']
  const fetching = runGit(['fetch', ...options, address, ...specs], {
    repository,
    environment,
    timeoutMs: 600_000,
    ...(signal ? { signal } : {}),
  })
  return fetching.then(
    () => true,
    (error: unknown) => {
      if (isLarderError(error, 'GIT_FAILED') && /couldn't find remote ref/.test(String(error.context['stderr'])))
        return false
      throw error
    },
  )
}

/** Forgets refs of a remote that are of no more use, so that gc may take what only they have. GIT_REF_REFUSED, GIT_FAILED. */
export async function dropRefs(
  repository: GitRepository,
  remote: Pick<Remote, 'name'>,
  refs: readonly string[],
): Promise<void> {
  if (refs.length === 0) return
  const input = refs.map((ref) => `delete ${localRef(remote, ref)}\n`).join('')
  await runGit(['update-ref', '--stdin'], { repository, input })
}

/** Packs what is referred to and removes what has not been for two weeks. Branches stay files: they are read as such. */
export async function collectObjects(repository: GitRepository, signal?: AbortSignal): Promise<void> {
  const options = { repository, timeoutMs: 3600_000, ...(signal ? { signal } : {}) }
  await runGit(['-c', 'gc.packRefs=false', 'gc', '--quiet', '--prune=2.weeks.ago'], options)
}

/** Where a ref of a remote is kept. GIT_REF_REFUSED. */
export function localRef(remote: Pick<Remote, 'name'>, ref: string): string {
  return checkRefName(`refs/remotes/${remote.name}/${ref.slice('refs/'.length)}`)
}

export type MergeResult =
  /** Object id of the merged tree. */
  | { tree: string }
  /** Paths that both sides changed; none where the two have no history in common. */
  | { conflicts: string[] }

/**
 * What merging a commit into another would make of the files, without touching any branch. `access`: as of openCommit. GIT_REF_REFUSED, GIT_FAILED,
 * GIT_COMMIT_GONE, FORGE_UNREACHABLE.
 * Source: git-merge-tree(1), from git 2.38 on.
 */
export async function mergeTree(
  repository: GitRepository,
  base: string,
  head: string,
  access: Readonly<Record<string, string>> = {},
): Promise<MergeResult> {
  const answer = await runGit(
    ['merge-tree', '--write-tree', '--name-only', '--no-messages', '-z', checkObjectId(base), checkObjectId(head)],
    { repository, environment: access, expectExitCodes: [0, 1, 128, 129] },
  )
  const [tree = '', ...paths] = answer.stdout.toString('utf8').split('\0')
  if (answer.exitCode === 0 && isObjectId(tree)) return { tree }
  if (answer.exitCode === 1) return { conflicts: paths.filter((path) => path !== '') }
  if (/refusing to merge unrelated histories/.test(answer.stderr)) return { conflicts: [] }
  if (/not something we can merge|bad object|not a valid object/i.test(answer.stderr)) throw commitGone([base, head])
  throw (
    missingContents(answer.stderr) ??
    new LarderError('GIT_FAILED', {
      message: `git merge-tree ended with ${answer.exitCode}: ${answer.stderr.split('\n')[0] ?? ''}`,
      hint: 'Previews of merges need git 2.38 or later.',
      context: { stderr: answer.stderr.slice(0, 4000) },
    })
  )
}

function isAllowed(ref: string): boolean {
  try {
    checkRefName(ref)
    return true
  } catch {
    return false
  }
}
