import { hostname } from 'node:os'
import { LarderError, type KindContext } from '../core/index.ts'
import {
  createHaproxyBalancer,
  createServiceKind,
  type MachineKindOptions,
  type ServiceImage,
  type ServiceKindOptions,
  type ServiceMemory,
  type ServiceRegistry,
} from '../fleet/index.ts'
import { readImageList, type BuildRegistry } from '../oci/index.ts'
import { asAnyKind, type AnyKind, type RunStore } from '../pipeline/index.ts'

export interface ServicesOptions {
  /** The ways to machines, and what is declared on them. */
  machines: MachineKindOptions
  memory: ServiceMemory
  /** Machines that a run leaves to services to be made again. */
  serving: ServiceKindOptions['serving']
  /** What a run is about, where that is not all. */
  limitOf: RunStore['limitOf']
  /** Of the controller, as machines reach it. */
  addressFor: (context: KindContext) => string
  /** Our own registry, where it is served with TLS. */
  ownRegistry: () => OwnRegistry | undefined
  /** A version of an image, or the newest, that is published; undefined when there is none. */
  publishedImage: (name: string, version?: string) => Promise<{ digest: string; version: string } | undefined>
}

/** Our registry, as builders on this host reach it, and as clients name it. */
export interface OwnRegistry extends BuildRegistry {
  publicHost: string
  /** PEM, of whoever has certified it, where clients have to be told. */
  authority: () => string | undefined
}

/** What has to do with services: their kind, and what is known of them. */
export interface Services {
  kind: AnyKind
  memory: ServiceMemory
  options: ServiceKindOptions
}

export function createServices(room: ServicesOptions): Services {
  const { memory, machines, serving } = room
  const options: ServiceKindOptions = {
    memory,
    machines,
    serving,
    balancer: createHaproxyBalancer(),
    registry: (context) => machineRegistry(context, room),
    image: (context, name) => serviceImage(context, name, room),
    room: (context, machine) => machines.room(context, machine),
    restartOf: async (runId) => {
      const only = await room.limitOf(Number(runId))
      return only !== undefined && 'restart' in only ? only.restart : undefined
    },
  }
  return { kind: asAnyKind(createServiceKind(options)), memory, options }
}

/**
 * Where machines pull from: by its name and with TLS where somebody has named it; else where their mirrors are, without TLS,
 * since what is pulled is compared with its digest.
 */
async function machineRegistry(
  context: KindContext,
  { addressFor, ownRegistry }: Pick<ServicesOptions, 'addressFor' | 'ownRegistry'>,
): Promise<ServiceRegistry> {
  const named = ownRegistry()
  if (named !== undefined && named.publicHost.split(':')[0] !== hostname()) {
    return { host: named.publicHost, authority: named.authority(), isPlain: false }
  }
  const { host, protocol } = new URL(addressFor(context))
  return { host, authority: undefined, isPlain: protocol === 'http:' }
}

/** The version that the same commit declares; the newest, where images are built of another branch. FLEET_IMAGE_UNKNOWN. */
async function serviceImage(context: KindContext, name: string, room: ServicesOptions): Promise<ServiceImage> {
  const images = context.site['images'] as { list: string; on: { branch: string } } | undefined
  const declared = images?.on.branch === 'main' ? (await readImageList(context.files, images.list)).images : undefined
  const wanted = declared?.find((image) => image.name === name)?.version
  const found = await room.publishedImage(name, wanted)
  if (found === undefined) {
    throw new LarderError('FLEET_IMAGE_UNKNOWN', {
      message:
        wanted === undefined
          ? `No version of the image ${name} is published.`
          : `Version ${wanted} of the image ${name} is not published.`,
      hint: 'larder image ls shows those that are.',
      context: { image: name },
    })
  }
  const { host } = await machineRegistry(context, room)
  return { ...found, reference: `${host}/${name}@${found.digest}` }
}
