import { LarderError } from '../../core/index.ts'
import type { HostFacts, Resource } from '../resource/resource-type.ts'
import { holdsFor } from '../resource/when.ts'

/**
 * What holds for a host, in levels: each comes after all that it needs. Within a level, as written. What is named but is not for
 * this host is no hindrance. FLEET_RESOURCE_INVALID for two of one id, and for a circle.
 */
export function orderResources(machine: string, resources: readonly Resource[], host: HostFacts): Resource[][] {
  const byId = new Map<string, Resource>()
  for (const resource of resources) {
    if (!holdsFor(resource.when, host)) continue
    const other = byId.get(resource.id)
    if (other !== undefined) throw twice(machine, resource, other)
    byId.set(resource.id, resource)
  }
  const levels = new Map<string, number>()
  const levelOf = (resource: Resource, chain: readonly string[]): number => {
    const known = levels.get(resource.id)
    if (known !== undefined) return known
    if (chain.includes(resource.id)) throw circular(machine, [...chain.slice(chain.indexOf(resource.id)), resource.id])
    const before = resource.after.flatMap((id) => byId.get(id) ?? [])
    const level = Math.max(-1, ...before.map((one) => levelOf(one, [...chain, resource.id]))) + 1
    levels.set(resource.id, level)
    return level
  }
  const ordered: Resource[][] = []
  for (const resource of byId.values()) (ordered[levelOf(resource, [])] ??= []).push(resource)
  return Array.from(ordered, (level) => (level as Resource[] | undefined) ?? [])
}

function twice(machine: string, one: Resource, other: Resource): LarderError {
  return new LarderError('FLEET_RESOURCE_INVALID', {
    message: `Machine ${machine}: ${one.id} is declared twice: at ${other.origin} and at ${one.origin}.`,
    hint: 'Leave one of them.',
    context: { machine, resource: one.id },
  })
}

function circular(machine: string, chain: readonly string[]): LarderError {
  return new LarderError('FLEET_RESOURCE_INVALID', {
    message: `Machine ${machine}: each of these comes after the next, in a circle: ${chain.join(' → ')}.`,
    hint: 'Leave one `after` or `notify` out.',
    context: { machine, resources: chain },
  })
}
