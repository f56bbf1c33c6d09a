import { isLarderError, Mutex } from '../../core/index.ts'
import type { ForgeEvent } from '../../forge/index.ts'
import type { EventStore, PullRequestStore, Run, Settlement, StoredEvent } from '../../pipeline/index.ts'
import type { ControllerContext } from '../controller/context.ts'
import type { ConnectedForge } from './connected-forge.ts'
import { bringRefs } from './bring-refs.ts'
import { DeliveryMeanings } from './delivery-meanings.ts'
import { takeDelivery, type DeliveryNews } from './delivery-news.ts'
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
}

export function createSiteNews(options: SiteNewsOptions): SiteNews {
  return new OrderedNews(options)
}

/** A forge that did not answer is asked again after so long, and at the next delivery. */
const settleAgainMs = 30_000
/** Then it is given up: what is at the head of main is looked at without any delivery, too. */
const giveUpMs = 24 * 3600_000
const settledAtOnce = 500
/** What nobody waits for is settled with what comes meanwhile. */
const unhurriedMs = 250

class OrderedNews implements SiteNews {
  readonly #options: SiteNewsOptions
  readonly #turns = new Mutex()
  readonly #pace = new SettlePace()
  readonly #meanings = new DeliveryMeanings()
  #unhurried: NodeJS.Timeout | undefined
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
    else this.#unhurried ??= setTimeout(settle, unhurriedMs).unref()
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
    const waiting = await events.waiting({ limit: settledAtOnce })
    const [first] = waiting
    if (first === undefined) return false
    // What is asked for meanwhile is answered in between.
    await nextTurn()
    if (connected === undefined) {
      const reason = 'no forge is configured (controller.yaml)'
      await events.settle(waiting.map(({ id }) => ({ id, state: 'ignored', reason })))
      return true
    }
    const settlements = await this.#settle(this.#newsContext(connected), waiting)
    await nextTurn()
    await events.settle(settlements)
    this.#meanings.settled(waiting, waiting.length < settledAtOnce)
    await nextTurn()
    if (settlements.length === waiting.length) return waiting.length === settledAtOnce
    this.#settleLater()
    return false
  }

  /** One exchange with the forge for all of them. Answers those that are settled. */
  async #settle(news: NewsContext, waiting: readonly StoredEvent[]): Promise<Settlement[]> {
    const taken: DeliveryNews[] = []
    let present: ReadonlyMap<string, string> = new Map()
    for (const stored of waiting) taken.push(await takeDelivery(news, stored))
    const isDone = ({ refs }: DeliveryNews): boolean => refs.length === 0
    try {
      if (taken.some((one) => !isDone(one))) {
        present = await bringRefs(news, taken)
        const [about] = taken.filter((one) => !isDone(one))
        await this.#reconcile(`${about!.stored.forge} delivery ${about!.stored.deliveryId}`, false)
      }
      return await settlementsOf(taken, { present, created: this.#created })
    } catch (error) {
      if (!isLarderError(error, 'GIT_FAILED', 'GIT_REF_REFUSED', 'CANCELLED')) throw error
      news.context.log.error('deliveries wait to be settled', { error })
      const isOld = ({ stored }: DeliveryNews): boolean =>
        news.context.clock.now().getTime() - stored.receivedAt.getTime() > giveUpMs
      return taken
        .filter((one) => isDone(one) || isOld(one))
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
    return {
      ...this.#options,
      connected,
      pullRequests: this.#options.context.pullRequests,
      meaningOf: (delivery) => this.#meanings.of(delivery),
    }
  }

  #settleLater(): void {
    clearTimeout(this.#again)
    this.#again = setTimeout(() => {
      this.settleDeliveries().catch(() => undefined)
    }, settleAgainMs).unref()
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
