import { isLarderError } from '../../core/index.ts'
import type { Difference, Resource } from '../resource/resource-type.ts'
import type { ConvergeTarget, HostPlan, PlannedEntry } from './host-plan.ts'
import { lookAtHost, type Look } from './look-at-host.ts'
import { notifiersOf, notSeenReady, owedBy, readinessOwed } from './notification.ts'
import { orderResources } from './order-resources.ts'

/** What is about connections, not about what is declared. */
export const hostFailures = [
  'FLEET_HOST_UNREACHABLE',
  'FLEET_HOST_KEY_CHANGED',
  'FLEET_HOST_REFUSED',
  'FLEET_HOST_TIMEOUT',
  'FLEET_HOST_FLOODED',
  'FLEET_SUDO_REFUSED',
  'FLEET_MACHINE_BUSY',
  'FLEET_APPLY_FAILED',
] as const

/** Looks once and changes nothing. FLEET_RESOURCE_INVALID, CANCELLED. */
export async function planHost(
  { machine, host, resources }: ConvergeTarget,
  options: { timeoutMs: number; signal: AbortSignal },
): Promise<HostPlan> {
  try {
    const look = await lookAtHost(host, resources, options)
    return { machine, facts: look.facts, entries: planEntries(orderResources(machine, resources, look.facts), look) }
  } catch (error) {
    if (isLarderError(error, ...hostFailures)) return { machine, unreachable: error }
    throw error
  }
}

/** Pure. In the order in which they would be made so. */
export function planEntries(levels: readonly Resource[][], look: Look): PlannedEntry[] {
  const all = levels.flat()
  const changing = new Set<string>()
  return all.map((resource) => {
    const entry = planEntry(resource, look)
    const notifiers = notifiersOf(resource, all).filter((id) => changing.has(id))
    const told = [...new Set([...notifiers, ...owedBy(resource, all, look.pending)])].map(notifiedBy)
    if (entry.state !== 'ok' || told.length > 0) changing.add(resource.id)
    if (readinessOwed(resource, look.pending) !== undefined) told.push(notSeenReady)
    if (told.length === 0 || entry.state === 'maybe') return entry
    return { ...entry, state: 'change', differences: [...entry.differences, ...told] }
  })
}

function planEntry(resource: Resource, { looked }: Look): PlannedEntry {
  const { id, type, desired } = resource
  const seen = looked.get(resource) ?? { known: false, why: 'it was not asked for' }
  if (!seen.known) return { id, state: 'maybe', differences: [], why: seen.why }
  const differences = type.diff(desired, seen.facts)
  return { id, state: differences.length === 0 ? 'ok' : 'change', differences, why: undefined }
}

function notifiedBy(id: string): Difference {
  return { what: 'notified', to: `by ${id}` }
}
