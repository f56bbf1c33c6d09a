import { isLarderError, type LarderError } from '../../core/index.ts'
import { hostFailures } from '../converge/plan-host.ts'
import type { ServingMachines } from '../machine/converge-sessions.ts'
import { isNotSeen, lookAtService, type FoundService, type ServiceTarget } from './look-at-service.ts'
import { readyIfThere, rollMachine, takeAway, type RollRoom } from './roll-machine.ts'
import { oneOf } from './one-of.ts'
import { told, type RolloutRoom } from './roll-service.ts'

/** A service on all of its machines. */
export interface Rollout {
  readonly targets: readonly ServiceTarget[]
  readonly room: RolloutRoom
  /** Machines that balance it. */
  readonly balancers: readonly string[]
}

interface OnMachine {
  readonly target: ServiceTarget
  readonly room: RolloutRoom & RollRoom
}

/**
 * A machine that services run on is made again: it is taken from the clients of all of them, while all their others are up, and
 * given back when each is ready and up there. FLEET_ROLLOUT_HALTED with everything as it was, FLEET_ROLLOUT_FAILED, and what
 * `serving` throws: then it stays drained for the next run, unless it is still what it was.
 */
export async function makeMachineAgain(
  machine: string,
  rollouts: readonly Rollout[],
  serving: ServingMachines,
): Promise<void> {
  const services = servicesOn(machine, rollouts)
  await serving.prepare(machine)
  const taken = await takeFromAll(services)
  try {
    await serving.makeAgain(machine)
  } catch (error) {
    if (await isAsBefore(machine, serving)) await giveBackAll(taken)
    throw error
  }
  const failures: LarderError[] = []
  for (const one of services) {
    try {
      await bringBack(one)
    } catch (error) {
      // What fails of one keeps no other away.
      if (!isLarderError(error) || one.room.signal.aborted) throw error
      failures.push(error)
    }
  }
  if (failures.length > 0) throw oneOf(failures)
}

async function bringBack({ target, room }: OnMachine): Promise<void> {
  const found = await lookAt(target, room)
  if (found.problem !== undefined) {
    await room.onFailed(target, found.problem)
    throw found.problem
  }
  await told(target, room, () => rollMachine(found, room))
}

/**
 * Nobody has to be kept from one that serves nobody. One that balances a service itself, and says nothing of it, brings nobody to it.
 * `unseen`: it does not answer, and no load balancer says whether it serves.
 */
export async function whomItServes(
  machine: string,
  rollouts: readonly Rollout[],
): Promise<'nobody' | 'somebody' | 'unseen'> {
  let isUnseen = false
  for (const { target, room } of servicesOn(machine, rollouts)) {
    try {
      const found = await lookAt(target, room)
      if (found.isServing) return 'somebody'
      isUnseen ||= isNotSeen(found)
    } catch (error) {
      if (!isLarderError(error, ...hostFailures, 'FLEET_BALANCER_AWAY')) throw error
      if (!rollouts.some((one) => one.room.spec.name === room.spec.name && one.balancers.includes(machine)))
        return 'somebody'
    }
  }
  return isUnseen ? 'unseen' : 'nobody'
}

function servicesOn(machine: string, rollouts: readonly Rollout[]): OnMachine[] {
  return rollouts.flatMap(({ targets, room }): OnMachine[] => {
    const target = targets.find((one) => one.machine === machine)
    const others = targets.filter((one) => one !== target)
    return target === undefined ? [] : [{ target, room: { ...room, others } }]
  })
}

async function isAsBefore(machine: string, serving: ServingMachines): Promise<boolean> {
  try {
    return await serving.isAsBefore(machine)
  } catch (error) {
    if (isLarderError(error)) return false
    throw error
  }
}

interface Taken {
  readonly found: FoundService
  readonly room: RollRoom
}

/** From the clients of all, or of none. */
async function takeFromAll(services: readonly OnMachine[]): Promise<Taken[]> {
  const taken: Taken[] = []
  try {
    for (const { target, room } of services) {
      const found = await lookAt(target, room)
      taken.push({ found, room })
      await takeAway(found, room)
    }
    return taken
  } catch (error) {
    if (isLarderError(error)) await giveBackAll(taken)
    throw error
  }
}

async function giveBackAll(taken: readonly Taken[]): Promise<void> {
  for (const { found, room } of taken) await readyIfThere(found, room, false)
}

async function lookAt(target: ServiceTarget, room: RolloutRoom): Promise<FoundService> {
  const [found] = await lookAtService(room.spec.name, [target], room)
  if (found === undefined) throw new Error(`nothing was said of ${target.machine}`)
  return found
}
