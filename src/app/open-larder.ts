import { join } from 'node:path'
import { isLarderError, LarderError } from '../core/index.ts'
import { createAptFormat } from '../apt/index.ts'
import { createCommitMemory, localRef, prepareBareRepository, resolveRef } from '../forge/index.ts'
import { asAnyFormat, createMirrorKind, type AnyFormat, type MirrorMemory } from '../mirror/index.ts'
import {
  asAnyKind,
  createEventStore,
  createPullRequestStore,
  createRunner,
  createRunStore,
  type Run,
  type RunStore,
} from '../pipeline/index.ts'
import { createRpmFormat } from '../rpm/index.ts'
import { getSetting, removeSetting, setSetting, type State } from '../state/index.ts'
import type { ControllerConfig } from './config/controller-config.ts'
import { readControllerConfig } from './config/read-controller-config.ts'
import type { Controller } from './controller.ts'
import { keyKindOf, type ControllerContext } from './controller/context.ts'
import { createDeliveryMethods } from './controller/deliveries.ts'
import { createDoctorMethods } from './controller/doctor.ts'
import { createMirrorMethods } from './controller/mirrors.ts'
import { createOwnPackageMethods } from './controller/own-packages.ts'
import { createPushMethods } from './controller/pushes.ts'
import { createRunMethods } from './controller/runs.ts'
import { createServingMethods } from './controller/serving.ts'
import { createSiteMethods } from './controller/site.ts'
import { createUpkeepMethods } from './controller/upkeep.ts'
import { createHousekeeping, type Housekeeping } from './housekeeping.ts'
import { openRooms, type OpenRoomsOptions, type Rooms } from './open-rooms.ts'
import { OwnPackages } from './own-packages.ts'
import { createHttpSender } from './http-send.ts'
import { createSiteHead } from './site-head.ts'
import { connectForge } from './site-source/connect-forge.ts'
import { branchRef, type ConnectedForge } from './site-source/connected-forge.ts'
import { openRunFiles } from './site-source/run-files.ts'
import { createSiteNews, type SiteNews } from './site-source/site-news.ts'

export interface OpenLarderOptions extends OpenRoomsOptions {
  /** Short for a configuration that names a repository by plain Git. */
  repositoryUrl?: string
  /** The file that configures the controller. Default: controller.yaml of the data folder, when it is there. */
  configFile?: string
  /** Wait before a run is tried a second time; doubles each time. Default 5 s. */
  retryDelayMs?: number
}

/** A data folder in use: everything that commands and the HTTP server need. */
export interface Larder {
  controller: Controller
  context: ControllerContext
  news: SiteNews
  config: ControllerConfig
  /** Where the site is, when it is not in the built-in repository. */
  connected: ConnectedForge | undefined
  housekeeping: Housekeeping
  /** Address that people are told; known once the server listens. */
  setPublicUrl: (url: string) => void
  /** Ends all work that is under way, so that only questions are answered; a run goes on at the next start. */
  stopWork(): Promise<void>
  close(): Promise<void>
}

/** The composition root: the only place that knows every room. DATA_IN_USE, DATA_NEWER. */
export async function openLarder(options: OpenLarderOptions): Promise<Larder> {
  const rooms = await openRooms(options)
  try {
    return await assemble(rooms, options)
  } catch (error) {
    await rooms.close()
    throw error
  }
}

async function assemble(rooms: Rooms, options: OpenLarderOptions): Promise<Larder> {
  const { state, cache, keyring, clock } = rooms
  const { dataFolder, environment } = options
  const config = await readConfig(options)
  const sender = createHttpSender({ environment })
  const connected =
    config.forge && (await connectForge({ config: config.forge, root: dataFolder.root, send: sender.send, clock }))
  await prepareBareRepository(dataFolder.siteRepository)
  const address = { publicUrl: 'http://127.0.0.1:7420' }
  const stopping = new AbortController()
  const { context, mainCommit } = createContext(rooms, options, {
    publicUrl: () => address.publicUrl,
    stopping: stopping.signal,
    connected,
    onFinished: (run) => afterRun(rooms, run, news),
  })
  await releaseOldLeases(rooms, context.runs)
  await context.own.removeLeftovers()
  const events = createEventStore(state, clock)
  const news: SiteNews = createSiteNews({
    context,
    events,
    connected,
    mainCommit,
    onCreated: () => Promise.resolve(),
    onClosed: (pullRequest) => cancelRunsOf(context, pullRequest),
  })
  const { settleDeliveries } = news
  const pollEveryMs = (connected?.config.pollSeconds ?? 0) * 1000
  const housekeeping = createHousekeeping({ context, cache, news, pollEveryMs })
  const forgetInputs = (mirror: string) => removeSetting(state, inputsKey(mirror))
  const upkeep = { events, housekeeping, mainCommit, settleDeliveries, forgetInputs }
  const stopWork = async (): Promise<void> => {
    stopping.abort(new LarderError('CANCELLED', { message: 'Larder is stopping.' }))
    await housekeeping.stop()
    await context.runner.stop()
  }
  return {
    controller: {
      ...createSiteMethods(context),
      ...createMirrorMethods(context),
      ...createOwnPackageMethods(context),
      ...createRunMethods(context),
      ...createPushMethods(context),
      ...createServingMethods(context),
      ...createUpkeepMethods(context, { keyring, housekeeping }),
      ...createDoctorMethods({ ...rooms, context, dataFolder, environment, ...upkeep }),
      ...createDeliveryMethods(events, news),
    },
    context,
    news,
    config,
    connected,
    housekeeping,
    setPublicUrl: (url) => {
      address.publicUrl = url
    },
    stopWork,
    async close() {
      await stopWork()
      await sender.close()
      await rooms.close()
    },
  }
}

/** What all parts of the controller share; and where the head of main is looked for. */
function createContext(
  rooms: Rooms,
  options: OpenLarderOptions,
  { publicUrl, stopping, connected, onFinished }: ContextOptions,
): { context: ControllerContext; mainCommit: () => Promise<string | undefined> } {
  const { dataFolder, retryDelayMs = 5000 } = options
  const { clock, log, state, keyring } = rooms
  const formats = createFormats(rooms, dataFolder)
  const signingKey: ControllerContext['signingKey'] = async (mirror) =>
    keyring.key(mirror, { kind: await keyKindOf(context, mirror) })
  const own = new OwnPackages({ state, clock, folder: dataFolder.own })
  const kinds = [createMirrors(rooms, { formats, signingKey, own })]
  const repository = dataFolder.siteRepository
  const mainRef = connected === undefined ? branchRef('main') : localRef(connected.remote, branchRef('main'))
  const mainCommit = () => resolveRef(repository, mainRef)
  const openCommit = createCommitMemory(repository)
  const runs = createRunStore(state, clock)
  const openFiles = (run: Run) => openRunFiles(run, { repository, openCommit })
  const hosted = connected?.hosted
  const context: ControllerContext = {
    ...rooms,
    formats,
    kinds,
    runs,
    runner: createRunner({
      runs,
      kinds,
      openFiles,
      clock,
      log,
      retryDelayMs,
      onFinished,
    }),
    pullRequests: hosted && createPullRequestStore(state, { forge: hosted.forge.name, repository: hosted.repository }),
    repository,
    openCommit,
    siteHead: createSiteHead({ kinds, mainCommit, openCommit }),
    own,
    signingKey,
    publicUrl,
    stopping,
  }
  return { context, mainCommit }
}

interface ContextOptions extends Pick<ControllerContext, 'publicUrl' | 'stopping'> {
  connected: ConnectedForge | undefined
  onFinished: (run: Run) => Promise<void>
}

function readConfig({ dataFolder, configFile, repositoryUrl }: OpenLarderOptions): Promise<ControllerConfig> {
  return readControllerConfig({ root: dataFolder.root, file: configFile, repositoryUrl })
}

/** What it staged is released; and when main has changed, open pull requests are planned upon it. */
async function afterRun(rooms: Rooms, run: Run, news: SiteNews): Promise<void> {
  await releaseLease(rooms, run)
  if (run.goal === 'apply') await news.reconcile({ origin: `main at ${run.commit.slice(0, 12)}`, again: false })
}

/** What nobody will merge need not be planned. */
async function cancelRunsOf({ runs, runner }: ControllerContext, pullRequest: number): Promise<void> {
  for (const { id } of await runs.unfinishedOfPullRequest(pullRequest)) {
    await runner.cancel(id).catch((error: unknown) => {
      // It has ended meanwhile.
      if (!isLarderError(error, 'RUN_STATE')) throw error
    })
  }
}

/** A kind is added here. */
function createMirrors(rooms: Rooms, options: Pick<ControllerContext, 'formats' | 'signingKey' | 'own'>) {
  const ownUpstream = (mirror: string) => options.own.upstream(mirror)
  return asAnyKind(createMirrorKind({ ...rooms, ...options, ownUpstream, memory: mirrorMemory(rooms.state) }))
}

function createFormats(rooms: Rooms, { cache }: OpenLarderOptions['dataFolder']): AnyFormat[] {
  return [
    asAnyFormat(createAptFormat({ ...rooms, cacheFolder: cache })),
    asAnyFormat(createRpmFormat({ ...rooms, cacheFolder: join(cache, 'rpm') })),
  ]
}

function mirrorMemory(state: State): MirrorMemory {
  return {
    getInputs: (mirror) => getSetting(state, inputsKey(mirror)),
    rememberInputs: (mirror, inputs) => setSetting(state, inputsKey(mirror), inputs),
    setInputs: (transaction, mirror, inputs) => setSetting({ db: transaction }, inputsKey(mirror), inputs),
  }
}

const inputsKey = (mirror: string): string => `mirror/${mirror}/inputs`

/** What it staged is referred to by now, or given up. */
async function releaseLease({ leases }: Rooms, run: Run): Promise<void> {
  await leases.release(await leases.acquire(leaseHolder(run)))
}

/** Of pushes, exports and runs of a process that was killed; runs that go on keep what they have. */
async function releaseOldLeases({ leases }: Rooms, runs: RunStore): Promise<void> {
  const unfinished = [...(await runs.waiting()), ...(await runs.list({ limit: 1000, state: 'running' }))]
  await leases.releaseAllBut(unfinished.map(leaseHolder))
}

const leaseHolder = (run: Run): string => `run/${run.id}`
