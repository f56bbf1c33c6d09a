import type { LarderError } from '../../core/index.ts'
import type { Host } from '../host/host.ts'
import type { Difference, HostFacts, Resource } from '../resource/resource-type.ts'

/** A machine, with all that is declared on it. */
export interface ConvergeTarget {
  readonly machine: string
  readonly host: Host
  readonly resources: readonly Resource[]
}

/** `maybe`: it depends on what is changed before it, and could not be looked at yet. */
export interface PlannedEntry {
  readonly id: string
  readonly state: 'ok' | 'change' | 'maybe'
  readonly differences: readonly Difference[]
  readonly why: string | undefined
}

/** What an apply would change on a machine, or why nobody knows. */
export type HostPlan =
  | { readonly machine: string; readonly facts: HostFacts; readonly entries: readonly PlannedEntry[] }
  | { readonly machine: string; readonly unreachable: LarderError }

/** `skipped`: something that comes first has failed. `unknown`: the connection was lost; the next run looks again. */
export type Outcome = 'ok' | 'changed' | 'failed' | 'skipped' | 'unknown'

export interface AppliedEntry {
  readonly id: string
  readonly outcome: Outcome
  /** Of what failed or was skipped. */
  readonly why: string | undefined
  /** What it printed, the last 64 KiB, with secrets masked. */
  readonly log: string
}

export type HostResult =
  | {
      readonly machine: string
      readonly facts: HostFacts
      readonly entries: readonly AppliedEntry[]
      /** Why it went no further: the host answers no more, or somebody else has taken it meanwhile. */
      readonly lost?: LarderError | undefined
    }
  | { readonly machine: string; readonly unreachable: LarderError }
