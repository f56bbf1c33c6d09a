import { LarderError } from '../../core/index.ts'
import { reportMachine } from '../machine/report-machine.ts'
import { isToDo, lookAtService, type FoundService, type LookRoom, type ServiceTarget } from './look-at-service.ts'
import { rollMachine, type RollRoom } from './roll-machine.ts'

export interface RolloutRoom extends Omit<RollRoom, 'others'>, LookRoom {
  /** Something is about to be changed on a machine. */
  onBegun(target: ServiceTarget): Promise<void>
  /** It is as declared there now. */
  onDone(target: ServiceTarget): Promise<void>
  onFailed(target: ServiceTarget, error: LarderError): Promise<void>
  /** Machines that are made again afterwards, and left as they are until then. Default: none. */
  left?: ReadonlySet<string>
}

/**
 * Brings a service to its release on all of its machines: at once where it runs on none of them, else one after the other, so
 * that all but one are up. The first failure ends it, and leaves the others as they are. FLEET_ROLLOUT_FAILED,
 * FLEET_ROLLOUT_HALTED, FLEET_HOST_UNREACHABLE, FLEET_BALANCER_AWAY and their like.
 */
export async function rollService(targets: readonly ServiceTarget[], room: RolloutRoom): Promise<void> {
  const found = await lookAtService(room.spec.name, targets, room)
  const todo = found.filter((one) => (isToDo(one) || room.restart) && room.left?.has(one.target.machine) !== true)
  const away = todo.find(({ problem }) => problem !== undefined)
  const reachable = todo.filter(({ problem }) => problem === undefined)
  await prepare(reachable, room)
  const runsNowhere = found.every((one) => !one.isActive && !one.isBegun && !one.isServing)
  if (runsNowhere) await bringUp(reachable, targets, room)
  else await rollInTurn(reachable, targets, room)
  if (away?.problem !== undefined) {
    await room.onFailed(away.target, away.problem)
    throw away.problem
  }
}

/** Those that serve nobody come first, in the order of the site otherwise. */
async function rollInTurn(
  found: readonly FoundService[],
  targets: readonly ServiceTarget[],
  room: RolloutRoom,
): Promise<void> {
  const order = found.toSorted((one, other) => Number(one.isServing) - Number(other.isServing))
  for (const { target } of order) {
    room.signal.throwIfAborted()
    // Looked at again: its turn may come long after the plan was made.
    const [now] = await lookAtService(room.spec.name, [target], room)
    if (now?.problem !== undefined) {
      await room.onFailed(target, now.problem)
      throw now.problem
    }
    if (now === undefined) continue
    const others = targets.filter((other) => other !== target)
    await told(target, room, () => rollMachine(now, { ...room, others }))
  }
}

/** With nobody to keep from: all of them at once. */
async function bringUp(
  found: readonly FoundService[],
  targets: readonly ServiceTarget[],
  room: RolloutRoom,
): Promise<void> {
  const results = await Promise.allSettled(
    found.map((one) => {
      const others = targets.filter((other) => other !== one.target)
      return told(one.target, room, () => rollMachine(one, { ...room, others }))
    }),
  )
  for (const result of results) if (result.status === 'rejected') throw result.reason
}

/** What needs time and disturbs nobody: packages, and the image. */
async function prepare(found: readonly FoundService[], room: RolloutRoom): Promise<void> {
  const needing = found.filter((one) => one.differences.length > 0 && one.target.preparation.length > 0)
  if (needing.length === 0) return
  room.progress.log(`prepared: ${needing.map(({ target }) => target.machine).join(', ')}`)
  const results = await room.apply(needing.map(({ target }) => ({ ...target, resources: target.preparation })))
  for (const [index, result] of results.entries()) {
    const { error } = reportMachine(result.machine, result, undefined)
    if (error === undefined) continue
    await room.onFailed(needing[index]!.target, error)
    throw error
  }
}

export async function told(target: ServiceTarget, room: RolloutRoom, work: () => Promise<void>): Promise<void> {
  await room.onBegun(target)
  try {
    await work()
  } catch (error) {
    if (error instanceof LarderError && !room.signal.aborted) await room.onFailed(target, error)
    throw error
  }
  await room.onDone(target)
}
