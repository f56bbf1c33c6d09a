import { isElsewhere, type PullObject } from '../pull-object.ts'

/**
 * Whether the head is somebody's who need not be allowed to push here. A pull request made by `git push
 * origin HEAD:refs/for/main` (AGit) takes reading rights only, and names this repository as its head's; its head is no
 * branch, but `refs/pull/7/head`. That of a branch which was deleted looks the same, and counts as a stranger's too.
 * Source: Gitea documentation, "Agit setup".
 */
export function isFromFork(pull: Pick<PullObject, 'head' | 'base'>): boolean {
  return isElsewhere(pull) || pull.head.ref.startsWith('refs/')
}
