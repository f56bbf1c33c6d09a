import { isLarderError, plainText } from '../../core/index.ts'
import { isBranchName, type ForgeEvent, type PullRequestEvent } from '../../forge/index.ts'
import type { StoredEvent } from '../../pipeline/index.ts'
import { branchRef, type HostedForge } from './connected-forge.ts'
import { latestOf, settledAs, type DeliveryNews } from './delivery-news.ts'
import type { NewsContext } from './site-news.ts'
import { takeApproval } from './take-approval.ts'

/**
 * A delivery only says that it is time to look, and what is open: what is planned and applied is what the configured
 * repository holds, never what a payload claims. Of pull requests, what is known is brought up to date here.
 * Undefined: it takes a question that the forge does not answer now, so it waits, and keeps nothing else waiting.
 */
export async function takeDelivery(news: NewsContext, stored: StoredEvent): Promise<DeliveryNews | undefined> {
  const taken = await take(news, stored).catch((error: unknown) => {
    if (!isLarderError(error, 'FORGE_UNREACHABLE')) throw error
    news.context.log.warn('a delivery waits for an answer of the forge', { error, delivery: stored.deliveryId })
    return isGivenUp(news, stored) ? settledAs(stored, error.message) : undefined
  })
  if (taken?.reason === undefined) return taken
  return { ...taken, reason: plainText(taken.reason).replaceAll(/\s+/g, ' ') }
}

/** After a day: what is at the head of main is looked at without any delivery, too. */
export function isGivenUp({ context }: NewsContext, { receivedAt }: StoredEvent): boolean {
  return context.clock.now().getTime() - receivedAt.getTime() > giveUpMs
}

const giveUpMs = 24 * 3600_000

async function take(news: NewsContext, stored: StoredEvent): Promise<DeliveryNews> {
  const { hosted } = news.connected
  const ignored = (reason: string): DeliveryNews => settledAs(stored, reason)
  if (hosted?.forge.name !== stored.forge) return ignored(`the site is not at ${stored.forge} (controller.yaml)`)
  const event = await meaningOf(news, hosted, stored)
  if (event.kind === 'ignored') return ignored(event.reason)
  if (stored.repository.toLowerCase() !== hosted.repository.toLowerCase()) {
    return ignored(`the site is in ${hosted.repository}, not in ${stored.repository}`)
  }
  const strange = branchesOf(event).find((branch) => !isBranchName(branch))
  if (strange !== undefined)
    return ignored(`${JSON.stringify(strange.slice(0, 200))} is no branch name that git allows`)
  switch (event.kind) {
    case 'push':
      if (!(await news.appliedBranches()).includes(event.branch))
        return ignored(`only main is applied, and pull requests planned: not ${event.branch}`)
      return {
        stored,
        refs: [branchRef(event.branch)],
        heads: { [branchRef(event.branch)]: event.commit },
        findRun: () => news.context.runs.latest(event.branch, 'apply'),
      }
    case 'pull-request':
      return takePullRequest(news, hosted, stored, event)
    case 'approval':
      return takeApproval(news, hosted, stored, event)
  }
}

/** Whatever stands in a payload: what no repository has need not be looked for. */
function branchesOf(event: ForgeEvent): string[] {
  if (event.kind === 'push') return [event.branch]
  return event.kind === 'pull-request' ? [event.head, event.base] : []
}

async function takePullRequest(
  news: NewsContext,
  { forge }: HostedForge,
  stored: StoredEvent,
  event: PullRequestEvent,
): Promise<DeliveryNews> {
  const { number, action, merged } = event
  const state = action !== 'close' ? 'open' : merged ? 'merged' : 'closed'
  await news.pullRequests?.put({ ...event, state })
  const known = await news.pullRequests?.get(number)
  if (known?.state !== state) return settledAs(stored, 'later news came before it')
  const isApplied = (await news.appliedBranches()).includes(event.base)
  if (state === 'open') {
    const ref = forge.pullRequestRef(number)
    return {
      stored,
      refs: [branchRef(isApplied ? event.base : 'main'), ref],
      heads: { [ref]: event.headCommit },
      reason: isApplied ? 'it waits for a maintainer’s word' : `it is for ${event.base}, not for main`,
      findRun: () => latestOf(news, number),
    }
  }
  await news.onClosed(number)
  const reason = `pull request ${number} is ${state}`
  if (state === 'closed' || !isApplied) return settledAs(stored, reason)
  return { stored, refs: [branchRef(event.base)], reason, findRun: () => news.context.runs.latest(event.base, 'apply') }
}

/** What it was understood as when it came; after a restart it is read again. */
async function meaningOf(news: NewsContext, { forge }: HostedForge, stored: StoredEvent): Promise<ForgeEvent> {
  const known = news.meaningOf(stored)
  if (known !== undefined) return known
  try {
    return forge.parse(stored.event, await news.events.body(stored.id))
  } catch (error) {
    if (isLarderError(error, 'HOOK_MALFORMED')) return { kind: 'ignored', reason: error.message }
    throw error
  }
}
