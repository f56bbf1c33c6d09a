import { createLog, type Clock, type Log, type LogLevel } from '../core/index.ts'
import { createAptFormat } from '../apt/index.ts'
import { createFetcher, proxyFromEnvironment } from '../fetch/index.ts'
import { fetchBranch, openCommit, prepareBareRepository, resolveRef } from '../forge/index.ts'
import { asAnyFormat, createMirrorKind } from '../mirror/index.ts'
import { asAnyKind, createEventStore, createRunner, createRunStore, type Run } from '../pipeline/index.ts'
import { createKeyring, createPublisher } from '../publish/index.ts'
import { createCache, getSetting, lockDataFolder, openDatabase, setSetting, type State } from '../state/index.ts'
import { createLeases, openFileBlobStore, sqlLeaseBook } from '../store/index.ts'
import { version } from './cli/version.ts'
import type { Controller } from './controller.ts'
import type { ControllerContext } from './controller/context.ts'
import { createDeliveryMethods, type DeliveryMethods } from './controller/deliveries.ts'
import { createMirrorMethods } from './controller/mirrors.ts'
import { createPushMethods } from './controller/pushes.ts'
import { createRunMethods } from './controller/runs.ts'
import { createServingMethods } from './controller/serving.ts'
import { createUpkeepMethods } from './controller/upkeep.ts'
import { createDataFolder, type DataFolder } from './data-folder.ts'
import { createHousekeeping, type Housekeeping } from './housekeeping.ts'
import { createSiteHead } from './site-head.ts'

export interface OpenLarderOptions {
  dataFolder: DataFolder
  clock: Clock
  logLevel: LogLevel
  environment: NodeJS.ProcessEnv
  /** Repository of a forge that the site is read from instead of the built-in one: https, ssh or file. */
  repositoryUrl?: string
  /** Its first line encrypts the signing keys on the disk. Default: they are protected by their mode alone. */
  passphraseFile?: string
  /** Most bytes a second to fetch from upstreams. Default: no limit. */
  bandwidthBytesPerSecond?: number
}

/** A data folder in use: everything that commands and the HTTP server need. */
export interface Larder {
  controller: Controller
  context: ControllerContext
  deliveries: DeliveryMethods
  housekeeping: Housekeeping
  state: State
  /** Address that people are told; known once the server listens. */
  setPublicUrl(url: string): void
  /** Called when a run ends, however it ends. */
  onRunFinished(listener: (run: Run) => void): void
  close(): Promise<void>
}

/** The composition root: the only place that knows every room. DATA_IN_USE, DATA_NEWER. */
export async function openLarder(options: OpenLarderOptions): Promise<Larder> {
  const { dataFolder, clock, environment } = options
  await createDataFolder(dataFolder)
  const lock = await lockDataFolder(dataFolder.root)
  const log: Log = createLog({ level: options.logLevel, destination: process.stderr, clock })
  const state = await openDatabase({ path: dataFolder.database, clock })
  const cache = createCache(state, clock)
  const store = await openFileBlobStore({ folder: dataFolder.root, leaseBook: sqlLeaseBook(state) })
  const leases = createLeases(state, store, clock)
  const keyring = createKeyring(dataFolder.keys, { clock, site: 'site', passphraseFile: options.passphraseFile })
  const signingKey = (mirror: string) => keyring.key(mirror)
  const publisher = createPublisher({ state, store, leases, clock })
  const limits = options.bandwidthBytesPerSecond === undefined ? {} : { limits: { bandwidthBytesPerSecond: options.bandwidthBytesPerSecond } }
  const proxy = proxyFromEnvironment(environment)
  const fetcher = createFetcher({ store, leases, clock, proxy, userAgent: `Larder/${version}`, ...limits })
  const formats = [asAnyFormat(createAptFormat({ store, leases, fetcher, cache, clock, cacheFolder: dataFolder.cache }))]
  const memory = {
    getInputs: (mirror: string) => getSetting(state, `mirror/${mirror}/inputs`),
    setInputs: (mirror: string, inputs: string) => setSetting(state, `mirror/${mirror}/inputs`, inputs),
  }
  const kinds = [asAnyKind(createMirrorKind({ formats, publisher, store, leases, clock, signingKey, memory }))]

  const repository = dataFolder.siteRepository
  await prepareBareRepository(repository)
  const runs = createRunStore(state, clock)
  const open = (commit: string) => openCommit(repository, commit)
  const listeners: ((run: Run) => void)[] = []
  const runner = createRunner({
    runs,
    kinds,
    openCommit: open,
    clock,
    log,
    onFinished: (run) => {
      for (const listener of listeners) listener(run)
    },
  })
  const { repositoryUrl } = options
  const mainRef = repositoryUrl === undefined ? 'refs/heads/main' : 'refs/remotes/forge/main'
  const mainCommit = () => resolveRef(repository, mainRef)
  const siteHead = createSiteHead({ kinds, mainCommit, openCommit: open })
  let publicUrl = 'http://127.0.0.1:7420'
  const context: ControllerContext = {
    clock, log, state, store, leases, publisher, formats, kinds, runs, runner, repository, siteHead, signingKey,
    publicUrl: () => publicUrl,
  } // prettier-ignore
  const fetchForgeBranch = repositoryUrl === undefined ? undefined : (branch: string) => fetchBranch(repository, { url: repositoryUrl, remote: 'forge', branch })
  const deliveries = createDeliveryMethods(context, { events: createEventStore(state, clock), fetchBranch: fetchForgeBranch })
  const housekeeping = createHousekeeping({ context, cache, fetchMain: fetchForgeBranch && (() => fetchForgeBranch('main')), mainCommit })
  const controller: Controller = {
    site: () => ({ name: 'site', commit: undefined }),
    ...createMirrorMethods(context),
    ...createRunMethods(context),
    ...createPushMethods(context),
    ...createServingMethods(context),
    ...createUpkeepMethods(context, { keyring, housekeeping }),
    acceptDelivery: (delivery) => deliveries.acceptDelivery(delivery),
    health: () => housekeeping.health(),
  }
  return {
    controller,
    context,
    deliveries,
    housekeeping,
    state,
    setPublicUrl: (url) => (publicUrl = url),
    onRunFinished: (listener) => listeners.push(listener),
    async close() {
      await housekeeping.stop()
      await runner.stop()
      await fetcher.close()
      await state.close()
      await lock.release()
    },
  }
}
