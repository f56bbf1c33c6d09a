import type { PlannedResource } from '../fleet/index.ts'
import type { RunSummary } from './controller.ts'

/** What may be asked about machines. Dates are ISO 8601 strings in UTC. */
export interface MachineController {
  /** Those that the site declares, and those that are left of an earlier commit; by name. */
  machines(): Promise<MachineSummary[]>
  /** FLEET_MACHINE_UNKNOWN. */
  machine(name: string): Promise<MachineDetail>
  /**
   * Looks at machines and at services on them now, and tells what an apply would change. Nothing is changed. Default: all of them.
   * FLEET_MACHINE_UNKNOWN.
   */
  planMachines(names?: readonly string[]): Promise<MachinePlan[]>
  /** Applies main again, on these machines alone (default: on all). Answers at once. FLEET_MACHINE_UNKNOWN. */
  applyMachines(names?: readonly string[]): Promise<RunSummary>
  /** The key that a host of place `ssh` shows now. FLEET_HOST_UNREACHABLE, FLEET_MACHINE_UNKNOWN. */
  machineKey(name: string): Promise<MachineKey>
  /** From now on the host is known by the key of this fingerprint, which it must show now. FLEET_HOST_KEY_CHANGED. */
  trustMachine(name: string, fingerprint: string): Promise<MachineKey>
  /** Addresses that are given now, by address; none where the site has no network. */
  networkLeases(): Promise<NetworkLease[]>
  /** `age1…`: whom secrets of the site are encrypted for. */
  siteRecipient(): Promise<string>
}

export type MachineStateName = 'converged' | 'changing' | 'different' | 'failed' | 'unreachable' | 'new'

export interface MachineSummary {
  name: string
  place: 'container' | 'vm' | 'ssh' | 'local'
  state: MachineStateName
  address: string | undefined
  os: string | undefined
  /** Why it is in no good state. */
  why: string | undefined
  checkedAt: string | undefined
  changedAt: string | undefined
  /** False for one that is left of an earlier commit. */
  isDeclared: boolean
}

export interface MachineDetail extends MachineSummary {
  /** How a host of place `ssh` is reached. */
  ssh: { address: string; port: number; user: string } | undefined
  /** Run that looked at it last. */
  run: number | undefined
  /** Of resources: how many were as declared. */
  ok: number
  /** Those that were not. */
  resources: { id: string; outcome: string; why: string | undefined }[]
}

export interface MachinePlan {
  name: string
  /** What becomes of the machine itself; undefined: it is there. */
  machine: 'create' | 'start' | 'replace' | undefined
  /** Why it could not be looked at. */
  unreachable: string | undefined
  /** What is on it is known only once this is there: a mirror, an image. */
  waitsFor: string | undefined
  /** How many resources are as declared. */
  ok: number
  /** The others. `maybe`: depends on what is changed before it. */
  resources: PlannedResource[]
  /** Services on it that are not as declared. */
  services: PlannedService[]
}

export interface PlannedService {
  service: string
  /** What becomes of it, on all of its machines. */
  summary: string
  /** Why it could not be looked at on this machine. */
  unreachable: string | undefined
  /** What is not as declared on this machine. */
  resources: PlannedResource[]
}

export interface MachineKey {
  machine: string
  /** `SHA256:…`, as ssh-keygen -l prints it. */
  fingerprint: string
  isTrusted: boolean
  /** The line of authorized_keys by which Larder may log in there. */
  authorizedKey: string
}

export interface NetworkLease {
  address: string
  mac: string
  /** What the client calls itself; '' where it does not say. Not to be believed. */
  hostname: string
  expiresAt: string
  network: string | undefined
  /** Name that the address is reserved for. */
  reservedFor: string | undefined
}
