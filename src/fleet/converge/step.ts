import type { HostFacts, Looked, Resource } from '../resource/resource-type.ts'
import type { Script } from '../shell/script.ts'
import type { Look } from './look-at-host.ts'
import { markOf, notifiersOf, readyMarkOf, shortOf } from './notification.ts'

/** One thing that is done on a host in a process group of its own, with a log and an exit code of its own. */
export interface Step {
  /** Of its record. */
  readonly id: string
  readonly resource: Resource
  readonly does: 'apply' | 'notified' | 'ready'
  readonly script: Script
  /** Ids of steps of the same level that must have ended well. */
  readonly needs: readonly string[]
  /** Marks of notifications that it will owe: made before it begins, taken away when it fails, but for those of before. */
  readonly owes: readonly string[]
  /** The mark of what is to be ready then: made before it begins, whatever becomes of it. */
  readonly expects: string | undefined
  /** Marks that it makes good: a pattern of sh(1). */
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
  /** Those that were begun before, and are asked at this level whether they are of use. */
  readonly unheard: readonly Resource[]
  readonly limits: { stepMs: number; readyMs: number }
}

/** Pure. First all that differs or could not be looked at, then notifications, then waiting until both, and what was begun before, are of use. */
export function planSteps(level: Level): Step[] {
  const { resources, all, look, facts, limits, told, unheard } = level
  const applied = resources.flatMap((resource, index): Step[] => {
    const seen: Looked<unknown> = look.looked.get(resource) ?? { known: false, why: '' }
    const known = seen.known ? seen.facts : undefined
    const differences = seen.known ? resource.type.diff(resource.desired, known) : []
    if (seen.known && differences.length === 0) return []
    const script = resource.type.apply(resource.desired, { facts: known, differences, host: facts })
    const targets = all.filter((one) => one.type.notified !== undefined && resource.notify.includes(one.id))
    const owes = targets.map(({ id }) => markOf(id, resource.id))
    const timeoutMs = stepMsOf(resource, limits)
    const expects = expectedOf(resource)
    return [{ id: `a${index}`, resource, does: 'apply', script, needs: [], owes, expects, pays: undefined, timeoutMs }]
  })
  const notified = told.flatMap((resource, index): Step[] => {
    const script = resource.type.notified?.(resource.desired)
    if (script === undefined) return []
    const needs = applied.filter((step) => step.resource === resource).map(({ id }) => id)
    const [pays, expects] = [`${shortOf(resource.id)}.*`, expectedOf(resource)]
    const timeoutMs = stepMsOf(resource, limits)
    return [{ id: `n${index}`, resource, does: 'notified', script, needs, owes: [], expects, pays, timeoutMs }]
  })
  const touched = [...new Set([...[...applied, ...notified].map(({ resource }) => resource), ...unheard])]
  const waited = touched.flatMap((resource, index): Step[] => {
    const script = resource.type.ready?.(resource.desired)
    if (script === undefined) return []
    const needs = [...applied, ...notified].filter((step) => step.resource === resource).map(({ id }) => id)
    const timeoutMs = resource.type.readyMs?.(resource.desired) ?? limits.readyMs
    const pays = readyMarkOf(resource.id)
    return [{ id: `r${index}`, resource, does: 'ready', script, needs, owes: [], expects: undefined, pays, timeoutMs }]
  })
  return [...applied, ...notified, ...waited]
}

function expectedOf({ id, type, desired }: Resource): string | undefined {
  return type.ready?.(desired) === undefined ? undefined : readyMarkOf(id)
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
