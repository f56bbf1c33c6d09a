import type { KindContext } from '../../core/index.ts'
import type { ServingMachines } from '../machine/converge-sessions.ts'
import type { MachineKindOptions } from '../machine/machine-kind-options.ts'
import type { ServiceMemory } from './service-memory.ts'
import type { ServiceImage, ServiceRegistry, ServiceRoom } from './service-room.ts'
import type { Balancer } from './service-spec.ts'

export interface ServiceKindOptions {
  memory: ServiceMemory
  /** The ways to machines: services are on those of the section `machines`. */
  machines: Pick<
    MachineKindOptions,
    'memory' | 'ownAddresses' | 'place' | 'plan' | 'apply' | 'limitOf' | 'resolve' | 'certify' | 'room'
  >
  /** Machines that a run leaves to services to be made again; known once the section `machines` was switched. */
  serving(context: KindContext): ServingMachines
  balancer: Balancer
  /** Mirrors and secrets of the site, and what a machine pulls images with. */
  room(context: KindContext, machine: string): Pick<ServiceRoom, 'secret' | 'mirror' | 'login' | 'authority'>
  /** The version of an image that services are to run. FLEET_IMAGE_UNKNOWN. */
  image(context: KindContext, name: string): Promise<ServiceImage>
  registry(context: KindContext): Promise<ServiceRegistry>
  /** Service that a run is to begin anew; undefined: none. */
  restartOf: (runId: string) => Promise<string | undefined>
}
