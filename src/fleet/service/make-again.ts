import { isLarderError } from '../../core/index.ts'
import { lookAtService, type FoundService, type ServiceTarget } from './look-at-service.ts'
import { readyIfThere, rollMachine, takeAway, type RollRoom } from './roll-machine.ts'
import { told, type RolloutRoom } from './roll-service.ts'

/** A service on all of its machines. */
export interface Rollout {
  readonly targets: readonly ServiceTarget[]
  readonly room: RolloutRoom
}

interface OnMachine {
  readonly target: ServiceTarget
  readonly room: RolloutRoom & RollRoom
}

/**
 * A machine that services run on is made again: it is taken from the clients of all of them, while all their others are up, and
 * given back when each is ready and up there. FLEET_ROLLOUT_HALTED with everything as it was, FLEET_ROLLOUT_FAILED, and what
 * `makeAgain` throws: then it stays drained for the next run.
 */
export async function makeMachineAgain(
  machine: string,
  rollouts: readonly Rollout[],
  makeAgain: () => Promise<void>,
): Promise<void> {
  const services = rollouts.flatMap(({ targets, room }): OnMachine[] => {
    const target = targets.find((one) => one.machine === machine)
    const others = targets.filter((one) => one !== target)
    return target === undefined ? [] : [{ target, room: { ...room, others } }]
  })
  await takeFromAll(services)
  await makeAgain()
  for (const { target, room } of services) {
    const found = await lookAt(target, room)
    if (found.problem !== undefined) {
      await room.onFailed(target, found.problem)
      throw found.problem
    }
    await told(target, room, () => rollMachine(found, room))
  }
}

/** From the clients of all, or of none. */
async function takeFromAll(services: readonly OnMachine[]): Promise<void> {
  const taken: { found: FoundService; room: RollRoom }[] = []
  try {
    for (const { target, room } of services) {
      const found = await lookAt(target, room)
      taken.push({ found, room })
      await takeAway(found, room)
    }
  } catch (error) {
    if (isLarderError(error)) for (const { found, room } of taken) await readyIfThere(found, room, false)
    throw error
  }
}

async function lookAt(target: ServiceTarget, room: RolloutRoom): Promise<FoundService> {
  const [found] = await lookAtService(room.spec.name, [target], room)
  if (found === undefined) throw new Error(`nothing was said of ${target.machine}`)
  return found
}
