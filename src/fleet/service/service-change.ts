import type { Change } from '../../core/index.ts'
import type { PlannedResource } from '../machine/machine-change.ts'
import type { FoundService } from './look-at-service.ts'
import type { ServiceConfig } from './service-schema.ts'

/** A service as it is declared, with how it was found. */
export interface ObservedService {
  name: string
  config: ServiceConfig
  /** What is not published or made yet, so that nobody knows yet what is to be done. */
  waitsFor: string | undefined
  /** Undefined: nobody looked. */
  found: readonly FoundService[] | undefined
  /** Of its image, that ran on each machine as far as it is known. */
  versions: ReadonlyMap<string, string | undefined>
  isRestarted: boolean
}

export interface ObservedServices {
  services: readonly ObservedService[]
  /** Left of an earlier commit. */
  leftOver: readonly LeftService[]
}

export interface LeftService {
  name: string
  machine: string
  unit: string
}

/** What a plan tells of a service. JSON. */
export interface ServiceChangeDetail {
  service: string
  /** In the order in which they are renewed. */
  machines: ServiceMachineChange[]
  /** `side by side`: it runs nowhere yet. */
  order: 'one after the other' | 'side by side' | undefined
  /** Where it is declared no more; then it is about that alone. */
  leaves: { machine: string; unit: string } | undefined
}

export interface ServiceMachineChange {
  machine: string
  /** Versions of its image; undefined: a unit, or not known. */
  from: string | undefined
  to: string | undefined
  /** Why it could not be looked at. */
  unreachable: string | undefined
  /** What is not as declared. */
  resources: PlannedResource[]
}

export interface ServiceChange extends Change {
  detail: ServiceChangeDetail
}

/** What a switch needs, as JSON: all is looked at again, whatever was found before. */
export interface StagedService {
  service: string
  leaves: { machine: string; unit: string } | undefined
}
