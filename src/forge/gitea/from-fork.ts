/** One side of a pull request, in payloads and in the API alike. */
export interface PullSide {
  ref: string
  repo?: { full_name: string } | null | undefined
}

/**
 * Whether the head is somebody's who need not be allowed to push here. A pull request made by `git push
 * origin HEAD:refs/for/main` (AGit) takes reading rights only, and names this repository as its head's; its head is no
 * branch, but `refs/pull/7/head`. That of a branch which was deleted looks the same, and counts as a stranger's too.
 * Source: Gitea documentation, "Agit setup".
 */
export function isFromFork(head: PullSide, base: PullSide): boolean {
  const owner = head.repo?.full_name
  return owner === undefined || owner !== base.repo?.full_name || head.ref.startsWith('refs/')
}
