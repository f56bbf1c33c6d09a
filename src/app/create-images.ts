import { join } from 'node:path'
import { sourceText } from '../mirror/index.ts'
import { asAnyKind, type AnyKind } from '../pipeline/index.ts'
import {
  chooseBuilder,
  createImageBuilds,
  createImageKeys,
  createImageKind,
  forgetOldVersions,
  imageBuilders,
  type BuilderIdentity,
  type BuildRegistry,
  type ImageKeys,
} from '../oci/index.ts'
import { parseInstalledRpm } from '../rpm/index.ts'
import { isLarderError, redactText, type Log } from '../core/index.ts'
import { tallyBuilds } from './build-tally.ts'
import { version } from './cli/version.ts'
import type { Controller } from './controller.ts'
import type { ControllerConfig } from './config/controller-config.ts'
import type { DataFolder } from './data-folder.ts'
import { createEc2Import } from './ec2-import.ts'
import type { Rooms } from './open-rooms.ts'

export interface ImagesOptions {
  dataFolder: DataFolder
  environment: NodeJS.ProcessEnv
  passphraseFile?: string
  /** Address of the site repository, where it is at a forge. */
  sourceUrl: string | undefined
  /** What makes a client of a mirror. MIRROR_UNKNOWN. */
  clientSetup: Controller['clientSetup']
  /** Of the controller. */
  publicUrl: () => string
  /** Where disks go besides the registry, what builders may keep for later builds, and what is read through. */
  config: Pick<ControllerConfig, 'ec2' | 'builds' | 'registry'>
  /** Our own registry, as builders on this host reach it, and as clients name it. */
  ownRegistry: () => (BuildRegistry & { publicHost: string }) | undefined
  /** What a build pulls with of our own registry. */
  buildLogin: Parameters<typeof createImageKind>[0]['buildLogin']
}

/** What has to do with images: their kind, the memory of their builds, the keys that sign them. */
export interface Images {
  kind: AnyKind
  builds: ReturnType<typeof tallyBuilds>
  keys: ImageKeys
  /** Of each image that Larder built, the newest so many versions stay. */
  forgetVersions: (keep: number) => Promise<void>
  /** The newest version that is published, as clients pull it; undefined when there is none. */
  reference: (name: string) => Promise<{ reference: string; digest: string } | undefined>
  /** A version, or the newest, that is published; undefined when there is none. */
  published: (name: string, version?: string) => Promise<{ digest: string; version: string } | undefined>
  /** What clients write before the name of an image. */
  registryHost: () => string
  /** What builders keep for later builds is brought within bounds. An engine that cannot be asked is told of in the log. */
  pruneCaches: (signal: AbortSignal) => Promise<void>
}

export function createImages(rooms: Rooms, options: ImagesOptions): Images {
  const { state, clock, registry, log } = rooms
  const { dataFolder, environment, sourceUrl, publicUrl, ownRegistry, config } = options
  const passphraseFile = options.passphraseFile ?? environment['LARDER_PASSPHRASE_FILE']
  const who = (): BuilderIdentity => ({
    source: redactText(sourceUrl ?? `${publicUrl()}/git/site.git`),
    registryHost: ownRegistry()?.publicHost ?? new URL(publicUrl()).host,
    builderId: publicUrl(),
    version,
    creator: `larder ${version}`,
  })
  const builders = imageBuilders()
  const cacheFolder = join(dataFolder.cache, 'builds')
  const builds = tallyBuilds(createImageBuilds(state, clock), clock)
  // Not .json: those are the keys of mirrors, one of which may be called images.
  const keys = createImageKeys(join(dataFolder.keys, 'images.ecdsa'), { clock, passphraseFile })
  const kind = createImageKind({
    registry,
    builds,
    clock,
    log,
    builder: (preferred) => chooseBuilder(builders, preferred),
    workFolder: dataFolder.builds,
    mirrorSource: async (name) => sourceText(await options.clientSetup(name, publicUrl())),
    mask: (text) => rooms.secrets.mask(text),
    cacheFolder,
    ownRegistry,
    buildLogin: options.buildLogin,
    cachedNames: Object.keys(config.registry.cache),
    parseRpmHeader: parseInstalledRpm,
    keys,
    who,
    toEc2:
      config.ec2 &&
      createEc2Import({ config: config.ec2, root: dataFolder.root, environment, clock, secrets: rooms.secrets }),
  })
  const forgetVersions = (keep: number) => forgetOldVersions({ registry, builds }, keep)
  const registryHost = (): string => who().registryHost
  const reference: Images['reference'] = async (name) => {
    const { digest } = (await builds.latest(name, { state: 'published' })) ?? {}
    return digest === undefined ? undefined : { reference: `${registryHost()}/${name}@${digest}`, digest }
  }
  const published: Images['published'] = async (name, wanted) => {
    const filter = { state: 'published' as const, ...(wanted === undefined ? {} : { version: wanted }) }
    const { digest, version } = (await builds.latest(name, filter)) ?? {}
    return digest === undefined || version === undefined ? undefined : { digest, version }
  }
  const pruneCaches = (signal: AbortSignal) =>
    pruneBuilders(builders, { cacheFolder, maxBytes: config.builds.cacheMB * 1e6, signal }, log)
  return { kind: asAnyKind(kind), published, builds, keys, forgetVersions, reference, registryHost, pruneCaches }
}

/** One builder that cannot be asked keeps no other from it. */
async function pruneBuilders(
  builders: ReturnType<typeof imageBuilders>,
  about: { cacheFolder: string; maxBytes: number; signal: AbortSignal },
  log: Log,
): Promise<void> {
  for (const builder of builders) {
    try {
      const removed = (await builder.prune?.(about)) ?? 0
      if (removed > 0)
        log.info('images that were kept for later builds are forgotten', { builder: builder.name, removed })
    } catch (error) {
      if (!isLarderError(error)) throw error
      log.warn('what is kept for later builds could not be looked at', { builder: builder.name, error })
    }
  }
}
