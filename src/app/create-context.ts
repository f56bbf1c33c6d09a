import { join } from 'node:path'
import { createAptFormat } from '../apt/index.ts'
import {
  createCommitMemory,
  createSiteCommitOpener,
  localRef,
  readCommitTime,
  resolveRef,
  type BytesSend,
  type OpenCommit,
} from '../forge/index.ts'
import {
  asAnyFormat,
  createMirrorKind,
  type AnyFormat,
  type MirrorMemory,
  type PreviewOptions,
} from '../mirror/index.ts'
import {
  asAnyKind,
  createPullRequestStore,
  createRunner,
  createRunStore,
  type Run,
  type RunStore,
} from '../pipeline/index.ts'
import { createKeyring, createPreviews } from '../publish/index.ts'
import { createRpmFormat } from '../rpm/index.ts'
import { getSetting, setSetting, type State } from '../state/index.ts'
import type { ControllerConfig } from './config/controller-config.ts'
import { appliedBranches, appliedHeads } from './applied-branches.ts'
import { keyKindOf, type ControllerContext } from './controller/context.ts'
import { createServingMethods } from './controller/serving.ts'
import { createFleet } from './create-fleet.ts'
import { createImages } from './create-images.ts'
import type { ServicesOptions } from './create-services.ts'
import { createBuildLogins, createMachineLogins } from './machine-logins.ts'
import type { OpenLarderOptions } from './open-larder.ts'
import type { Rooms } from './open-rooms.ts'
import { OwnPackages } from './own-packages.ts'
import { createSiteHead, type SiteHead } from './site-head.ts'
import { branchRef, type ConnectedForge } from './site-source/connected-forge.ts'
import { openRunFiles } from './site-source/run-files.ts'

/** What all parts of the controller share; and where the head of main is looked for. */
export function createContext(
  rooms: Rooms,
  options: OpenLarderOptions,
  told: ContextOptions,
): { context: ControllerContext; mainCommit: () => Promise<string | undefined> } {
  const { dataFolder, retryDelayMs = 5000 } = options
  const { config, connected } = told
  const { clock, log, state, keyring } = rooms
  const formats = createFormats(rooms, dataFolder)
  const signingKey: ControllerContext['signingKey'] = async (mirror) =>
    keyring.key(mirror, { kind: await keyKindOf(context, mirror) })
  const own = new OwnPackages({ state, clock, folder: dataFolder.own })
  const preview = openPreviews(rooms, options, config)
  const repository = dataFolder.siteRepository
  const clientSetup: Serving['clientSetup'] = (name, url) => createServingMethods(context).clientSetup(name, url)
  const runs = createRunStore(state, clock, (text) => rooms.secrets.mask(text))
  const limitOf: RunStore['limitOf'] = (id) => runs.limitOf(id)
  const { images, fleet } = openMakers(rooms, options, { ...told, clientSetup, limitOf })
  const kinds = [createMirrors(rooms, { formats, signingKey, own, preview }), images.kind, ...fleet.kinds]
  const refOf = branchRefs(connected)
  const mainCommit = () => resolveRef(repository, refOf('main'))
  const openCommit = openCommits(repository, connected, told.sendForBytes)
  const openFiles = runFiles(repository, openCommit, connected)
  const siteHead = createSiteHead({ kinds, mainCommit, openCommit })
  const context: ControllerContext = {
    ...rooms,
    ...handedOn(told),
    formats,
    kinds,
    runs,
    runner: createRunner({
      runs,
      kinds,
      openFiles,
      branchOf: (run) => baseOf(context, run),
      committedAt: (commit) => readCommitTime(repository, commit),
      baseline: () => baselineOf(siteHead),
      clock,
      log,
      retryDelayMs,
      onPlanned: told.onPlanned,
      onFinished: told.onFinished,
    }),
    pullRequests: pullRequestsOf(state, connected),
    repository,
    openCommit,
    siteHead,
    appliedBranches: () => appliedBranches({ siteHead, kinds }),
    appliedHeads: () => appliedHeads({ siteHead, kinds, repository, refOf }),
    images,
    fleet,
    own,
    previews: preview.previews,
    previewKey: preview.signingKey,
    previewQuota: { runs: config.previews.max, bytes: config.previews.maxMB * 1e6 },
    signingKey,
  }
  return { context, mainCommit }
}

/** What images are built with, and machines are made with, which run those. */
function openMakers(
  rooms: Rooms,
  options: OpenLarderOptions,
  told: ContextOptions & { clientSetup: Serving['clientSetup']; limitOf: RunStore['limitOf'] },
) {
  const buildLogin = createBuildLogins(rooms.clock, { ...options, ...told })
  const images = createImages(rooms, { ...options, ...told, sourceUrl: told.connected?.config.url, buildLogin })
  const published = { image: images.reference, publishedImage: images.published }
  const logins = createMachineLogins(rooms.clock, { ...options, ...told })
  return { images, fleet: createFleet(rooms, { ...options, ...told, ...published, logins }) }
}

function runFiles(repository: string, openCommit: OpenCommit, connected: ConnectedForge | undefined) {
  const submodules = connected?.config.submodules ?? false
  return (run: Run) => openRunFiles(run, { repository, remote: connected?.remote, openCommit, submodules })
}

function handedOn({ publicUrl, registryCache, stopping }: ContextOptions) {
  return { publicUrl, registryCache, stopping }
}

function openPreviews(rooms: Rooms, options: OpenLarderOptions, config: ControllerConfig): PreviewOptions {
  return { previews: createPreviews(rooms), signingKey: previewKeys(rooms, options), limits: previewLimits(config) }
}

function pullRequestsOf(state: State, connected: ConnectedForge | undefined): ControllerContext['pullRequests'] {
  const hosted = connected?.hosted
  return hosted && createPullRequestStore(state, { forge: hosted.forge.name, repository: hosted.repository })
}

type Serving = ReturnType<typeof createServingMethods>

/** A pull request is about what follows the branch that it is for; other plans are about everything. */
async function baseOf({ pullRequests }: ControllerContext, { pullRequest }: Run): Promise<string | undefined> {
  return pullRequest === undefined ? undefined : (await pullRequests?.get(pullRequest))?.base
}

async function baselineOf(siteHead: SiteHead) {
  const head = await siteHead.current()
  return head && { site: head.site.sections, files: head.files }
}

function branchRefs(connected: ConnectedForge | undefined): (branch: string) => string {
  return (branch) => (connected === undefined ? branchRef(branch) : localRef(connected.remote, branchRef(branch)))
}

interface ContextOptions
  extends Pick<ControllerContext, 'publicUrl' | 'registryCache' | 'stopping'>, Pick<ServicesOptions, 'ownRegistry'> {
  config: ControllerConfig
  connected: ConnectedForge | undefined
  sendForBytes: BytesSend
  onPlanned: (run: Run) => Promise<void>
  onFinished: (run: Run) => Promise<void>
}

function openCommits(repository: string, connected: ConnectedForge | undefined, send: BytesSend): OpenCommit {
  const { remote, config: forge } = connected ?? {}
  const lfs = forge?.lfs === true ? send : undefined
  const submodules = forge?.submodules ?? false
  return createCommitMemory(createSiteCommitOpener({ repository, remote, lfs, submodules }))
}

/** A kind is added here. */
function createMirrors(
  rooms: Rooms,
  options: Pick<ControllerContext, 'formats' | 'signingKey' | 'own'> & { preview: PreviewOptions },
) {
  const ownUpstream = (mirror: string) => options.own.upstream(mirror)
  const memory = mirrorMemory(rooms.state)
  return asAnyKind(createMirrorKind({ ...rooms, ...options, ownUpstream, memory }))
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

export const inputsKey = (mirror: string): string => `mirror/${mirror}/inputs`

/** Keys of their own in a folder of their own. */
function previewKeys(
  { clock }: Rooms,
  { dataFolder, environment, passphraseFile = environment['LARDER_PASSPHRASE_FILE'] }: OpenLarderOptions,
): PreviewOptions['signingKey'] {
  const keyring = createKeyring(dataFolder.previewKeys, { clock, site: 'larder-previews', passphraseFile })
  return (kind) => keyring.key(kind, { kind })
}

function previewLimits({ previews, forge }: ControllerConfig): PreviewOptions['limits'] {
  const forks = forge?.forks
  return {
    keepMs: previews.keepDays * 24 * 3600_000,
    bytes: previews.max === 0 ? 0 : previews.perRunMB * 1e6,
    untrusted: {
      isAllowed: forks?.preview ?? false,
      packages: forks?.maxPackages ?? 0,
      bytes: (forks?.maxFetchMB ?? 0) * 1e6,
    },
  }
}
