import type { KindContext } from '../../core/index.ts'
import type { ConvergeTarget, HostPlan, HostResult } from '../converge/host-plan.ts'
import type { OwnAddresses } from '../network/own-addresses.ts'
import type { MachineCredentials, MachineSpec, Place } from '../place/place.ts'
import type { ServiceMemory } from '../service/service-memory.ts'
import type { Resource, ResolveRoom } from '../resource/resource-type.ts'
import type { MachineMemory } from './machine-memory.ts'
import type { Certify, MachineToResolve } from './machine-resources.ts'
import type { MachineConfig } from './machine-schema.ts'

export interface MachineKindOptions {
  memory: MachineMemory
  /** Where services are known to be. */
  services: Pick<ServiceMemory, 'list'>
  /** What this host has in the networks of the site. */
  ownAddresses: (of: Pick<KindContext, 'site' | 'siteName'>) => Promise<OwnAddresses>
  /** Where machines live, by what `at:` says. */
  place: (at: MachineConfig['at']) => Promise<Place>
  credentials: (machine: string) => Promise<MachineCredentials>
  /** What a container or a VM begins with; made where it is not there yet, which takes a minute. */
  base(spec: BaseRequest, context: KindContext): Promise<NonNullable<MachineSpec['base']>>
  /** Mirrors, images and secrets of the site, for what is declared on a machine. */
  room(context: KindContext, machine: string): Pick<ResolveRoom, 'secret' | 'mirror' | 'image' | 'login' | 'authority'>
  /** By Larder’s own authority. TLS_UNUSABLE. */
  certify: Certify
  resolve(machine: MachineToResolve, room: ResolveRoom): Promise<Resource[]>
  plan(targets: readonly ConvergeTarget[], options: { signal: AbortSignal }): Promise<HostPlan[]>
  apply(targets: readonly ConvergeTarget[], options: ApplyRoom): Promise<HostResult[]>
  /** Machines that a run is about; undefined: all of them. */
  limitOf(runId: string): Promise<readonly string[] | undefined>
}

export interface BaseRequest {
  /** Name of the mirror. */
  mirror: string
  packages: readonly string[]
  /** With a kernel, for a machine that starts by itself. */
  boots: boolean
}

export interface ApplyRoom {
  signal: AbortSignal
  /** Names what is under way on the machine, so that a run that goes on finds it. */
  runId: string
  /** Who holds the machine meanwhile, for people. */
  owner: string
  /** A line for people. */
  log: (line: string) => void
  /** Until a resource is of use. Default 60,000. */
  readyMs?: number
}

/** What others are told who find a machine taken by a run. */
export function ownerOf({ siteName, runId }: Pick<KindContext, 'siteName' | 'runId'>): string {
  return `Larder of ${siteName}, run ${runId}`
}
