import { LarderError } from '../../core/index.ts'

/** A force push takes commits away, and gc what is left of them. */
export function commitGone(commits: readonly string[]): LarderError {
  return new LarderError('GIT_COMMIT_GONE', {
    message: `The repository does not have commit ${commits.map((commit) => commit.slice(0, 12)).join(' or ')} any more.`,
    hint: 'The branch was probably pushed anew: its new head has a run of its own.',
  })
}
