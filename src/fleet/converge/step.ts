import type { HostFacts, Looked, Resource } from '../resource/resource-type.ts'
import type { Script } from '../shell/script.ts'
import type { Look } from './look-at-host.ts'
import { markOf, notifiersOf, shortOf } from './notification.ts'

/** One thing that is done on a host in a process group of its own, with a log and an exit code of its own. */
export interface Step {
  /** Of its record. */
  readonly id: string
  readonly resource: Resource
  readonly does: 'apply' | 'notified' | 'ready'
  readonly script: Script
  /** Ids of steps of the same level that must have ended well. */
  readonly needs: readonly string[]
  /** Marks of notifications that it will owe: made before it begins, taken away when it fails. */
  readonly owes: readonly string[]
  /** Beginning of the marks that it makes good. */
  readonly pays: string | undefined
  readonly timeoutMs: number
}

export interface Level {
  readonly resources: readonly Resource[]
  /** Of the machine, whatever their level. */
  readonly all: readonly Resource[]
  readonly look: Look
  readonly facts: HostFacts
  /** Those that are told at this level. */
  readonly told: readonly Resource[]
  readonly limits: { stepMs: number; readyMs: number }
}

/** Pure. First all that differs or could not be looked at, then notifications, then waiting until both are of use. */
export function planSteps(level: Level): Step[] {
  const { resources, all, look, facts, limits, told } = level
  const applied = resources.flatMap((resource, index): Step[] => {
    const seen: Looked<unknown> = look.looked.get(resource) ?? { known: false, why: '' }
    const known = seen.known ? seen.facts : undefined
    const differences = seen.known ? resource.type.diff(resource.desired, known) : []
    if (seen.known && differences.length === 0) return []
    const script = resource.type.apply(resource.desired, { facts: known, differences, host: facts })
    const targets = all.filter((one) => one.type.notified !== undefined && resource.notify.includes(one.id))
    const owes = targets.map(({ id }) => markOf(id, resource.id))
    const timeoutMs = stepMsOf(resource, limits)
    return [{ id: `a${index}`, resource, does: 'apply', script, needs: [], owes, pays: undefined, timeoutMs }]
  })
  const notified = told.flatMap((resource, index): Step[] => {
    const script = resource.type.notified?.(resource.desired)
    if (script === undefined) return []
    const needs = applied.filter((step) => step.resource === resource).map(({ id }) => id)
    const pays = shortOf(resource.id)
    const timeoutMs = stepMsOf(resource, limits)
    return [{ id: `n${index}`, resource, does: 'notified', script, needs, owes: [], pays, timeoutMs }]
  })
  const touched = [...new Set([...applied, ...notified].map(({ resource }) => resource))]
  const waited = touched.flatMap((resource, index): Step[] => {
    const script = resource.type.ready?.(resource.desired)
    if (script === undefined) return []
    const needs = [...applied, ...notified].filter((step) => step.resource === resource).map(({ id }) => id)
    const timeoutMs = resource.type.readyMs?.(resource.desired) ?? limits.readyMs
    return [{ id: `r${index}`, resource, does: 'ready', script, needs, owes: [], pays: undefined, timeoutMs }]
  })
  return [...applied, ...notified, ...waited]
}

function stepMsOf({ type, desired }: Resource, { stepMs }: Level['limits']): number {
  return type.applyMs?.(desired) ?? stepMs
}

/** At which level each is told: its own, or after the last that notifies it, where that comes later. */
export function tellingLevels(levels: readonly Resource[][]): Map<Resource, number> {
  const levelOf = new Map(levels.flatMap((level, index) => level.map((resource) => [resource.id, index] as const)))
  const all = levels.flat()
  const telling = new Map<Resource, number>()
  for (const resource of all) {
    const notifiers = notifiersOf(resource, all)
    if (notifiers.length === 0) continue
    const last = Math.max(...notifiers.map((id) => levelOf.get(id)! + 1))
    telling.set(resource, Math.max(levelOf.get(resource.id)!, last))
  }
  return telling
}
