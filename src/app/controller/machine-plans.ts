import { ownValue } from '../../core/index.ts'
import {
  okOf,
  plannedResources,
  type ObservedMachine,
  type ServiceChange,
  type ServicesConfig,
} from '../../fleet/index.ts'
import type { LookedServices } from '../look-at-services.ts'
import type { MachinePlan, PlannedService } from '../machine-controller.ts'

/** Pure. What an apply would change on machines, and of services on them. */
export function planMachines(machines: readonly ObservedMachine[], services: LookedServices): MachinePlan[] {
  const asked = machines.map(({ name }) => name)
  const told = services.changes.map((change) => ({ change, at: tellAt(change, services.declared, asked) }))
  return machines.map((machine) => ({
    ...planOf(machine),
    services: told.flatMap(({ change, at }) => (at.includes(machine.name) ? [planOn(machine.name, change)] : [])),
  }))
}

/**
 * Where it differs. A service goes to all of its machines together: where nobody asked about those, it is told of at the first
 * of its machines that somebody asked about.
 */
function tellAt(
  { detail: { service, machines, leaves } }: ServiceChange,
  declared: ServicesConfig,
  asked: readonly string[],
): string[] {
  if (leaves !== undefined) return [leaves.machine]
  const differing = machines.map(({ machine }) => machine).filter((machine) => asked.includes(machine))
  if (differing.length > 0) return differing
  return asked.filter((machine) => ownValue(declared, service)?.machines.includes(machine) === true).slice(0, 1)
}

function planOn(machine: string, { summary, detail: { service, machines } }: ServiceChange): PlannedService {
  const own = machines.find((one) => one.machine === machine)
  return { service, summary, unreachable: own?.unreachable, resources: own?.resources ?? [] }
}

const wholes = { absent: 'create', stopped: 'start', other: 'replace', running: undefined } as const

function planOf({
  name,
  state = 'running',
  plan,
  resources,
  waitsFor,
}: ObservedMachine): Omit<MachinePlan, 'services'> {
  const base = { name, machine: wholes[state], unreachable: undefined, waitsFor, ok: 0 }
  if (plan === undefined) {
    const maybe = resources.map(({ id }) => ({ id, state: 'maybe' as const, differences: [], why: undefined }))
    return { ...base, resources: maybe }
  }
  if ('unreachable' in plan) return { ...base, unreachable: plan.unreachable.message, resources: [] }
  return { ...base, ok: okOf(plan), resources: plannedResources(plan) }
}
