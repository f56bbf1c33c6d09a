import type { HostPlan, PlannedEntry } from '../converge/host-plan.ts'
import type { Difference } from '../resource/resource-type.ts'
import { isMade } from './is-made.ts'
import type { MachineChange, MachineChangeDetail, ObservedMachine, PlannedResource } from './machine-change.ts'

/** Pure. No change for a machine that is as declared. */
export function planMachine(observed: ObservedMachine): MachineChange[] {
  const { name, config, state, resources, waitsFor, renewed, plan, movesFrom } = observed
  const subject = `machine ${name}`
  const base = { machine: name, place: config.at }
  if (state === undefined) {
    const detail: MachineChangeDetail = { ...base, whole: undefined, ok: 0, resources: unseen(observed) }
    const summary = 'not looked at, since nobody here has vouched for this'
    return [{ subject, action: 'update', summary, detail }]
  }
  if (state !== 'running') {
    const whole = wholes[state]
    const detail: MachineChangeDetail = { ...base, whole, ok: 0, resources: unseen(observed) }
    const then =
      waitsFor === undefined
        ? `then ${counted(resources.length, 'resource')}`
        : `what is on it is known later: ${waitsFor}`
    const moved = `removed from where it was (${movesFrom}), with all that is on it, and ${isMade(config.at) ? 'made' : 'reached'}`
    const summary = `${movesFrom === undefined ? words[whole] : moved} (${config.at}), ${then}`
    return [{ subject, action: whole === 'create' ? 'create' : 'update', summary, detail }]
  }
  if (waitsFor !== undefined) {
    const detail: MachineChangeDetail = { ...base, whole: undefined, ok: 0, resources: [] }
    return [{ subject, action: 'update', summary: `known once what it needs is there: ${waitsFor}`, detail }]
  }
  if (plan === undefined) return []
  if ('unreachable' in plan) {
    const detail: MachineChangeDetail = { ...base, whole: undefined, ok: 0, resources: unseen(observed) }
    return [{ subject, action: 'update', summary: `cannot be reached now: ${plan.unreachable.message}`, detail }]
  }
  const changing = plannedResources(plan)
  if (changing.length === 0 && renewed.length === 0) return []
  const detail: MachineChangeDetail = { ...base, whole: undefined, ok: okOf(plan), resources: changing }
  return [{ subject, action: 'update', summary: summaryOf(changing, okOf(plan), renewed), detail }]
}

const wholes = { absent: 'create', stopped: 'start', other: 'replace' } as const
const words = {
  create: 'made',
  start: 'started',
  replace: 'removed and made again, since what cannot be changed while it runs is another',
}

/** What is left of an earlier commit goes. Hosts that existed before are only forgotten. */
export function planRemoval({ name, place }: { name: string; place: MachineChangeDetail['place'] }): MachineChange {
  const isOurs = isMade(place)
  return {
    subject: `machine ${name}`,
    action: 'remove',
    summary: isOurs ? 'not declared any more: removed, with all that is on it' : 'not declared any more: left as it is',
    detail: { machine: name, place, whole: 'remove', ok: 0, resources: [] },
  }
}

/** Those that are not as declared, as people are shown them. */
export function plannedResources({ entries }: { entries: readonly PlannedEntry[] }): PlannedResource[] {
  return entries.flatMap((entry): PlannedResource[] =>
    entry.state === 'ok'
      ? []
      : [{ id: entry.id, state: entry.state, differences: entry.differences.map(shown), why: entry.why }],
  )
}

export function okOf(plan: Exclude<HostPlan, { unreachable: unknown }>): number {
  return plan.entries.filter(({ state }) => state === 'ok').length
}

function shown({ what, from, to, isSecret }: Difference): PlannedResource['differences'][number] {
  const hide = (text: string | undefined): string | undefined => (text === undefined ? undefined : '(secret)')
  return isSecret === true ? { what, from: hide(from), to: hide(to) } : { what, from, to }
}

function unseen({ resources }: ObservedMachine): PlannedResource[] {
  return resources.map(({ id }) => ({ id, state: 'maybe', differences: [], why: undefined }))
}

const mostNamed = 3

function summaryOf(resources: readonly PlannedResource[], ok: number, renewed: readonly string[]): string {
  const changes = resources.filter(({ state }) => state === 'change')
  const maybe = resources.length - changes.length
  const named = changes.slice(0, mostNamed).map(({ id, differences }) => {
    const what = differences.map((one) => one.what).join(', ')
    return what === '' ? id : `${id} (${what})`
  })
  const more = changes.length > mostNamed ? ` and ${changes.length - mostNamed} more` : ''
  const parts = [
    ...(renewed.length === 0 ? [] : [`what ${renewed.join(' and ')} brings`]),
    ...(changes.length === 0 ? [] : [named.join(', ') + more]),
    ...(maybe === 0 ? [] : [`${maybe} depend on that`]),
    `${ok} as declared`,
  ]
  return parts.join('; ')
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
