import { join } from 'node:path'
import { LarderError } from '../core/index.ts'
import { createAptFormat } from '../apt/index.ts'
import { createCommitMemory, fetchBranch, prepareBareRepository, resolveRef } from '../forge/index.ts'
import { asAnyFormat, createMirrorKind, type AnyFormat, type MirrorMemory } from '../mirror/index.ts'
import {
  asAnyKind,
  createEventStore,
  createRunner,
  createRunStore,
  type Run,
  type RunStore,
} from '../pipeline/index.ts'
import { createRpmFormat } from '../rpm/index.ts'
import { getSetting, removeSetting, setSetting, type State } from '../state/index.ts'
import type { Controller } from './controller.ts'
import { keyKindOf, type ControllerContext } from './controller/context.ts'
import { createDeliveryMethods, type DeliveryMethods } from './controller/deliveries.ts'
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
import { createSiteHead } from './site-head.ts'

export interface OpenLarderOptions extends OpenRoomsOptions {
  /** Repository of a forge that the site is read from instead of the built-in one: https, ssh or file. */
  repositoryUrl?: string
  /** Wait before a run is tried a second time; doubles each time. Default 5 s. */
  retryDelayMs?: number
}

/** A data folder in use: everything that commands and the HTTP server need. */
export interface Larder {
  controller: Controller
  context: ControllerContext
  deliveries: DeliveryMethods
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
  await prepareBareRepository(dataFolder.siteRepository)
  const address = { publicUrl: 'http://127.0.0.1:7420' }
  const stopping = new AbortController()
  const { context, mainCommit, forge } = createContext(rooms, options, {
    publicUrl: () => address.publicUrl,
    stopping: stopping.signal,
  })
  await releaseOldLeases(rooms, context.runs)
  await context.own.removeLeftovers()
  const events = createEventStore(state, clock)
  const deliveries = createDeliveryMethods(context, { events, fetchBranch: forge?.fetch })
  const { acceptDelivery, settleDeliveries } = deliveries
  const fetchMain = forge && (() => forge.fetch('main'))
  const housekeeping = createHousekeeping({ context, cache, fetchMain, mainCommit })
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
      acceptDelivery,
    },
    context,
    deliveries,
    housekeeping,
    setPublicUrl: (url) => {
      address.publicUrl = url
    },
    stopWork,
    async close() {
      await stopWork()
      await rooms.close()
    },
  }
}

/** What all parts of the controller share; and where the head of main is looked for. */
function createContext(
  rooms: Rooms,
  options: OpenLarderOptions,
  { publicUrl, stopping }: Pick<ControllerContext, 'publicUrl' | 'stopping'>,
) {
  const { dataFolder, repositoryUrl, retryDelayMs = 5000 } = options
  const { clock, log, state, keyring } = rooms
  const formats = createFormats(rooms, dataFolder)
  const signingKey: ControllerContext['signingKey'] = async (mirror) =>
    keyring.key(mirror, { kind: await keyKindOf(context, mirror) })
  const own = new OwnPackages({ state, clock, folder: dataFolder.own })
  const kinds = [createMirrors(rooms, { formats, signingKey, own })]
  const repository = dataFolder.siteRepository
  const forge = repositoryUrl === undefined ? undefined : forgeBranches(repository, repositoryUrl, stopping)
  const mainCommit = () => resolveRef(repository, forge?.mainRef ?? 'refs/heads/main')
  const openCommit = createCommitMemory(repository)
  const runs = createRunStore(state, clock)
  const onFinished = (run: Run) => releaseLease(rooms, run)
  const context: ControllerContext = {
    ...rooms,
    formats,
    kinds,
    runs,
    runner: createRunner({
      runs,
      kinds,
      openFiles: (run) => openCommit(run.commit),
      clock,
      log,
      retryDelayMs,
      onFinished,
    }),
    repository,
    openCommit,
    siteHead: createSiteHead({ kinds, mainCommit, openCommit }),
    own,
    signingKey,
    publicUrl,
    stopping,
  }
  return { context, mainCommit, forge }
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

function forgeBranches(repository: string, url: string, signal: AbortSignal) {
  return {
    mainRef: 'refs/remotes/forge/main',
    fetch: (branch: string) => fetchBranch(repository, { url, remote: 'forge', branch }, signal),
  }
}

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
