import type { Change } from '../../core/index.ts'
import type { HostPlan } from '../converge/host-plan.ts'
import type { MachineSpec, MachineState } from '../place/place.ts'
import type { Resource } from '../resource/resource-type.ts'
import type { MachineConfig } from './machine-schema.ts'

/** A machine as it is declared, with how it was found. */
export interface ObservedMachine {
  name: string
  config: MachineConfig
  spec: MachineSpec
  /** The mirror that it comes from, or would; undefined for hosts that exist. */
  base: string | undefined
  resources: readonly Resource[]
  /** What is not published or built yet, so that nobody knows yet what is to be on it. */
  waitsFor: string | undefined
  /** The mirror that it begins with is published by the same run: what it will have is known then. */
  isBaseToCome: boolean
  /** Of the mirrors and images that it uses, those that the same run publishes anew: `mirror base`. */
  renewed: readonly string[]
  /** Undefined: nobody looked, since who asks may not run anything on machines. */
  state: MachineState | undefined
  /** Of a machine that runs. */
  plan: HostPlan | undefined
  /** Where Larder has made it before, if that was elsewhere: it is removed there. */
  movesFrom: MachineConfig['at'] | undefined
}

export interface ObservedMachines {
  machines: readonly ObservedMachine[]
  /** Left of an earlier commit. */
  leftOver: readonly LeftMachine[]
}

export interface LeftMachine {
  name: string
  place: MachineConfig['at']
  /** It has the address of one that is declared. */
  isInTheWay: boolean
}

/** What a plan tells of a machine. JSON. */
export interface MachineChangeDetail {
  machine: string
  place: MachineConfig['at']
  /** What becomes of the machine itself. */
  whole: 'create' | 'start' | 'replace' | 'remove' | undefined
  /** How many resources are as declared. */
  ok: number
  resources: PlannedResource[]
}

export interface PlannedResource {
  id: string
  state: 'change' | 'maybe'
  differences: { what: string; from: string | undefined; to: string | undefined }[]
  why: string | undefined
}

export interface MachineChange extends Change {
  detail: MachineChangeDetail
}

/** What a switch needs, as JSON: the machine is looked at again, whatever was found before. */
export interface StagedMachine {
  machine: string
  place: MachineConfig['at']
  action: 'converge' | 'remove'
}
