import { isDeepStrictEqual } from 'node:util'
import { LarderError, type SiteFiles } from '../../core/index.ts'
import {
  accessTo,
  listSubmoduleLinks,
  mergeTree,
  type GitRepository,
  type OpenCommit,
  type Remote,
} from '../../forge/index.ts'
import type { Run } from '../../pipeline/index.ts'

/**
 * The files that a run is about: those of its commit; for a pull request, those that merging it into its base would
 * make, so that a plan shows what the merge changes and nothing that main has changed meanwhile. MERGE_CONFLICT;
 * FORK_NEEDS_APPROVAL for submodules that main does not have: what a stranger may not read might be read for them.
 */
export async function openRunFiles(
  run: Pick<Run, 'commit' | 'baseCommit' | 'pullRequest' | 'trust'>,
  options: RunFilesOptions,
): Promise<SiteFiles & { close(): void }> {
  const { repository, remote, openCommit, submodules = true } = options
  if (run.pullRequest === undefined || run.baseCommit === undefined) return openCommit(run.commit)
  const access = remote?.isBlobless === true ? (await accessTo(remote)).environment : {}
  const merged = await mergeTree(repository, run.baseCommit, run.commit, access)
  if ('tree' in merged) {
    if (submodules && run.trust === 'untrusted') await refuseOthers(repository, run.baseCommit, merged.tree)
    return openCommit(merged.tree)
  }
  const { conflicts } = merged
  throw new LarderError('MERGE_CONFLICT', {
    message:
      conflicts.length === 0
        ? `Commit ${run.commit.slice(0, 12)} has no history in common with main.`
        : `It cannot be merged into main: both have changed ${named(conflicts)}.`,
    hint: 'Bring main into the branch (git merge or git rebase), and push.',
    context: { conflicts: conflicts.slice(0, 100) },
  })
}

export interface RunFilesOptions {
  repository: GitRepository
  remote?: Remote | undefined
  openCommit: OpenCommit
  /** Whether submodules are read. Default: true. */
  submodules?: boolean | undefined
}

/** They are fetched with our token. */
async function refuseOthers(repository: GitRepository, base: string, tree: string): Promise<void> {
  const [before, after] = [await listSubmoduleLinks(repository, base), await listSubmoduleLinks(repository, tree)]
  if (isDeepStrictEqual(before, after)) return
  throw new LarderError('FORK_NEEDS_APPROVAL', {
    message: 'This pull request comes from a fork, and its submodules are not as main has them.',
    hint: 'Somebody who may merge looks at the change and comments /larder ok.',
  })
}

function named(paths: readonly string[]): string {
  const shown = paths.slice(0, 5).map((path) => JSON.stringify(path))
  return paths.length > shown.length ? `${shown.join(', ')} and ${paths.length - shown.length} more` : shown.join(', ')
}
