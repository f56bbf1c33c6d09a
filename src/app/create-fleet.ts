import { hostname } from 'node:os'
import { join } from 'node:path'
import { LarderError, Mutex, type KindContext } from '../core/index.ts'
import {
  ConvergeSessions,
  applyHosts,
  controlFolderFor,
  createContainerPlace,
  forgetBases,
  makeBaseRoot,
  createLocalPlace,
  createMachineKind,
  createMachineMemory,
  createServiceMemory,
  createSiteSecrets,
  createSshPlace,
  createVmPlace,
  findOwnAddresses,
  networkOf,
  openFleetCredentials,
  planHosts,
  resolveMachineResources,
  type BaseRequest,
  type FleetCredentials,
  type MachineConfig,
  type MachineKindOptions,
  type MachineMemory,
  type MirrorSource,
  type Place,
  type RegistryAuthority,
  type SiteSecrets,
} from '../fleet/index.ts'
import { sourceText } from '../mirror/index.ts'
import { asAnyKind, type AnyKind } from '../pipeline/index.ts'
import type { Controller } from './controller.ts'
import { createNetwork, type Network } from './create-network.ts'
import type { DataFolder } from './data-folder.ts'
import { createMachineDisks } from './machine-disk.ts'
import type { MachineLogins } from './machine-logins.ts'
import { createServices, type OwnRegistry, type Services, type ServicesOptions } from './create-services.ts'
import type { Rooms } from './open-rooms.ts'

export interface FleetOptions extends Pick<ServicesOptions, 'limitOf' | 'ownRegistry' | 'publishedImage'> {
  dataFolder: DataFolder
  /** DOCKER_HOST: where the engine of containers listens. */
  environment: NodeJS.ProcessEnv
  /** Of the controller, as clients are told it. */
  publicUrl: () => string
  /** What makes a client of a mirror. MIRROR_UNKNOWN. */
  clientSetup: Controller['clientSetup']
  /** An image of ours, as machines pull it; undefined when none was built. */
  image: (name: string) => Promise<{ reference: string; digest: string } | undefined>
  logins: MachineLogins
}

/** What has to do with machines: their kind, what is known of them, and the ways to them. */
export interface Fleet {
  kinds: readonly AnyKind[]
  network: Network
  services: Services
  options: MachineKindOptions
  memory: MachineMemory
  secrets: SiteSecrets
  credentials: () => Promise<FleetCredentials>
  /** Where connections to machines that are kept open have their sockets. */
  controlFolder: string
  /** Removes what no machine needs any more: bases of former snapshots, networks that are not declared. */
  tidy: (declared: { site: string; networks: readonly string[] }, signal: AbortSignal) => Promise<void>
}

export function createFleet(rooms: Rooms, room: FleetOptions): Fleet {
  const { state, clock } = rooms
  const secrets = createSiteSecrets(join(room.dataFolder.root, 'age-identity'), rooms.secrets)
  const mask = (text: string): string => rooms.secrets.mask(text)
  const memory = createMachineMemory(state, clock, mask)
  const certifying = new Mutex()
  const network = createNetwork(rooms, room.dataFolder, memory)
  const ways = openWays(rooms, room, memory)
  const serviceMemory = createServiceMemory(state, clock, mask)
  const options: MachineKindOptions = {
    memory,
    services: serviceMemory,
    ownAddresses: (of) => findOwnAddresses(networkOf(of)),
    place: ways.place,
    credentials: async (machine) => (await ways.credentials()).of(machine),
    base: (request, context) => makeBase(rooms, room, { request, context }),
    room: (context, machine) => ({
      secret: (name) => secrets.read(context.files, name),
      mirror: (name) => mirrorSource(rooms, room, { name, url: addressFor(context, room.publicUrl()) }),
      image: async (name) => (await room.image(name)) ?? refuseImage(name),
      login: (image) => room.logins(machine, image),
      authority: async () => authorityOf(room.ownRegistry()),
    }),
    certify: (names) => certifying.run(() => certifyNames(rooms, room.dataFolder, names)),
    resolve: resolveMachineResources,
    plan: planHosts,
    apply: (targets, applying) => applyHosts(targets, { ...applying, secrets: rooms.secrets, clock }),
    limitOf: async (runId) => {
      const only = await room.limitOf(Number(runId))
      return only !== undefined && 'machines' in only ? only.machines : undefined
    },
  }
  const reached = (context: KindContext): string => addressFor(context, room.publicUrl())
  const sessions = new ConvergeSessions(options)
  const serving = (context: KindContext) => sessions.of(context)
  const services = createServices({ ...room, machines: options, memory: serviceMemory, serving, addressFor: reached })
  return {
    kinds: [network.kind, asAnyKind(createMachineKind(options, sessions)), services.kind],
    network,
    services,
    options,
    memory,
    secrets,
    credentials: ways.credentials,
    controlFolder: ways.controlFolder,
    async tidy(declared, signal) {
      const used = new Set((await memory.list()).map(({ place }) => place))
      for (const at of used) await (await ways.place(at)).tidy?.(declared, signal)
      await forgetBases(join(room.dataFolder.machines, 'bases'), clock.now())
    },
  }
}

function authorityOf(registry: OwnRegistry | undefined): RegistryAuthority | undefined {
  const certificate = registry?.authority()
  return registry === undefined || certificate === undefined
    ? undefined
    : { certificate, registry: registry.publicHost }
}

/** Loaded where it is used: most sites have no such services. */
async function certifyNames(
  { clock, secrets }: Rooms,
  { tls: folder }: DataFolder,
  names: readonly string[],
): Promise<string> {
  const certificates = await import('./tls/server-certificate.ts')
  const pem = await certificates.certifyNames({ folder, site: hostname(), clock }, names)
  secrets.add(pem)
  return pem
}

/** Opened when something asks for them: most controllers have no machines. */
function openWays({ clock, log }: Rooms, { dataFolder, environment }: FleetOptions, memory: MachineMemory) {
  const folder = dataFolder.machines
  const dockerHost = environment['DOCKER_HOST']
  let opened: Promise<FleetCredentials> | undefined
  const credentials = (): Promise<FleetCredentials> => (opened ??= openFleetCredentials(join(folder, 'credentials')))
  const controlFolder = controlFolderFor(folder)
  const openPlace = async (at: MachineConfig['at']): Promise<Place> => {
    const reach = { credentials: await credentials(), controlFolder, clock }
    if (at === 'container') {
      const engineFile = join(folder, 'container-engine')
      return createContainerPlace({ reach, dockerHost, engineFile, hasMachines: () => hasContainers(memory) })
    }
    if (at === 'vm') return createVmPlace({ reach, folder: join(folder, 'vms'), makeDisk: createMachineDisks(log) })
    if (at === 'ssh') return createSshPlace(reach)
    return createLocalPlace()
  }
  // What a place found out of this host holds as long as Larder runs.
  const places = new Map<MachineConfig['at'], Promise<Place>>()
  const place = async (at: MachineConfig['at']): Promise<Place> => {
    const opened = places.get(at) ?? openPlace(at)
    places.set(at, opened)
    return opened
  }
  return { credentials, controlFolder, place }
}

async function hasContainers(memory: MachineMemory): Promise<boolean> {
  return (await memory.list()).some(({ place }) => place === 'container')
}

/** What machines begin with, made of a mirror as this host reaches it. FLEET_MIRROR_UNKNOWN, FLEET_BASE_INCOMPLETE … */
async function makeBase(
  rooms: Rooms,
  room: FleetOptions,
  { request, context }: { request: BaseRequest; context: KindContext },
) {
  const { name, sealedAt } = await requirePublication(rooms, request.mirror)
  const source = await mirrorSource(rooms, room, { name, url: room.publicUrl() })
  const { progress, signal } = context
  const folder = join(room.dataFolder.machines, 'bases')
  return makeBaseRoot({
    source,
    packages: request.packages,
    boots: request.boots,
    folder,
    createdAt: sealedAt,
    clock: rooms.clock,
    progress,
    signal,
  })
}

async function requirePublication({ publisher }: Rooms, name: string) {
  const publication = await publisher.current(name)
  if (publication !== undefined) return { name, sealedAt: publication.sealedAt, snapshot: publication.snapshotNumber }
  throw new LarderError('FLEET_MIRROR_UNKNOWN', {
    message: `The mirror ${name} has published nothing yet.`,
    hint: 'larder mirror ls shows those that have.',
    context: { mirror: name },
  })
}

/** What makes a client of a mirror that is reached by this address. FLEET_MIRROR_UNKNOWN until something is published. */
async function mirrorSource(
  rooms: Rooms,
  { clientSetup }: FleetOptions,
  { name, url }: { name: string; url: string },
): Promise<MirrorSource> {
  const { snapshot } = await requirePublication(rooms, name)
  const setup = await clientSetup(name, url)
  return { format: setup.format, name, source: sourceText(setup), keys: [], snapshot }
}

/** Where nobody has said how others reach this controller: at the gateway of the first network, which is this host. */
function addressFor(context: KindContext, publicUrl: string): string {
  const url = new URL(publicUrl)
  const gateway = networkOf(context)?.subnets[0]?.gateway
  const isLoopback = url.hostname === 'localhost' || url.hostname.startsWith('127.')
  if (isLoopback && gateway !== undefined) url.hostname = gateway
  return url.href.replace(/\/$/, '')
}

function refuseImage(name: string): never {
  throw new LarderError('FLEET_IMAGE_UNKNOWN', {
    message: `No version of the image ${name} is published.`,
    hint: 'larder image ls shows those that are.',
    context: { image: name },
  })
}
