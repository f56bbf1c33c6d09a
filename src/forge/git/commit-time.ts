import { checkObjectId } from './ref-name.ts'
import type { GitRepository } from './repository.ts'
import { runGit } from './run-git.ts'

/** When a commit was made, as its committer's clock had it. GIT_FAILED. */
export async function readCommitTime(repository: GitRepository, commit: string): Promise<Date> {
  const format = '--format=%ct'
  const { stdout } = await runGit(['show', '--no-patch', format, '--end-of-options', checkObjectId(commit)], {
    repository,
  })
  return new Date(Number(stdout.toString('utf8').trim()) * 1000)
}
