import { plannedResources } from '../machine/plan-machine.ts'
import { isToDo, type FoundService } from './look-at-service.ts'
import { unitOfService } from './service-entries.ts'
import type {
  LeftService,
  ObservedService,
  ObservedServices,
  ServiceChange,
  ServiceMachineChange,
} from './service-change.ts'

/** Pure. What may have the port, or the unit, of a service that is to be changed there goes first. */
export function planServices({ services, leftOver }: ObservedServices): ServiceChange[] {
  const isFirst = (left: LeftService): boolean => isInTheWay(left, services)
  return [
    ...leftOver.filter(isFirst).map(planLeaving),
    ...services.flatMap(planService),
    ...leftOver.filter((one) => !isFirst(one)).map(planLeaving),
  ]
}

/** Which port one had that is declared nowhere any more, nobody knows. One that moves to other machines is there before it goes here. */
function isInTheWay({ name, machine, unit }: LeftService, services: readonly ObservedService[]): boolean {
  const there = services.filter(({ config }) => config.machines.includes(machine))
  const elsewhere = services.find((one) => one.name === name)
  return there.some(({ name: other, config, found, versions }) => {
    if (unitOfService(other, config) === unit) return true
    if (elsewhere !== undefined) return config.port === elsewhere.config.port
    const seen = found?.find(({ target }) => target.machine === machine)
    return !versions.has(machine) || seen === undefined || isToDo(seen)
  })
}

/** Pure. No change for a service that is as declared on all of its machines. */
function planService(observed: ObservedService): ServiceChange[] {
  const { name, config, found, waitsFor, versions, isRestarted } = observed
  const isNew = versions.size === 0
  const base = { subject: `service ${name}`, action: isNew ? ('create' as const) : ('update' as const) }
  const unseen = config.machines.map((machine) => unseenMachine(machine, versions.get(machine)))
  if (waitsFor !== undefined) {
    const detail = { service: name, machines: unseen, order: undefined, leaves: undefined }
    return [{ ...base, summary: `known once what it needs is there: ${waitsFor}`, detail }]
  }
  if (found === undefined) {
    const detail = { service: name, machines: unseen, order: undefined, leaves: undefined }
    return [{ ...base, summary: 'not looked at, since nobody here has vouched for this', detail }]
  }
  const todo = found.filter((one) => isToDo(one) || isRestarted)
  if (todo.length === 0) return []
  const runsNowhere = found.every((one) => !one.isActive && !one.isBegun && !one.isServing)
  // As they are renewed: who serves nobody comes first.
  const inTurn = todo.toSorted((one, other) => Number(one.isServing) - Number(other.isServing))
  const machines = inTurn.map((one) => machineChange(one, versions.get(one.target.machine)))
  const order = runsNowhere ? 'side by side' : 'one after the other'
  const summary = summaryOf(machines, { order, isRestarted })
  return [{ ...base, summary, detail: { service: name, machines, order, leaves: undefined } }]
}

/** What is left of an earlier commit goes. */
function planLeaving({ name, machine, unit }: LeftService): ServiceChange {
  return {
    subject: `service ${name} on ${machine}`,
    action: 'remove',
    summary: 'not declared there any more: stopped, and removed',
    detail: { service: name, machines: [], order: undefined, leaves: { machine, unit } },
  }
}

function unseenMachine(machine: string, from: string | undefined): ServiceMachineChange {
  return { machine, from, to: undefined, unreachable: undefined, resources: [] }
}

function machineChange(found: FoundService, from: string | undefined): ServiceMachineChange {
  const { target, problem, differences, formers } = found
  const ends = { what: 'runs it', from: 'yes', to: 'no' }
  return {
    machine: target.machine,
    from,
    to: target.version,
    unreachable: problem?.message,
    resources: [
      ...plannedResources({ entries: differences }),
      ...formers.map(({ unit }) => ({
        id: `unit:${unit}`,
        state: 'change' as const,
        differences: [ends],
        why: undefined,
      })),
    ],
  }
}

function summaryOf(
  machines: readonly ServiceMachineChange[],
  { order, isRestarted }: { order: string; isRestarted: boolean },
): string {
  const [first] = machines
  const to = first?.to
  const froms = [...new Set(machines.map(({ from }) => from))]
  const isUpgrade = to !== undefined && froms.some((from) => from !== undefined && from !== to)
  const release = isUpgrade ? `${froms.map((from) => from ?? 'nothing').join(', ')} → ${to}` : (to ?? 'its unit')
  const what = isRestarted ? `${release}, begun anew` : release
  const away = machines.find(({ unreachable }) => unreachable !== undefined)
  const told = away === undefined ? '' : `; cannot be reached now: ${away.unreachable}`
  const where = machines.map(({ machine }) => machine).join(', ')
  return `${what} on ${where}${machines.length > 1 ? `, ${order}` : ''}${told}`
}
