import { isLarderError } from '../../core/index.ts'
import { localRef, resolveRef, type ApprovalEvent } from '../../forge/index.ts'
import type { StoredEvent } from '../../pipeline/index.ts'
import type { HostedForge } from './connected-forge.ts'
import { latestOf, settledAs, type DeliveryNews } from './delivery-news.ts'
import type { NewsContext } from './site-news.ts'

/** Somebody's word for what a fork proposes: it counts when they may merge, for the commit that they had before them. */
export async function takeApproval(
  news: NewsContext,
  hosted: HostedForge,
  stored: StoredEvent,
  event: ApprovalEvent,
): Promise<DeliveryNews> {
  const { number, labelled = false } = event
  const known = await news.pullRequests?.get(number)
  if (known?.state !== 'open') return settledAs(stored, `pull request ${number} is not open`)
  // Another label was changed: whoever did that need not have looked at what came since.
  if (labelled && known.isLabelled)
    return settledAs(stored, 'the label was there before: it holds for the commit that it was set at')
  const taken = await approve(news, hosted, stored, event)
  // Last: when Larder is killed before it, the word is heard once more.
  if (labelled) await news.pullRequests?.noteLabel(number)
  return taken
}

async function approve(
  news: NewsContext,
  hosted: HostedForge,
  stored: StoredEvent,
  { number, by, mayApprove, commit }: ApprovalEvent,
): Promise<DeliveryNews> {
  const refusal = await whyRefused(news, by, mayApprove)
  if (refusal !== undefined) return settledAs(stored, refusal)
  const ref = localRef(news.connected.remote, hosted.forge.pullRequestRef(number))
  const head = await resolveRef(news.context.repository, ref)
  const meant =
    commit === undefined ? await lastShown(news, number, head) : head?.startsWith(commit) === true ? head : undefined
  if (meant === undefined) {
    return settledAs(
      stored,
      commit === undefined
        ? `pull request ${number} has no plan yet that anybody could have read: /larder ok COMMIT names what is meant`
        : `${commit} is not the head of pull request ${number}`,
    )
  }
  await news.pullRequests?.approve(number, meant, by)
  return {
    stored,
    refs: [hosted.forge.pullRequestRef(number)],
    reason: `commit ${meant.slice(0, 12)} is approved`,
    findRun: () => latestOf(news, number),
  }
}

/**
 * What a word without a commit is about: the plan that was last shown. What was pushed since, and is being planned, nobody
 * has read. Where pull requests of forks are not planned, their head.
 */
async function lastShown(
  { context, connected }: NewsContext,
  pullRequest: number,
  head: string | undefined,
): Promise<string | undefined> {
  const recent = await context.runs.list({ limit: 20, pullRequest })
  if (recent.length === 0 && !connected.config.forks.plan) return head
  return recent.find(({ state }) => state === 'succeeded' || state === 'failed')?.commit
}

/** The forge knows; where it may not be asked, what it says in its payload counts. Undefined: they may. */
async function whyRefused(news: NewsContext, login: string, claimed: boolean | undefined): Promise<string | undefined> {
  const { tokenFile, app } = news.connected.config
  const mayNot = `${login} may not merge, and so may not approve`
  if (tokenFile === undefined && app === undefined) return claimed === true ? undefined : mayNot
  try {
    return (await news.mayApprove(login)) ? undefined : mayNot
  } catch (error) {
    if (!isLarderError(error, 'FORGE_REFUSED')) throw error
    news.context.log.warn('the forge does not say who may approve', { error })
    return `the forge does not say whether ${login} may approve: ${error.message}`
  }
}
