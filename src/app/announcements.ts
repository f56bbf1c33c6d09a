import { ownValue } from '../core/index.ts'
import type { HttpSend } from '../forge/index.ts'
import { createOutbox, type Outbox, type OutboxHandler, type Run } from '../pipeline/index.ts'
import type { Publication } from '../publish/index.ts'
import { getSetting, setSetting } from '../state/index.ts'
import type { ControllerConfig } from './config/controller-config.ts'
import type { ControllerContext } from './controller/context.ts'
import { previewSummaries } from './controller/previews.ts'
import type { MachineDrift } from './drift/drift-round.ts'
import { createNotificationHandler, createNotifier, type Notifier } from './notify/notifier.ts'
import { createPublicationWatch, type PublicationWatch } from './notify/publication-watch.ts'
import { createReporter, reportHandlers, type Reporter } from './report/reporter.ts'
import type { ConnectedForge } from './site-source/connected-forge.ts'

export interface AnnouncementsOptions {
  context: ControllerContext
  config: ControllerConfig
  connected: ConnectedForge | undefined
  /** Root of the data folder. */
  root: string
  send: HttpSend
}

/** Whom Larder tells of what it does: the forge, and those that controller.yaml names. Nothing of it waits for them. */
export interface Announcements {
  outbox: Outbox
  runCreated(run: Run): Promise<void>
  runPlanned(run: Run): Promise<void>
  runFinished(run: Run): Promise<void>
  /** A machine is not as declared. */
  machineDrifted(drift: MachineDrift): Promise<void>
  /** Tells of publications that were switched to since the last look. */
  look(): Promise<void>
  /** Forgets what was told long ago. */
  tidy(): Promise<void>
  /** Sends what is owed; tells first what a killed process could not. */
  start(): Promise<void>
  stop(): Promise<void>
}

/** CONFIG_INVALID when a secret of controller.yaml cannot be used. */
export async function createAnnouncements(options: AnnouncementsOptions): Promise<Announcements> {
  const { context, config, connected } = options
  const previews = (runId: number) => previewSummaries(context, runId)
  const { state, clock, log, runs, publisher } = context
  const now = (): Date => clock.now()
  const outbox = createOutbox({ state, clock, log, handlers: await handlersOf(options, now) })
  const { publicUrl } = context
  const publishedMirrors = (): Promise<string[]> => publisher.mirrors()
  // Without a token, a forge takes nothing.
  const reporter = canReport(connected)
    ? createReporter({ outbox, runs, previews, publishedMirrors, publicUrl, now })
    : undefined
  const notifier = createNotifier({ listeners: config.notify, outbox, now })
  const watch = createWatch(context, notifier)
  return {
    outbox,
    async runCreated(run) {
      await reporter?.changed(run, 'queued')
    },
    async runPlanned(run) {
      await reporter?.changed(run, 'planned')
    },
    async runFinished(run) {
      await reporter?.changed(run, 'finished')
      if (config.notify.length > 0) await notifyOfRun(context, notifier, run)
      await watch.look()
    },
    machineDrifted: ({ machine, state, why, run }) =>
      notifier.notify('machine.drifted', { machine, state, why, run: run ?? null, url: publicUrl() }),
    look: () => watch.look(),
    async tidy() {
      await outbox.prune(new Date(now().getTime() - keepMs))
    },
    start: () => start(outbox, reporter, watch),
    stop: () => outbox.stop(),
  }
}

/** What was told, for those who ask whether it was: longer than any of it is tried. */
const keepMs = 30 * 24 * 3600_000

async function start(outbox: Outbox, reporter: Reporter | undefined, watch: PublicationWatch): Promise<void> {
  await reporter?.catchUp()
  await watch.look()
  outbox.start()
}

function canReport(connected: ConnectedForge | undefined): boolean {
  if (connected?.hosted === undefined) return false
  return connected.config.tokenFile !== undefined || connected.config.app !== undefined
}

async function handlersOf({ config, connected, root, send }: AnnouncementsOptions, now: () => Date): Promise<Handlers> {
  const reports = connected?.hosted !== undefined && canReport(connected) ? reportHandlers(connected.hosted.api) : {}
  const notification = await createNotificationHandler({ listeners: config.notify, root, send, now })
  return { ...reports, notification }
}

type Handlers = Partial<Record<'status' | 'comment' | 'notification', OutboxHandler>>

function createWatch(context: ControllerContext, notifier: Notifier): PublicationWatch {
  const { state, publisher } = context
  return createPublicationWatch({
    state,
    async current() {
      const all = await Promise.all((await publisher.mirrors()).map((mirror) => publisher.current(mirror)))
      return all.filter((publication): publication is Publication => publication !== undefined)
    },
    kept: (mirror) => publisher.publications(mirror),
    onSwitched: ({ mirror, generation, snapshotNumber, sealedAt, validUntil }, before) =>
      notifier.notify('publication.switched', {
        mirror,
        generation,
        previousGeneration: before ?? null,
        snapshot: `${mirror}@${snapshotNumber}`,
        sealedAt: sealedAt.toISOString(),
        validUntil: validUntil?.toISOString() ?? null,
        url: context.publicUrl(),
      }),
  })
}

async function notifyOfRun(context: ControllerContext, notifier: Notifier, run: Run): Promise<void> {
  const { id, branch, commit, goal, state, origin, pullRequest, error } = run
  const url = `${context.publicUrl()}/runs/${id}`
  const about = { id, branch, commit, goal, state, origin, pullRequest: pullRequest ?? null, url }
  const failure = error === undefined ? null : { code: error.code, message: error.message }
  await notifier.notify('run.finished', {
    run: { ...about, finishedAt: run.finishedAt?.toISOString() ?? null, error: failure },
  })
  // A stranger's pull request may name what has long expired.
  if (run.trust === 'untrusted' || error === undefined || !expiryCodes.includes(error.code)) return
  const upstream = error.context?.['upstream']
  const subject = typeof upstream === 'string' ? upstream : error.message
  if (await isTold(context, subject)) return
  await notifier.notify('upstream.expired', { upstream: upstream ?? null, ...failure, run: about })
}

/** What an upstream has let expire. */
const expiryCodes: readonly string[] = ['APT_RELEASE_EXPIRED', 'SIGNATURE_KEY_EXPIRED']

/** A sync finds it again every few hours: it is told once a day. */
async function isTold({ state, clock }: ControllerContext, subject: string): Promise<boolean> {
  const dayMs = 24 * 3600_000
  const now = clock.now().getTime()
  const known = JSON.parse((await getSetting(state, expiredKey)) ?? '{}') as Record<string, number>
  const recent = Object.fromEntries(Object.entries(known).filter(([, at]) => now - at < dayMs))
  if (ownValue(recent, subject) !== undefined) return true
  await setSetting(state, expiredKey, JSON.stringify({ ...recent, [subject]: now }))
  return false
}

const expiredKey = 'notify/expired'
