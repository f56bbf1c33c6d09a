import { isLarderError } from '../../core/index.ts'
import {
  fetchRefs,
  isAncestor,
  isBranchName,
  localRef,
  resolveRef,
  resolveRefs,
  type PullRequest,
} from '../../forge/index.ts'
import type { KnownPullRequest } from '../../pipeline/index.ts'
import { branchRef, type HostedForge } from './connected-forge.ts'
import { pollApprovals } from './poll-approvals.ts'
import type { NewsContext } from './site-news.ts'

/**
 * Brings main, what is known of pull requests, and their heads up to date. A forge whose API does not answer keeps main
 * from nothing. GIT_FAILED.
 */
export async function pollPullRequests(news: NewsContext, hosted: HostedForge): Promise<void> {
  const open = await listOpen(news, hosted)
  const applied = await news.appliedBranches()
  const heads = await headsToFetch(
    news,
    hosted,
    (open ?? []).filter(({ base }) => applied.includes(base)),
  )
  const { context, connected } = news
  await fetchRefs(context.repository, connected.remote, [...applied.map(branchRef), ...heads], context.stopping)
  if (open === undefined) return
  const known = new Map((await news.pullRequests?.open())?.map((pull) => [pull.number, pull]))
  const changed = open.filter((pull) => !isSame(pull, known.get(pull.number)))
  const isUnheard = ({ number, fromFork, headCommit }: PullRequest): boolean =>
    fromFork && known.get(number)?.approvedCommit !== headCommit
  // First: what is written down as known is not looked at again.
  const heard = await hearApprovals(news, hosted, changed.filter(isUnheard))
  if (heard === undefined) return
  for (const pull of changed) {
    const by = heard.get(pull.number)
    await news.pullRequests?.put({ ...pull, state: 'open', ...(by === undefined ? {} : { headApprovedBy: by }) })
  }
  await closeOthers(news, new Set(open.map(({ number }) => number)))
}

/** Most have not changed since the last look. */
function isSame(pull: PullRequest, known: KnownPullRequest | undefined): boolean {
  if (known === undefined || known.updatedAt.getTime() !== pull.updatedAt.getTime()) return false
  const { title, author, head, headCommit, base, fromFork } = known
  const same = { title, author, head, headCommit, base, fromFork }
  return Object.entries(same).every(([name, value]) => pull[name as keyof typeof same] === value)
}

/** Undefined: the next look is the remedy. */
function hearApprovals(
  news: NewsContext,
  hosted: HostedForge,
  pulls: readonly PullRequest[],
): Promise<Map<number, string> | undefined> {
  return pollApprovals(news, hosted, pulls).catch((error: unknown) => {
    if (!isLarderError(error, 'FORGE_UNREACHABLE')) throw error
    news.context.log.warn('the forge does not say who approves', { error })
    return undefined
  })
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
  wanted: readonly PullRequest[],
): Promise<string[]> {
  const refOf = ({ number }: PullRequest): string => localRef(news.connected.remote, forge.pullRequestRef(number))
  const here = await resolveRefs(news.context.repository, wanted.map(refOf))
  return wanted
    .filter((pull) => here.get(refOf(pull)) !== pull.headCommit)
    .map(({ number }) => forge.pullRequestRef(number))
}

async function closeOthers(news: NewsContext, open: ReadonlySet<number>): Promise<void> {
  const heads = await news.appliedHeads()
  for (const { number, headCommit, base } of (await news.pullRequests?.open()) ?? []) {
    if (open.has(number)) continue
    const into = heads.get(base) ?? heads.get('main')
    const isMerged = into !== undefined && (await isIn(news, headCommit, into))
    await news.pullRequests?.close(number, isMerged ? 'merged' : 'closed')
    await news.onClosed(number)
  }
}

/** A head that was never fetched is in nothing. */
async function isIn({ context }: NewsContext, commit: string, branch: string): Promise<boolean> {
  if ((await resolveRef(context.repository, commit)) === undefined) return false
  return isAncestor(context.repository, commit, branch)
}
