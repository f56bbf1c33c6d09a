import { createHash } from 'node:crypto'
import { join } from 'node:path'
import {
  createNetworkKind,
  createNetworkService,
  findOwnAddresses,
  machinesOf,
  machineSpecs,
  networkOf,
  type MachineMemory,
  type NetworkService,
} from '../fleet/index.ts'
import { asAnyKind, type AnyKind } from '../pipeline/index.ts'
import { isThere, type DataFolder } from './data-folder.ts'
import type { Rooms } from './open-rooms.ts'

/** What has to do with addresses and names: their kind, and the servers that give them. */
export interface Network {
  kind: AnyKind
  leases: NetworkService['leases']
  status: NetworkService['status']
  obstacle: NetworkService['obstacle']
  /** Ends the servers, which would go on without the controller. Leases stay. */
  stop: () => Promise<void>
  /** Starts again what has died, and gives names to clients that came. */
  tend: () => Promise<void>
}

export function createNetwork({ clock, log }: Rooms, { root }: DataFolder, memory: MachineMemory): Network {
  const folder = join(root, 'network')
  // Names the units of systemd: a host may have several data folders, and one may change the name of its site.
  const site = createHash('sha256').update(root).digest('hex').slice(0, 8)
  const room = { folder, site, clock, log }
  let opened: Promise<NetworkService> | undefined
  const open = (): Promise<NetworkService> => (opened ??= createNetworkService(room))
  /** Most sites have no network here: nothing is asked of the system for them. */
  const isUsed = (): Promise<boolean> => isThere(join(folder, 'applied.json'))
  const service: NetworkService = {
    status: async () =>
      (await isUsed()) ? (await open()).status() : { state: undefined, dhcp: undefined, dns: undefined },
    obstacle: async () => ((await isUsed()) ? (await open()).obstacle() : undefined),
    prepare: async (wanted) => (await open()).prepare(wanted),
    apply: async (wanted) => (await open()).apply(wanted),
    tend: async () => ((await isUsed()) ? (await open()).tend() : []),
    leases: async () => ((await isUsed()) ? (await open()).leases() : []),
    stop: async () => (await open()).stop(),
  }
  const kind = createNetworkKind({
    room,
    service,
    async machines(context) {
      const desired = machinesOf(context.site)
      const [known, own] = [await memory.list(), await findOwnAddresses(networkOf(context))]
      const specs = machineSpecs(desired, { ...context, known, own })
      return [...specs.values()].flatMap(({ name, addresses: [first] }) =>
        first === undefined ? [] : [{ name, address: first.address }],
      )
    },
  })
  return {
    kind: asAnyKind(kind),
    leases: () => service.leases(),
    status: () => service.status(),
    obstacle: () => service.obstacle(),
    stop: async () => {
      // Also what was begun, and never done.
      if (await isThere(folder)) await service.stop()
    },
    async tend() {
      for (const started of await service.tend()) log.warn(`${started} had died, and is started again`)
    },
  }
}
