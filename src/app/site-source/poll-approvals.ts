import { isLarderError } from '../../core/index.ts'
import { readApproval, type PullRequest } from '../../forge/index.ts'
import type { HostedForge } from './connected-forge.ts'
import type { NewsContext } from './site-news.ts'

/** Questions of one look; what is beyond them is heard when its pull request changes again. */
const mostAsked = 50

/**
 * Words that were given for heads of pull requests, where no webhook tells of them: comments that name the commit, by
 * those who may merge. One without a commit is heard by webhook only, since nobody could tell here what was there when it
 * was written. Answers who gave it, by number of the pull request. FORGE_UNREACHABLE.
 */
export async function pollApprovals(
  news: NewsContext,
  hosted: HostedForge,
  changed: readonly PullRequest[],
): Promise<Map<number, string>> {
  const heard = new Map<number, string>()
  for (const pull of changed.slice(0, mostAsked)) {
    try {
      const by = await approverOf(news, hosted, pull)
      if (by !== undefined) heard.set(pull.number, by)
    } catch (error) {
      if (!isLarderError(error, 'FORGE_REFUSED')) throw error
      news.context.log.warn('the forge does not say who approves', { error, pullRequest: pull.number })
    }
  }
  return heard
}

async function approverOf(
  news: NewsContext,
  { api }: HostedForge,
  { number, headCommit }: PullRequest,
): Promise<string | undefined> {
  for (const { by, text } of await api.comments(number, news.context.stopping)) {
    const commit = readApproval(text)?.commit
    if (commit !== undefined && headCommit.startsWith(commit) && (await news.mayApprove(by))) return by
  }
  return undefined
}
