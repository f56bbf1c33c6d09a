import { isLarderError, type LarderError } from '../../core/index.ts'
import { parseGithubEvent, type ForgeEvent } from '../../forge/index.ts'
import type { EventStore, StoredEvent } from '../../pipeline/index.ts'
import type { Controller } from '../controller.ts'
import type { ControllerContext } from './context.ts'

export interface DeliveryMethods {
  acceptDelivery: Controller['acceptDelivery']
  /**
   * Settles what waits: what was accepted just now, and after a restart what was accepted before it. Never fails: what
   * cannot be settled, since the forge does not answer, is tried again later.
   */
  settleDeliveries: () => Promise<void>
}

export interface DeliveryOptions {
  events: EventStore
  /** Brings a branch of the forge's repository into the site repository; answers its head. Undefined: none is configured. */
  fetchBranch: ((branch: string) => Promise<string>) | undefined
}

/**
 * Webhooks: kept before they are answered, settled afterwards. A delivery only says that it is time to look; what is
 * planned and applied is what the configured repository holds, never what a payload claims.
 */
export function createDeliveryMethods(context: ControllerContext, options: DeliveryOptions): DeliveryMethods {
  const { log } = context
  let settling: Promise<void> = Promise.resolve()
  let again: NodeJS.Timeout | undefined
  const settleWaiting = async (): Promise<void> => {
    clearTimeout(again)
    try {
      // One that cannot be settled keeps no other from it.
      const outcomes = []
      for (const event of await options.events.waiting()) outcomes.push(await settled(context, options, event))
      if (outcomes.includes(false)) again = setTimeout(settleSoon, settleAgainMs).unref()
    } catch (error) {
      log.error('deliveries wait to be settled', { error })
      again = setTimeout(settleSoon, settleAgainMs).unref()
    }
  }
  const settleDeliveries = (): Promise<void> => (settling = settling.then(settleWaiting))
  const settleSoon = (): void => {
    settleDeliveries().catch(() => undefined)
  }
  return {
    async acceptDelivery(delivery) {
      const result = await options.events.accept(delivery)
      settleSoon()
      return result
    },
    settleDeliveries,
  }
}

/** A forge that did not answer is asked again after so long, and at the next delivery. */
const settleAgainMs = 30_000
/** Then it is given up: what is at the head of main is looked at without any delivery, too. */
const giveUpMs = 24 * 3600_000

async function settled(context: ControllerContext, options: DeliveryOptions, stored: StoredEvent): Promise<boolean> {
  try {
    await settle(context, options, stored)
    return true
  } catch (error) {
    if (!isLarderError(error, 'GIT_FAILED', 'GIT_REF_REFUSED', 'CANCELLED')) throw error
    const isOld = context.clock.now().getTime() - stored.receivedAt.getTime() > giveUpMs
    if (isOld || isHopeless(error)) {
      await options.events.settle(stored.id, { state: 'ignored', reason: error.message })
      return true
    }
    context.log.error('a delivery waits to be settled', { error, delivery: stored.deliveryId })
    return false
  }
}

/** The branch is gone again, or was never one that git allows. */
function isHopeless(error: LarderError): boolean {
  return error.code === 'GIT_REF_REFUSED' || /couldn't find remote ref/.test(String(error.context['stderr']))
}

async function settle(
  context: ControllerContext,
  { events, fetchBranch }: DeliveryOptions,
  stored: StoredEvent,
): Promise<void> {
  const ignore = (reason: string): Promise<void> => events.settle(stored.id, { state: 'ignored', reason })
  const event = parse(stored)
  if (event.kind === 'ignored') return ignore(event.reason)
  if (fetchBranch === undefined) return ignore('no repository of a forge is configured (larder up --repository)')
  const branch = branchOf(event)
  if (branch === undefined) return ignore('pull requests of other repositories are not fetched')
  const head = await fetchBranch(branch)
  const goal = branch === 'main' ? 'apply' : 'plan'
  const latest = await context.runs.latest(branch, goal)
  if (latest?.commit === head) return ignore(`run ${latest.id} is for the same commit`)
  const run = await context.runs.create({
    branch,
    commit: head,
    goal,
    origin: `${stored.forge} delivery ${stored.deliveryId}`,
  })
  await events.settle(stored.id, { state: 'done', runId: run.id })
  context.runner.wake()
}

function parse(stored: StoredEvent): ForgeEvent {
  try {
    return parseGithubEvent(stored.event, stored.body)
  } catch (error) {
    if (isLarderError(error, 'HOOK_MALFORMED')) return { kind: 'ignored', reason: error.message }
    throw error
  }
}

function branchOf(event: Exclude<ForgeEvent, { kind: 'ignored' }>): string | undefined {
  if (event.kind === 'push') return event.branch
  return event.kind === 'pull-request' && event.merged ? event.base : undefined
}
