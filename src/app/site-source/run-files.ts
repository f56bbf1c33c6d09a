import { LarderError, type SiteFiles } from '../../core/index.ts'
import { accessTo, mergeTree, type GitRepository, type OpenCommit, type Remote } from '../../forge/index.ts'
import type { Run } from '../../pipeline/index.ts'

/**
 * The files that a run is about: those of its commit; for a pull request, those that merging it into its base would
 * make, so that a plan shows what the merge changes and nothing that main has changed meanwhile. MERGE_CONFLICT.
 */
export async function openRunFiles(
  run: Pick<Run, 'commit' | 'baseCommit' | 'pullRequest'>,
  {
    repository,
    remote,
    openCommit,
  }: { repository: GitRepository; remote?: Remote | undefined; openCommit: OpenCommit },
): Promise<SiteFiles & { close(): void }> {
  if (run.pullRequest === undefined || run.baseCommit === undefined) return openCommit(run.commit)
  const access = remote?.isBlobless === true ? (await accessTo(remote)).environment : {}
  const merged = await mergeTree(repository, run.baseCommit, run.commit, access)
  if ('tree' in merged) return openCommit(merged.tree)
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

function named(paths: readonly string[]): string {
  const shown = paths.slice(0, 5).map((path) => JSON.stringify(path))
  return paths.length > shown.length ? `${shown.join(', ')} and ${paths.length - shown.length} more` : shown.join(', ')
}
