import { isLarderError } from '../../core/index.ts'
import { fetchRefs, isAncestor, isBranchName, localRef, resolveRef, type PullRequest } from '../../forge/index.ts'
import { branchRef, type HostedForge } from './connected-forge.ts'
import type { NewsContext } from './site-news.ts'

/**
 * Brings main, what is known of pull requests, and their heads up to date. A forge whose API does not answer keeps main
 * from nothing. Answers which were opened again. GIT_FAILED.
 */
export async function pollPullRequests(news: NewsContext, hosted: HostedForge): Promise<ReadonlySet<number>> {
  const open = await listOpen(news, hosted)
  const heads = await headsToFetch(news, hosted, open ?? [])
  const { context, connected } = news
  await fetchRefs(context.repository, connected.remote, [branchRef('main'), ...heads], context.stopping)
  const reopened = new Set<number>()
  if (open === undefined) return reopened
  for (const pull of open) {
    const put = await news.pullRequests?.put({ ...pull, state: 'open' })
    if (put?.isReopened === true) reopened.add(pull.number)
  }
  await closeOthers(news, new Set(open.map(({ number }) => number)))
  return reopened
}

async function listOpen(news: NewsContext, { api }: HostedForge): Promise<PullRequest[] | undefined> {
  try {
    const open = await api.openPullRequests(news.context.stopping)
    return open.filter(({ head, base }) => isBranchName(head) && isBranchName(base))
  } catch (error) {
    if (!isLarderError(error, 'FORGE_UNREACHABLE', 'FORGE_REFUSED')) throw error
    news.context.log.warn('the forge does not say which pull requests are open', { error })
    return undefined
  }
}

async function headsToFetch(
  news: NewsContext,
  { forge }: HostedForge,
  open: readonly PullRequest[],
): Promise<string[]> {
  const heads: string[] = []
  for (const { number, base, headCommit } of open) {
    const ref = forge.pullRequestRef(number)
    if (base !== 'main') continue
    if ((await resolveRef(news.context.repository, localRef(news.connected.remote, ref))) !== headCommit)
      heads.push(ref)
  }
  return heads
}

async function closeOthers(news: NewsContext, open: ReadonlySet<number>): Promise<void> {
  const main = await resolveRef(news.context.repository, localRef(news.connected.remote, branchRef('main')))
  for (const { number, headCommit } of (await news.pullRequests?.open()) ?? []) {
    if (open.has(number)) continue
    const isMerged = main !== undefined && (await isIn(news, headCommit, main))
    await news.pullRequests?.close(number, isMerged ? 'merged' : 'closed')
    await news.onClosed(number)
  }
}

/** A head that was never fetched is in nothing. */
async function isIn({ context }: NewsContext, commit: string, main: string): Promise<boolean> {
  if ((await resolveRef(context.repository, commit)) === undefined) return false
  return isAncestor(context.repository, commit, main)
}
