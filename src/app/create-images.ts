import { join } from 'node:path'
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
  type ImageBuilds,
  type ImageKeys,
} from '../oci/index.ts'
import { parseInstalledRpm } from '../rpm/index.ts'
import { redactText } from '../core/index.ts'
import { version } from './cli/version.ts'
import type { DataFolder } from './data-folder.ts'
import type { Rooms } from './open-rooms.ts'

export interface ImagesOptions {
  dataFolder: DataFolder
  environment: NodeJS.ProcessEnv
  passphraseFile?: string
  /** Address of the site repository, where it is at a forge. */
  sourceUrl: string | undefined
  /** Of the controller. */
  publicUrl: () => string
  /** Our own registry, as builders on this host reach it, and as clients name it. */
  ownRegistry: () => (BuildRegistry & { publicHost: string }) | undefined
}

/** What has to do with images: their kind, the memory of their builds, the keys that sign them. */
export interface Images {
  kind: AnyKind
  builds: ImageBuilds
  keys: ImageKeys
  /** Of each image that Larder built, the newest so many versions stay. */
  forgetVersions: (keep: number) => Promise<void>
  /** What clients write before the name of an image. */
  registryHost: () => string
}

export function createImages(rooms: Rooms, options: ImagesOptions): Images {
  const { state, clock, registry, log } = rooms
  const { dataFolder, environment, sourceUrl, publicUrl, ownRegistry } = options
  const passphraseFile = options.passphraseFile ?? environment['LARDER_PASSPHRASE_FILE']
  const who = (): BuilderIdentity => ({
    source: redactText(sourceUrl ?? `${publicUrl()}/git/site.git`),
    registryHost: ownRegistry()?.publicHost ?? new URL(publicUrl()).host,
    builderId: publicUrl(),
    version,
    creator: `larder ${version}`,
  })
  const builders = imageBuilders()
  const builds = createImageBuilds(state, clock)
  // Not .json: those are the keys of mirrors, one of which may be called images.
  const keys = createImageKeys(join(dataFolder.keys, 'images.ecdsa'), { clock, passphraseFile })
  const kind = createImageKind({
    registry,
    builds,
    clock,
    log,
    builder: (preferred) => chooseBuilder(builders, preferred),
    workFolder: dataFolder.builds,
    mask: (text) => rooms.secrets.mask(text),
    cacheFolder: join(dataFolder.cache, 'builds'),
    ownRegistry,
    parseRpmHeader: parseInstalledRpm,
    keys,
    who,
  })
  const forgetVersions = (keep: number) => forgetOldVersions({ registry, builds }, keep)
  return { kind: asAnyKind(kind), builds, keys, forgetVersions, registryHost: () => who().registryHost }
}
