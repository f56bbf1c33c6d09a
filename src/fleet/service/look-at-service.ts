import { isLarderError, type LarderError } from '../../core/index.ts'
import { isOnlyAsked } from '../converge/notification.ts'
import type { HostPlan, PlannedEntry } from '../converge/host-plan.ts'
import { hostFailures } from '../converge/plan-host.ts'
import type { Host } from '../host/host.ts'
import type { KeptRelease } from './kept-release.ts'
import type { FormerUnit, FoundUnit, WantedUnit } from './service-unit.ts'
import type { ServerWatch, ServerView } from './server-watch.ts'
import type { ServiceOnMachine } from './service-resources.ts'

/** A machine of a service, and what the service is to be there. */
export interface ServiceTarget extends ServiceOnMachine {
  readonly machine: string
  readonly host: Host
  /** What ran there last, as far as is known, was a container. */
  readonly wasContainer: boolean
}

/** How a service was found on a machine. */
export interface FoundService {
  readonly target: ServiceTarget
  /** Why nothing could be seen there. */
  readonly problem: LarderError | undefined
  /** What is not as declared. */
  readonly differences: readonly PlannedEntry[]
  readonly isActive: boolean
  /** Units that ran it, and are not to run it any more. */
  readonly formers: readonly FormerUnit[]
  /** It is of use, as the machine itself finds by the probe of the release that is wanted. */
  readonly isReady: boolean
  /** A release was taking the place of another, and whether it is good was never known. */
  readonly isBegun: boolean
  /** At the load balancers that are told of it; undefined where there are none. */
  readonly view: ServerView | undefined
  /** At the one that thinks the least of it. */
  readonly leastView: ServerView | undefined
  /** Clients come to it. */
  readonly isServing: boolean
}

export interface LookRoom {
  plan: (targets: readonly ServiceTarget[]) => Promise<HostPlan[]>
  kept: KeptRelease
  watch: ServerWatch
}

/** Looks at all machines of a service and at its load balancers, all at once. What `ServerWatch` throws. */
export async function lookAtService(
  service: string,
  targets: readonly ServiceTarget[],
  { plan, kept, watch }: LookRoom,
): Promise<FoundService[]> {
  const [plans, states, views] = await Promise.all([
    plan(targets),
    Promise.all(targets.map((target) => lookAtUnit(kept, target.host, wantedUnit(service, target)))),
    watch.isBalanced ? watch.look() : undefined,
  ])
  return targets.map((target, index): FoundService => {
    const { machine } = target
    const planned = plans.find((one) => one.machine === machine)
    const state = states[index]!
    const problem = problemOf(planned) ?? ('problem' in state ? state.problem : undefined)
    const { isActive, isBegun, formers } = 'problem' in state ? unseen : state
    const entries = planned !== undefined && 'entries' in planned ? planned.entries : []
    const seen = views?.get(machine) ?? []
    const isServing = views === undefined ? isActive : seen.some((one) => one.state === 'up')
    return {
      target,
      problem,
      differences: entries.filter((entry) => entry.state !== 'ok'),
      isActive,
      formers,
      isReady: entries.some((entry) => entry.id === `ready:${service}` && (entry.state === 'ok' || isOnlyAsked(entry))),
      isBegun,
      view: views && watch.ownView(views, machine),
      leastView: views && watch.view(views, machine),
      isServing,
    }
  })
}

const unseen: FoundUnit = { isActive: false, isBegun: false, formers: [] }

/** What is asked about on a machine. */
export function wantedUnit(service: string, { unit, reference, wasContainer }: ServiceTarget): WantedUnit {
  return { service, unit, isContainer: reference !== undefined, wasContainer }
}

/** What an apply has to do there; nothing where it is as declared, and clients come to it. */
export function isToDo({ problem, differences, isBegun, formers, view }: FoundService): boolean {
  return problem !== undefined || differences.length > 0 || isBegun || formers.length > 0 || view === 'draining'
}

/** It does not answer, and no load balancer says whether clients come to it. */
export function isNotSeen({ problem, view }: FoundService): boolean {
  return problem !== undefined && view === undefined
}

/** That is away from its clients meanwhile. */
export function isDisruptive({ target, differences, formers }: FoundService): boolean {
  if (formers.length > 0) return true
  const harmless = new Set(target.preparation.map(({ id }) => id))
  return differences.some((entry) => !harmless.has(entry.id) && !isOnlyAsked(entry) && !isOnlyReadAgain(entry))
}

/** systemd reads its text, and nothing is begun anew. */
function isOnlyReadAgain({ id, differences }: PlannedEntry): boolean {
  return id.startsWith('service:') && differences.length > 0 && differences.every(({ what }) => what === 'loaded')
}

function problemOf(plan: HostPlan | undefined): LarderError | undefined {
  return plan !== undefined && 'unreachable' in plan ? plan.unreachable : undefined
}

async function lookAtUnit(
  kept: KeptRelease,
  host: Host,
  unit: WantedUnit,
): Promise<FoundUnit | { problem: LarderError }> {
  try {
    return await kept.look(host, unit)
  } catch (error) {
    if (isLarderError(error, ...hostFailures)) return { problem: error }
    throw error
  }
}
