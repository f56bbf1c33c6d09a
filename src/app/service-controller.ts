import type { ServerStatistics } from '../fleet/index.ts'
import type { RunSummary } from './controller.ts'

/** What may be asked about services. Dates are ISO 8601 strings in UTC. */
export interface ServiceController {
  /** Those that the site declares, and those that are left of an earlier commit; by name. */
  services(): Promise<ServiceSummary[]>
  /** Its load balancers are asked now. FLEET_SERVICE_UNKNOWN. */
  service(name: string): Promise<ServiceDetail>
  /** Begins it anew on one machine after the other, as a run of main. Answers at once. FLEET_SERVICE_UNKNOWN. */
  restartService(name: string): Promise<RunSummary>
}

export interface ServiceSummary {
  name: string
  /** The worst of its machines; `new`: no run has come to it yet. */
  state: ServiceStateName
  /** Of its image; undefined for a unit. */
  image: string | undefined
  /** Versions that run, without doubles: more than one in the middle of a rollout. */
  versions: string[]
  machines: string[]
  /** False for one that is left of an earlier commit. */
  isDeclared: boolean
}

export type ServiceStateName = 'ready' | 'changing' | 'failed' | 'new'

export interface ServiceDetail extends ServiceSummary {
  /** In the order in which they are rolled. */
  onMachines: ServiceOnMachineState[]
  /** What its load balancers say now. */
  balancers: BalancerStatus[]
}

export interface ServiceOnMachineState {
  machine: string
  state: ServiceStateName
  version: string | undefined
  /** Reference with digest. */
  reference: string | undefined
  why: string | undefined
  /** Run that was at it last. */
  run: number | undefined
  checkedAt: string | undefined
  changedAt: string | undefined
}

export interface BalancerStatus {
  machine: string
  /** Why it says nothing. */
  away: string | undefined
  servers: {
    machine: string
    state: 'up' | 'down' | 'draining' | 'maintenance'
    sessions: number
    why: string | undefined
    statistics: ServerStatistics
  }[]
}
