import { LarderError } from '../../core/index.ts'
import { isNullId } from './ref-name.ts'
import { isAncestor } from './repository.ts'

export interface RefUpdate {
  /** `refs/heads/main` */
  ref: string
  /** Zeros: the ref is new. */
  before: string
  /** Zeros: the ref is removed. */
  after: string
}

/**
 * What holds for every push, whatever is in it: branches and tags only; the main branch is neither deleted nor
 * rewritten, since what was applied must stay in its history. PUSH_REFUSED.
 */
export async function checkPushRules(
  repository: string,
  mainBranch: string,
  updates: readonly RefUpdate[],
  environment: Readonly<Record<string, string>>,
): Promise<void> {
  for (const { ref, before, after } of updates) {
    if (!ref.startsWith('refs/heads/') && !ref.startsWith('refs/tags/')) {
      throw refused(`${ref} is neither a branch nor a tag.`, 'Push branches (refs/heads/…) and tags (refs/tags/…).')
    }
    if (ref !== `refs/heads/${mainBranch}`) continue
    if (isNullId(after)) throw refused(`${mainBranch} cannot be deleted.`, 'Push a commit that empties it instead.')
    if (!isNullId(before) && !(await isAncestor(repository, before, after, environment))) {
      throw refused(
        `${mainBranch} cannot be rewritten: ${before.slice(0, 12)} is not in the history of ${after.slice(0, 12)}.`,
        `Fetch ${mainBranch}, rebase or merge onto it, and push again; to go back, use git revert.`,
      )
    }
  }
}

function refused(message: string, hint: string): LarderError {
  return new LarderError('PUSH_REFUSED', { message, hint })
}
