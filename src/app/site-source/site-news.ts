import { setImmediate } from 'node:timers/promises'
import { isLarderError, Mutex } from '../../core/index.ts'
import type { ForgeEvent } from '../../forge/index.ts'
import type { EventStore, PullRequestStore, Run, Settlement, StoredEvent } from '../../pipeline/index.ts'
import type { ControllerContext } from '../controller/context.ts'
import type { ConnectedForge } from './connected-forge.ts'
import { createApprovers } from './approvers.ts'
import { bringRefs } from './bring-refs.ts'
import { DeliveryMeanings } from './delivery-meanings.ts'
import type { DeliveryNews } from './delivery-news.ts'
import { isGivenUp, takeDelivery } from './take-delivery.ts'
import { pollBranches } from './poll-branches.ts'
import { pollPullRequests } from './poll-pull-requests.ts'
import { SettlePace } from './settle-pace.ts'
import { settlementsOf } from './settlements.ts'
import { reconcileRuns, type ReconcileOptions } from './reconcile-runs.ts'

export interface SiteNewsOptions {
  context: Pick<
    ControllerContext,
    'runs' | 'runner' | 'repository' | 'state' | 'clock' | 'log' | 'stopping' | 'pullRequests'
  >
  events: EventStore
  /** Undefined: the built-in Git endpoint is where the site is. */
  connected: ConnectedForge | undefined
  /** Commits of the branches that are applied, main first. */
  appliedHeads: () => Promise<ReadonlyMap<string, string>>
  /** Their names, whether they are there or not. */
  appliedBranches: () => Promise<readonly string[]>
  /** A run was queued. */
  onCreated: (run: Run) => Promise<void>
  /** A pull request was closed, merged or not. */
  onClosed: (pullRequest: number) => Promise<void>
}

/** How news of the site come in: by delivery, by looking, and after a run. One at a time, and all to the same end. */
export interface SiteNews {
  /**
   * Settles what waits: what was accepted just now, and after a restart what was accepted before it. Never fails: what
   * cannot be settled, since the forge does not answer, is tried again later.
   */
  settleDeliveries(): Promise<void>
  /** What a delivery that is about to be kept means, so that it need not be read again. */
  understood(delivery: Pick<StoredEvent, 'repository' | 'deliveryId'>, meaning: ForgeEvent): void
  /** It was kept: settles it, and what else waits; at once where somebody may wait for what comes of it. */
  settleSoon(delivery: Pick<StoredEvent, 'repository' | 'deliveryId'>): void
  /** Lets what is under way come to its end. Larder is to be stopping already. */
  stop(): Promise<void>
  /** Looks at the forge itself. GIT_FAILED, FORGE_UNREACHABLE: the next look is the remedy. */
  poll(): Promise<void>
  /** Queues what is missing by what is known here. `again`: what failed on what may have passed is taken up once more. */
  reconcile(options: { origin: string; again: boolean }): Promise<void>
}

/** Everything that one piece of news is worked with. */
export interface NewsContext extends SiteNewsOptions {
  /** Of the forge that is connected; undefined where there are no pull requests. */
  pullRequests: PullRequestStore | undefined
  connected: ConnectedForge
  /** What a delivery was understood as when it came; undefined when that was before the start, or is forgotten. */
  meaningOf(delivery: StoredEvent): ForgeEvent | undefined
  /** Whether this person may merge. FORGE_UNREACHABLE, FORGE_REFUSED. */
  mayApprove(login: string): Promise<boolean>
}

export function createSiteNews(options: SiteNewsOptions): SiteNews {
  return new OrderedNews(options)
}

/** A forge that did not answer is asked again after so long, and at the next delivery. */
const settleAgainMs = 30_000
const settledAtOnce = 500
/** What nobody waits for is settled with what comes meanwhile; where a round found so many, the next one is later. */
const [unhurriedMs, floodedMs, floodOf] = [250, 1000, 50]
/** Between two of these, what is asked for meanwhile is answered. */
const takenAtOnce = 25

class OrderedNews implements SiteNews {
  readonly #options: SiteNewsOptions
  readonly #turns = new Mutex()
  readonly #pace = new SettlePace()
  readonly #meanings = new DeliveryMeanings()
  #unhurried: NodeJS.Timeout | undefined
  #isFlooded = false
  /** Deliveries that wait for an answer of the forge: they stand before all others. */
  #unanswered = 0
  #again: NodeJS.Timeout | undefined
  #nextSettling: Promise<void> | undefined
  /** Runs that were queued by the piece of news that is being worked on. */
  readonly #created: Run[] = []

  constructor(options: SiteNewsOptions) {
    this.#options = options
  }

  understood(delivery: Pick<StoredEvent, 'repository' | 'deliveryId'>, meaning: ForgeEvent): void {
    this.#meanings.understood(delivery, meaning)
  }

  settleSoon(delivery: Pick<StoredEvent, 'repository' | 'deliveryId'>): void {
    // It never fails.
    const settle = (): void => void this.settleDeliveries().catch(() => undefined)
    if (this.#meanings.isUrgent(delivery)) settle()
    else this.#unhurried ??= setTimeout(settle, this.#isFlooded ? floodedMs : unhurriedMs).unref()
  }

  async stop(): Promise<void> {
    clearTimeout(this.#again)
    clearTimeout(this.#unhurried)
    await this.#turns.run(() => Promise.resolve())
  }

  settleDeliveries(): Promise<void> {
    // One that has not had its turn yet will see what came meanwhile, too.
    this.#nextSettling ??= this.#settleInTurn()
    return this.#nextSettling
  }

  async #settleInTurn(): Promise<void> {
    await this.#keepPace()
    await this.#turns.run(async () => {
      this.#nextSettling = undefined
      clearTimeout(this.#unhurried)
      this.#unhurried = undefined
      this.#isFlooded = false
      if (this.#options.context.stopping.aborted) return
      clearTimeout(this.#again)
      try {
        while (await this.#settleSome());
      } catch (error) {
        this.#options.context.log.error('deliveries wait to be settled', { error })
        this.#settleLater()
      }
    })
  }

  async #keepPace(): Promise<void> {
    const { clock } = this.#options.context
    const waitMs = this.#pace.waitMs(clock.monotonicMs())
    if (waitMs > 0) await clock.sleep(waitMs)
    this.#pace.started(clock.monotonicMs())
  }

  poll(): Promise<void> {
    return this.#turns.run(async () => {
      const { connected } = this.#options
      if (connected === undefined) return this.#reconcile('reconciliation', false)
      const news = this.#newsContext(connected)
      if (connected.hosted === undefined) await pollBranches(news)
      else await pollPullRequests(news, connected.hosted)
      await this.#reconcile('poll', false)
    })
  }

  reconcile({ origin, again }: { origin: string; again: boolean }): Promise<void> {
    return this.#turns.run(() => this.#reconcile(origin, again))
  }

  /** Whether there may be more. */
  async #settleSome(): Promise<boolean> {
    const { events, connected } = this.#options
    const waiting = await events.waiting({ limit: settledAtOnce + this.#unanswered })
    this.#isFlooded ||= waiting.length >= floodOf
    if (waiting.length === 0) return false
    await setImmediate()
    if (connected === undefined) {
      const reason = 'no forge is configured (controller.yaml)'
      await events.settle(waiting.map(({ id }) => ({ id, state: 'ignored', reason })))
      return true
    }
    const settlements = await this.#settle(this.#newsContext(connected), waiting)
    await setImmediate()
    await events.settle(settlements)
    this.#meanings.settled(waiting, waiting.length < settledAtOnce)
    await setImmediate()
    if (settlements.length < waiting.length) this.#settleLater()
    const isThrough = settlements.length > 0 && settlements.length + this.#unanswered === waiting.length
    return isThrough && waiting.length >= settledAtOnce
  }

  /** One exchange with the forge for all of them. Answers those that are settled. */
  async #settle(news: NewsContext, waiting: readonly StoredEvent[]): Promise<Settlement[]> {
    const taken: DeliveryNews[] = []
    let present: ReadonlyMap<string, string> = new Map()
    for (const [index, stored] of waiting.entries()) {
      const one = await takeDelivery(news, stored)
      if (one !== undefined) taken.push(one)
      if (index % takenAtOnce === takenAtOnce - 1) await setImmediate()
    }
    this.#unanswered = waiting.length - taken.length
    const isDone = ({ refs }: DeliveryNews): boolean => refs.length === 0
    try {
      if (taken.some((one) => !isDone(one))) {
        present = await bringRefs(news, taken, () => this.#pace.fetches(news.context.clock.monotonicMs()))
        await setImmediate()
        const [about] = taken.filter((one) => !isDone(one))
        await this.#reconcile(`${about!.stored.forge} delivery ${about!.stored.deliveryId}`, false)
        await setImmediate()
      }
      return await settlementsOf(taken, { present, created: this.#created })
    } catch (error) {
      if (!isLarderError(error, 'GIT_FAILED', 'GIT_REF_REFUSED', 'CANCELLED')) throw error
      news.context.log.error('deliveries wait to be settled', { error })
      return taken
        .filter((one) => isDone(one) || isGivenUp(news, one.stored))
        .map((one) => ({ id: one.stored.id, state: 'ignored', reason: one.reason ?? error.message }))
    }
  }

  async #reconcile(origin: string, again: boolean): Promise<void> {
    const { context, connected, appliedHeads, onCreated } = this.#options
    this.#created.length = 0
    const hosted = connected?.hosted
    const store = context.pullRequests
    const pulls: ReconcileOptions['pulls'] =
      hosted === undefined || store === undefined
        ? undefined
        : { store, hosted, planForks: connected?.config.forks.plan ?? false }
    await reconcileRuns({
      context,
      appliedHeads,
      pulls,
      origin,
      again,
      onCreated: async (run) => {
        this.#created.push(run)
        await onCreated(run)
      },
    })
  }

  #newsContext(connected: ConnectedForge): NewsContext {
    let branches: Promise<readonly string[]> | undefined
    return {
      ...this.#options,
      // It reads files: once for all that is worked on together.
      appliedBranches: () => (branches ??= this.#options.appliedBranches()),
      connected,
      pullRequests: this.#options.context.pullRequests,
      meaningOf: (delivery) => this.#meanings.of(delivery),
      mayApprove: createApprovers(connected.hosted?.api, this.#options.context.stopping),
    }
  }

  #settleLater(): void {
    clearTimeout(this.#again)
    this.#again = setTimeout(() => void this.settleDeliveries().catch(() => undefined), settleAgainMs).unref()
  }
}
