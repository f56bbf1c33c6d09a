import { republish, validForMsOf } from '../mirror/index.ts'
import type { Cache } from '../state/index.ts'
import { collectGarbage, type CollectionResult } from '../store/index.ts'
import { declaredMirror, type ControllerContext } from './controller/context.ts'
import { formatOf } from './controller/mirrors.ts'
import type { Controller } from './controller.ts'

export interface HousekeepingOptions {
  context: ControllerContext
  cache: Cache
  mainCommit(): Promise<string | undefined>
  /** Asks the forge for the head of main. Undefined: the built-in repository is the only one. */
  fetchMain: (() => Promise<string>) | undefined
}

/** What goes on by itself: re-signing, retention, gc, and noticing commits that no event told of. */
export interface Housekeeping extends Pick<Controller, 'health'> {
  /** Starts the timers, after one round of each. */
  start(options: { syncEveryMs?: number }): Promise<void>
  /** Compares the head of main with what was applied: covers lost webhooks and pushes cut off by a crash. */
  reconcile(): Promise<void>
  /** Signs again what would expire. Answers the mirrors. */
  reseal(): Promise<string[]>
  /** Forgets what retention no longer keeps, then removes every blob that nothing refers to. */
  collect(signal: AbortSignal): Promise<CollectionResult>
  stop(): Promise<void>
}

const minuteMs = 60_000
const keepRuns = 1000
const keepCacheMs = 30 * 24 * 3600_000

export function createHousekeeping(options: HousekeepingOptions): Housekeeping {
  const { context } = options
  const timers: NodeJS.Timeout[] = []
  const stopping = new AbortController()
  let busy: Promise<unknown> = Promise.resolve()
  const guarded = (name: string, work: () => Promise<unknown>): Promise<unknown> => {
    busy = busy.then(work).catch((error: unknown) => {
      if (!stopping.signal.aborted) context.log.error(`${name} failed`, { error })
    })
    return busy
  }
  const every = (intervalMs: number, name: string, work: () => Promise<unknown>): void => {
    timers.push(setInterval(() => void guarded(name, work), intervalMs).unref())
  }
  const self: Housekeeping = {
    health: () => health(context),
    reconcile: () => reconcile(options),
    reseal: () => reseal(context),
    collect: (signal) => collect(options, signal),
    async start({ syncEveryMs }) {
      await guarded('reconciling', self.reconcile)
      await guarded('re-signing', self.reseal)
      every(5 * minuteMs, 'reconciling', self.reconcile)
      every(10 * minuteMs, 're-signing', self.reseal)
      every(6 * 60 * minuteMs, 'gc', () => self.collect(stopping.signal))
      if (syncEveryMs !== undefined) every(syncEveryMs, 'sync', () => syncHead(context))
    },
    async stop() {
      stopping.abort()
      for (const timer of timers) clearInterval(timer)
      await busy
    },
  }
  return self
}

async function syncHead({ siteHead, runs, runner }: ControllerContext): Promise<void> {
  const head = await siteHead.current()
  if (head === undefined) return
  await runs.create({ branch: 'main', commit: head.commit, goal: 'apply', origin: 'sync' })
  runner.wake()
}

async function reconcile({ context, mainCommit, fetchMain }: HousekeepingOptions): Promise<void> {
  const head = fetchMain === undefined ? await mainCommit() : await fetchMain()
  if (head === undefined) return
  const latest = await context.runs.latest('main', 'apply')
  if (latest?.commit === head) return
  await context.runs.create({ branch: 'main', commit: head, goal: 'apply', origin: 'reconciliation' })
  context.runner.wake()
}

async function reseal(context: ControllerContext): Promise<string[]> {
  const { publisher, signingKey, clock } = context
  const due = await publisher.needsResealing(clock.now())
  for (const { mirror, snapshotNumber } of due) {
    const declared = await declaredMirror(context, mirror)
    const validForMs = declared === undefined ? undefined : validForMsOf(declared)
    const format = await formatOf(context, mirror)
    await republish({ mirror, snapshotNumber, format, publisher, signingKey, validForMs })
    context.log.info('signed again before it expires', { mirror })
  }
  return due.map((publication) => publication.mirror)
}

async function collect({ context, cache }: HousekeepingOptions, signal: AbortSignal): Promise<CollectionResult> {
  const { publisher, runs, store, leases, clock } = context
  await publisher.prune({})
  await runs.prune(keepRuns)
  await cache.prune('', keepCacheMs)
  const roots = async function* () {
    yield* publisher.roots()
    yield* cache.roots()
  }
  return collectGarbage({ store, leases, clock, roots, signal })
}

async function health({ publisher, siteHead }: ControllerContext): Promise<{ ready: boolean; reasons: string[] }> {
  const head = await siteHead.current()
  if (head === undefined) return { ready: true, reasons: ['no site has been pushed yet'] }
  const reasons: string[] = []
  for (const mirror of Object.keys((head.site.sections['mirrors'] as Record<string, unknown> | undefined) ?? {})) {
    if ((await publisher.current(mirror)) === undefined) reasons.push(`mirror ${mirror} is not published yet`)
  }
  return { ready: reasons.length === 0, reasons }
}
