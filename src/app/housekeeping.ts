import { isLarderError, type Clock } from '../core/index.ts'
import { networkOf } from '../fleet/index.ts'
import { collectObjects, dropSubmoduleRefs } from '../forge/index.ts'
import { resign, validForMsOf } from '../mirror/index.ts'
import type { Cache } from '../state/index.ts'
import type { EventStore } from '../pipeline/index.ts'
import { collectGarbage, type CollectionResult } from '../store/index.ts'
import type { Announcements } from './announcements.ts'
import { declaredMirror, type ControllerContext } from './controller/context.ts'
import { requestSync } from './controller/runs.ts'
import type { SiteNews } from './site-source/site-news.ts'

export interface HousekeepingOptions {
  context: ControllerContext
  cache: Cache
  events: Pick<EventStore, 'tidy'>
  news: Pick<SiteNews, 'poll' | 'reconcile'>
  announcements: Pick<Announcements, 'look' | 'tidy'>
  /** How often the forge is looked at. 0: never, but for webhooks and the round at the start. */
  pollEveryMs: number
}

/** What goes on by itself: re-signing, retention, gc, and noticing commits that no event told of. */
export interface Housekeeping {
  /** Starts the timers, after one round of what cannot wait. */
  start(options: { syncEveryMs?: number }): Promise<void>
  /** Compares the head of main with what was applied: covers lost webhooks, and pushes cut off by a crash. */
  reconcile: () => Promise<void>
  /** Signs again what half of its validity is over for. */
  reseal: () => Promise<void>
  /** Forgets what retention no longer keeps, then removes every blob that nothing refers to. */
  collect(signal: AbortSignal): Promise<CollectionResult>
  /** Since the start of this process. */
  collections(): { count: number; failed: number; removed: number; freedBytes: number; seconds: number }
  /** Looks after something now and then, besides. */
  keepFresh(name: string, look: () => Promise<void>): void
  stop(): Promise<void>
}

const minuteMs = 60_000
const keepRuns = 1000
/** Of each image, besides those that are published. */
const keepBuilds = 200
/** What was remembered of an upstream guards against replays: longer than anybody leaves one out. */
const keepUpstreamsMs = 365 * 24 * 3600_000
/** Of those that are over: forges send nothing about them any more. */
const keepPullRequestsMs = 90 * 24 * 3600_000
const keepPiecesMs = 30 * 24 * 3600_000

export function createHousekeeping(options: HousekeepingOptions): Housekeeping {
  const { context } = options
  const timers: NodeJS.Timeout[] = []
  const stopping = new AbortController()
  const gc = tallyCollections(context.clock, (signal) => collect(options, signal))
  let busy: Promise<void> = Promise.resolve()
  const inTurn = (name: string, work: () => Promise<unknown>): Promise<void> => {
    busy = busy
      .then(async () => {
        if (!stopping.signal.aborted) await work()
      })
      .catch((error: unknown) => {
        if (!stopping.signal.aborted) context.log.error(`${name} failed`, { error })
      })
    return busy
  }
  const every = (intervalMs: number, name: string, work: () => Promise<unknown>): void => {
    const tick = ticking((begin) => inTurn(name, begin), work)
    timers.push(setInterval(tick, intervalMs).unref())
  }
  return {
    reconcile: () => reconcile(options),
    reseal: () => reseal(context),
    collect: (signal) => gc.run(signal),
    collections: () => gc.tally(),
    async start({ syncEveryMs }) {
      await inTurn('reconciling', () => reconcile(options))
      await inTurn('signing again', () => reseal(context))
      every(5 * minuteMs, 'reconciling', () => reconcile(options))
      if (options.pollEveryMs > 0) every(options.pollEveryMs, 'polling', () => options.news.poll())
      every(minuteMs, 'telling of publications', () => options.announcements.look())
      every(10 * minuteMs, 'signing again', () => reseal(context))
      every(10_000, 'the network', () => context.fleet.network.tend())
      every(10 * minuteMs, 'previews', () => context.previews.expire(context.previewQuota))
      every(24 * 60 * minuteMs, 'gc of Git', async () => {
        await dropSubmoduleRefs(context.repository)
        await collectObjects(context.repository, stopping.signal)
      })
      every(6 * 60 * minuteMs, 'gc', () => gc.run(stopping.signal))
      if (syncEveryMs !== undefined) every(syncEveryMs, 'sync', () => syncHead(context))
    },
    keepFresh: (name, look) => {
      every(60 * minuteMs, name, look)
    },
    async stop() {
      stopping.abort()
      for (const timer of timers) clearInterval(timer)
      await busy
    },
  }
}

/** A tick that does nothing while the last one waits for its turn, behind something that takes long. */
function ticking(inTurn: (work: () => Promise<unknown>) => Promise<void>, work: () => Promise<unknown>): () => void {
  let isDue = false
  const begin = (): Promise<unknown> => {
    isDue = false
    return work()
  }
  return () => {
    if (isDue) return
    isDue = true
    inTurn(begin).catch(() => undefined)
  }
}

function tallyCollections(clock: Clock, collectOnce: (signal: AbortSignal) => Promise<CollectionResult>) {
  let tally = { count: 0, failed: 0, removed: 0, freedBytes: 0, seconds: 0 }
  return {
    tally: () => tally,
    async run(signal: AbortSignal): Promise<CollectionResult> {
      const begunAtMs = clock.monotonicMs()
      try {
        const result = await collectOnce(signal)
        tally = {
          ...tally,
          count: tally.count + 1,
          removed: tally.removed + result.removed,
          freedBytes: tally.freedBytes + result.freedBytes,
          seconds: tally.seconds + (clock.monotonicMs() - begunAtMs) / 1000,
        }
        return result
      } catch (error) {
        tally = { ...tally, failed: tally.failed + 1 }
        throw error
      }
    },
  }
}

async function syncHead(context: ControllerContext): Promise<void> {
  const head = await context.siteHead.current()
  if (head !== undefined) await requestSync(context, head.commit)
}

/** A look at the forge that fails keeps nothing that is known from being done. */
async function reconcile({ context, news }: HousekeepingOptions): Promise<void> {
  try {
    await news.poll()
  } catch (error) {
    if (!isLarderError(error)) throw error
    context.log.error('the forge could not be looked at', { error })
  }
  await news.reconcile({ origin: 'reconciliation', again: true })
}

/** Of what the site declares, the newest versions stay; then the registry forgets what nothing refers to. */
async function tidyImages(
  { images, registry, registryCache, siteHead }: ControllerContext,
  signal: AbortSignal,
): Promise<void> {
  const declared = (await siteHead.current())?.site.sections['images'] as { keep: { versions: number } } | undefined
  if (declared !== undefined) await images.forgetVersions(declared.keep.versions)
  await images.builds.prune(keepBuilds)
  await images.pruneCaches(signal)
  await registryCache.expire()
  await registry.tidy(signal)
}

/** What keeps it from being done passes, an engine that is away say: no reason for blobs to stay. */
async function tidyMachines({ fleet, siteHead, log }: ControllerContext, signal: AbortSignal): Promise<void> {
  const site = (await siteHead.current())?.site
  if (site === undefined) return
  const network = networkOf({ site: site.sections, siteName: site.name })
  const networks = network?.subnets.map(({ name }) => name) ?? []
  try {
    await fleet.tidy({ site: site.name, networks }, signal)
  } catch (error) {
    if (!isLarderError(error) || signal.aborted) throw error
    log.error('what machines have left could not be removed', { error })
  }
}

async function reseal(context: ControllerContext): Promise<void> {
  const { publisher, signingKey, clock, log, formats } = context
  for (const { mirror } of await publisher.needsResealing(clock.now())) {
    const declared = await declaredMirror(context, mirror)
    const validForMs = declared === undefined ? undefined : validForMsOf(declared)
    try {
      await resign({ mirror, formats, publisher, signingKey, validForMs })
      log.info('signed again before it expires', { mirror })
    } catch (error) {
      // The key of one mirror may be lost: that must not let the others expire.
      if (!isLarderError(error)) throw error
      log.error('could not be signed again before it expires', { mirror, error })
    }
  }
}

async function collect(
  { context, cache, events, announcements }: HousekeepingOptions,
  signal: AbortSignal,
): Promise<CollectionResult> {
  const { publisher, runs, store, leases, clock, formats } = context
  // Without the site, a mirror that is to keep a hundred snapshots would be taken for one that says nothing.
  const isKnown = (await context.siteHead.current()) !== undefined
  for (const mirror of isKnown ? await publisher.mirrorsWithSnapshots() : []) {
    const keep = (await declaredMirror(context, mirror))?.keep
    await publisher.prune({ mirror, keepSnapshots: keep?.snapshots, keepGenerations: keep?.generations })
  }
  await context.previews.expire(context.previewQuota)
  await runs.prune(keepRuns)
  await announcements.tidy()
  await events.tidy()
  await context.pullRequests?.prune(new Date(clock.now().getTime() - keepPullRequestsMs))
  await cache.prune('pieces', keepPiecesMs)
  await cache.prune('apt upstream', keepUpstreamsMs)
  await cache.prune('rpm upstream', keepUpstreamsMs)
  await cache.prune('rpm verified', keepPiecesMs)
  await cache.prune('rpm agreed', keepPiecesMs)
  for (const format of formats) await format.tidy()
  await tidyImages(context, signal)
  await tidyMachines(context, signal)
  const roots = async function* () {
    yield* publisher.roots()
    yield* cache.roots()
    yield* context.registry.roots()
  }
  return collectGarbage({ store, leases, clock, roots, signal })
}
