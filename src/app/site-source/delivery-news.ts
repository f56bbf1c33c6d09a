import { isLarderError, plainText } from '../../core/index.ts'
import {
  isBranchName,
  localRef,
  resolveRef,
  type ApprovalEvent,
  type ForgeEvent,
  type PullRequestEvent,
} from '../../forge/index.ts'
import type { Run, StoredEvent } from '../../pipeline/index.ts'
import { branchRef, type HostedForge } from './connected-forge.ts'
import type { NewsContext } from './site-news.ts'

/** What is to be done about a delivery. */
export interface DeliveryNews {
  stored: StoredEvent
  /** Refs of the forge that are to be fetched. None: it is settled, and `reason` says how. */
  refs: string[]
  reason?: string
  /** Where it says that refs are now. Those that are there here already need not be fetched for it. */
  heads?: Readonly<Record<string, string>>
  /** Once everything is reconciled: the run that is about the same thing. */
  findRun: () => Promise<Run | undefined>
}

/**
 * A delivery only says that it is time to look, and what is open: what is planned and applied is what the configured
 * repository holds, never what a payload claims. Of pull requests, what is known is brought up to date here.
 */
export async function takeDelivery(news: NewsContext, stored: StoredEvent): Promise<DeliveryNews> {
  const taken = await take(news, stored)
  return taken.reason === undefined ? taken : { ...taken, reason: plainText(taken.reason).replaceAll(/\s+/g, ' ') }
}

async function take(news: NewsContext, stored: StoredEvent): Promise<DeliveryNews> {
  const { hosted } = news.connected
  const ignored = (reason: string): DeliveryNews => ignoredFor(stored, reason)
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

async function latestOf({ context }: NewsContext, pullRequest: number): Promise<Run | undefined> {
  return (await context.runs.latestOfPullRequests([pullRequest])).get(pullRequest)
}

function ignoredFor(stored: StoredEvent, reason: string): DeliveryNews {
  return { stored, refs: [], reason, findRun: noRun }
}

const noRun = (): Promise<undefined> => Promise.resolve(undefined)

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
  if (known?.state !== state) return { stored, refs: [], reason: 'later news came before it', findRun: noRun }
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
  if (state === 'closed' || !isApplied) return { stored, refs: [], reason, findRun: noRun }
  return { stored, refs: [branchRef(event.base)], reason, findRun: () => news.context.runs.latest(event.base, 'apply') }
}

async function takeApproval(
  news: NewsContext,
  hosted: HostedForge,
  stored: StoredEvent,
  event: ApprovalEvent,
): Promise<DeliveryNews> {
  const { number, labelled = false } = event
  const known = await news.pullRequests?.get(number)
  if (known?.state !== 'open') return ignoredFor(stored, `pull request ${number} is not open`)
  // Another label was changed: whoever did that need not have looked at what came since.
  if (labelled && known.isLabelled)
    return ignoredFor(stored, 'the label was there before: it holds for the commit that it was set at')
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
  if (!(await isAllowed(news, hosted, by, mayApprove)))
    return ignoredFor(stored, `${by} may not merge, and so may not approve`)
  // Without a commit, the word is about what was last shown: a push that came in between is not covered.
  const shown = (await latestOf(news, number))?.commit
  const ref = localRef(news.connected.remote, hosted.forge.pullRequestRef(number))
  const head = await resolveRef(news.context.repository, ref)
  const meant = commit === undefined ? (shown ?? head) : head?.startsWith(commit) === true ? head : undefined
  if (meant === undefined) return ignoredFor(stored, `${commit ?? 'nothing'} is not the head of pull request ${number}`)
  await news.pullRequests?.approve(number, meant, by)
  return {
    stored,
    refs: [hosted.forge.pullRequestRef(number)],
    reason: `commit ${meant.slice(0, 12)} is approved`,
    findRun: () => latestOf(news, number),
  }
}

/** The forge knows; where it may not be asked, what it says in its payload counts. */
async function isAllowed(
  news: NewsContext,
  { api }: HostedForge,
  login: string,
  claimed: boolean | undefined,
): Promise<boolean> {
  const { tokenFile, app } = news.connected.config
  if (tokenFile === undefined && app === undefined) return claimed === true
  return api.mayApprove(login, news.context.stopping)
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
