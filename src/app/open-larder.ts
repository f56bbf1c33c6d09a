import { LarderError, type KnownSecrets } from '../core/index.ts'
import { prepareBareRepository } from '../forge/index.ts'
import { openEventStore } from '../pipeline/index.ts'
import { removeSetting } from '../state/index.ts'
import { afterRun, dropPullRequest, endBuilds, releaseOldLeases } from './after-runs.ts'
import { createAnnouncements, type Announcements } from './announcements.ts'
import type { ControllerConfig } from './config/controller-config.ts'
import { readControllerConfig } from './config/read-controller-config.ts'
import type { Controller } from './controller.ts'
import type { ControllerContext } from './controller/context.ts'
import { createDeliveryMethods } from './controller/deliveries.ts'
import { createDoctorMethods } from './controller/doctor.ts'
import { createImageMethods } from './controller/images.ts'
import { createMachineMethods } from './controller/machines.ts'
import { createMirrorMethods } from './controller/mirrors.ts'
import { createOwnPackageMethods } from './controller/own-packages.ts'
import { createPreviewMethods } from './controller/previews.ts'
import { createPushMethods } from './controller/pushes.ts'
import { createRunMethods } from './controller/runs.ts'
import { createServiceMethods } from './controller/services.ts'
import { createServingMethods } from './controller/serving.ts'
import { createSiteMethods } from './controller/site.ts'
import { createUpkeepMethods } from './controller/upkeep.ts'
import { createContext, inputsKey } from './create-context.ts'
import type { OwnRegistry } from './create-services.ts'
import { openRegistryCache } from './create-registry-cache.ts'
import type { DoctorRoom } from './doctor/check.ts'
import { watchDrift } from './drift/watch-drift.ts'
import type { DriftWatch } from './drift/drift-watch.ts'
import { createHousekeeping, type Housekeeping } from './housekeeping.ts'
import { createHttpSender } from './http-send.ts'
import { openRooms, type OpenRoomsOptions, type Rooms } from './open-rooms.ts'
import { connectForge } from './site-source/connect-forge.ts'
import type { ConnectedForge } from './site-source/connected-forge.ts'
import { createSiteNews, type SiteNews, type SiteNewsOptions } from './site-source/site-news.ts'

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
  secrets: KnownSecrets
  config: ControllerConfig
  /** Where the site is, when it is not in the built-in repository. */
  connected: ConnectedForge | undefined
  housekeeping: Housekeeping
  announcements: Announcements
  drift: DriftWatch
  /** Address that people are told; known once the server listens. */
  setPublicUrl: (url: string) => void
  /** As builders on this host reach our registry, and as clients name it. */
  setRegistry: (registry: NonNullable<Address['registry']>) => void
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
  const { state, cache, clock } = rooms
  const { dataFolder, environment } = options
  const { config, sender, connected } = await connect(options, rooms)
  await prepareBareRepository(dataFolder.siteRepository)
  const registryCache = await openRegistryCache(rooms, { config, root: dataFolder.root, send: sender.sendForBytes })
  const address: Address = { publicUrl: 'http://127.0.0.1:7420', registry: undefined }
  const stopping = new AbortController()
  const { context, mainCommit } = createContext(rooms, options, {
    publicUrl: () => address.publicUrl,
    ownRegistry: () => address.registry,
    stopping: stopping.signal,
    config,
    connected,
    registryCache,
    sendForBytes: sender.sendForBytes,
    onPlanned: (run) => announcements.runPlanned(run),
    // oxlint-disable-next-line typescript/no-misused-promises -- finally waits; what is told keeps nothing from happening
    onFinished: (run) => announcements.runFinished(run).finally(() => afterRun(context, run, { news, drift })),
  })
  const { root } = dataFolder
  const announcements = await createAnnouncements({ context, config, connected, root, send: sender.send })
  const drift = watchDrift(context, { lookMinutes: config.machines.lookMinutes, announcements })
  await releaseOldLeases(rooms, context.runs)
  await context.own.removeLeftovers()
  await endBuilds(context, dataFolder)
  const events = await openEventStore({ state, clock, journal: { paths: dataFolder.deliveries } })
  const news: SiteNews = createNews({ ...context, context, events, connected }, announcements)
  const pollEveryMs = (connected?.config.pollSeconds ?? 0) * 1000
  const housekeeping = createHousekeeping({ context, cache, events, news, announcements, pollEveryMs })
  const forgetInputs = (mirror: string) => removeSetting(state, inputsKey(mirror))
  const { outbox } = announcements
  const settleDeliveries = () => news.settleDeliveries()
  const upkeep = { events, outbox, housekeeping, mainCommit, forgetInputs, settleDeliveries }
  const doctor: DoctorRoom = { ...rooms, context, dataFolder, environment, tls: config.tls, connected, ...upkeep }
  const stopWork = async (): Promise<void> => {
    stopping.abort(new LarderError('CANCELLED', { message: 'Larder is stopping.' }))
    for (const working of [drift, housekeeping, context.runner, news, announcements]) await working.stop()
  }
  return {
    controller: createMethods(doctor, { news, drift }),
    context,
    news,
    secrets: rooms.secrets,
    config,
    connected,
    housekeeping,
    announcements,
    drift,
    ...settersOf(address),
    stopWork,
    async close() {
      await stopWork()
      await registryCache.close()
      await sender.close()
      await events.close()
      await rooms.close()
    },
  }
}

interface Address {
  publicUrl: string
  registry: OwnRegistry | undefined
}

function settersOf(address: Address): Pick<Larder, 'setPublicUrl' | 'setRegistry'> {
  return {
    setPublicUrl: (url) => {
      address.publicUrl = url
    },
    setRegistry: (registry) => {
      address.registry = registry
    },
  }
}

function createNews(
  parts: Omit<SiteNewsOptions, 'onCreated' | 'onClosed'> & { context: ControllerContext },
  announcements: Announcements,
): SiteNews {
  const { context, connected } = parts
  return createSiteNews({
    ...parts,
    onCreated: (run) => announcements.runCreated(run),
    onClosed: (pullRequest) => dropPullRequest(context, { pullRequest, connected }),
  })
}

/** What the configuration says, and whom it leads to. CONFIG_INVALID. */
async function connect(options: OpenLarderOptions, { clock, secrets }: Rooms) {
  const config = await readConfig(options)
  const sender = createHttpSender({ environment: options.environment })
  const { root } = options.dataFolder
  const common = { root, send: sender.send, clock, secrets }
  const connected = config.forge && (await connectForge({ config: config.forge, ...common }))
  return { config, sender, connected }
}

function createMethods(doctor: DoctorRoom, { news, drift }: { news: SiteNews; drift: DriftWatch }): Controller {
  const { context, keyring, housekeeping, events } = doctor
  return {
    ...createSiteMethods(context),
    ...createMirrorMethods(context, { onPublished: (mirror) => drift.published(mirror) }),
    ...createOwnPackageMethods(context),
    ...createRunMethods(context),
    ...createPushMethods(context),
    ...createServingMethods(context),
    ...createPreviewMethods(context),
    ...createImageMethods(context),
    ...createMachineMethods(context),
    ...createServiceMethods(context),
    ...createUpkeepMethods(context, { keyring, housekeeping }),
    ...createDoctorMethods(doctor),
    ...createDeliveryMethods(context, { events, news }),
  }
}

function readConfig({ dataFolder, configFile, repositoryUrl }: OpenLarderOptions): Promise<ControllerConfig> {
  return readControllerConfig({ root: dataFolder.root, file: configFile, repositoryUrl })
}
