import { isLarderError, LarderError, type Progress } from '../../core/index.ts'
import type { HostResult } from '../converge/host-plan.ts'
import { reportMachine } from '../machine/report-machine.ts'
import type { KeptRelease } from './kept-release.ts'
import { isDisruptive, type FoundService, type ServiceTarget } from './look-at-service.ts'
import type { ServerWatch } from './server-watch.ts'
import type { ServiceSpec } from './service-spec.ts'

export interface RollRoom {
  spec: ServiceSpec
  kept: KeptRelease
  watch: ServerWatch
  apply: (targets: readonly ServiceTarget[]) => Promise<HostResult[]>
  progress: Pick<Progress, 'log'>
  signal: AbortSignal
  /** The other machines of the service. */
  others: readonly ServiceTarget[]
  /** It is begun anew, also where it is as declared. */
  restart: boolean
  /** Until a load balancer has found out that a machine is up. Milliseconds. */
  upMs: number
}

/**
 * Brings one machine of a service to its release, away from its clients; or what ran before back, where that fails.
 * Whatever becomes of it, no load balancer is told to keep from it afterwards. FLEET_ROLLOUT_FAILED, FLEET_HOST_UNREACHABLE
 * and its like.
 */
export async function rollMachine(found: FoundService, room: RollRoom): Promise<void> {
  const { kept, spec, progress, signal } = room
  const { machine, host, unit, version } = found.target
  const service = { service: spec.name, unit }
  const isTouched = isDisruptive(found) || room.restart
  const isKept = found.isBegun || (isTouched && isGood(found))
  try {
    if (isTouched && (found.isServing || isBackSoon(found))) await takeAway(found, room)
    if (isTouched && isKept) await kept.keep(host, service)
    await renew(found, room)
    await giveBack(found, room)
    await kept.settle(host, service)
    progress.log(`${machine}: ${version ?? 'the unit'} is ready`)
  } catch (error) {
    if (!isLarderError(error)) throw error
    if (error.code === 'FLEET_ROLLOUT_FAILED' && !signal.aborted) throw await putBack(error, { found, room, isKept })
    await readyIfThere(found, room)
    throw error
  }
}

/**
 * What never was of use, or was not found good when it was cut off, is not put back. What a busy machine answers late is down at
 * its load balancers for a moment: its own probe says whether it is of use.
 */
function isGood({ isActive, isReady, isBegun, isServing, view }: FoundService): boolean {
  const isOfUse = isServing || isReady || view === undefined || view === 'maintenance' || view === 'draining'
  return isActive && !isBegun && isOfUse
}

/** Clients come to it again as soon as its load balancers find it up, which may be in the midst of its renewal. */
function isBackSoon({ isActive, view }: FoundService): boolean {
  return isActive && view === 'down'
}

/** What somebody has taken away by hand is left to them. */
function isTold({ view }: FoundService): boolean {
  return view !== undefined && view !== 'maintenance'
}

/** Where the load balancer does not answer, the next run finds that it was drained, and gives it back. */
async function readyIfThere(found: FoundService, { watch }: RollRoom): Promise<void> {
  if (!isTold(found)) return
  try {
    await watch.ready(found.target.machine)
  } catch (error) {
    if (!isLarderError(error)) throw error
  }
}

async function takeAway(found: FoundService, room: RollRoom): Promise<void> {
  const { machine } = found.target
  if (found.isServing) await requireOthers(machine, room, room.upMs)
  if (!isTold(found)) return
  room.progress.log(`${machine}: drained`)
  await room.watch.drain(machine)
  await room.watch.idle(machine, namesOf(room.others), room.spec.drainMs)
  if (found.isServing) await requireOthers(machine, room, 0)
}

/** Nobody is taken from clients while somebody else is away, nor goes on so when that happens meanwhile. */
async function requireOthers(machine: string, room: RollRoom, withinMs: number): Promise<void> {
  const why = await othersAway(room, withinMs)
  if (why === undefined) return
  throw new LarderError('FLEET_ROLLOUT_HALTED', {
    message: `Service ${room.spec.name}: ${machine} is left as it is, so that somebody serves: ${why}.`,
    hint: 'The next run goes on once that is up again.',
    context: { service: room.spec.name, machine },
  })
}

/** Without a load balancer, whoever runs counts as up. */
async function othersAway({ watch, others, kept, spec }: RollRoom, withinMs: number): Promise<string | undefined> {
  if (watch.isBalanced) return watch.up(namesOf(others), withinMs)
  const looks = await Promise.all(others.map(({ host, unit }) => kept.look(host, { service: spec.name, unit })))
  const stopped = others.find((_, index) => looks[index]?.isActive !== true)
  return stopped && `${stopped.machine} is not running`
}

const namesOf = (targets: readonly ServiceTarget[]): string[] => targets.map(({ machine }) => machine)

/** Its own readiness is a part of what is applied. */
async function renew({ target }: FoundService, { apply, kept, restart, spec }: RollRoom): Promise<void> {
  const { machine, host, unit } = target
  if (restart) await kept.restart(host, { service: spec.name, unit })
  const [result] = await apply([target])
  if (result === undefined) throw new Error(`nothing was said of ${machine}`)
  const failure = reportMachine(machine, result, undefined).error
  if (failure === undefined) return
  if (failure.code !== 'FLEET_APPLY_FAILED') throw failure
  throw failed(failure.message)
}

async function giveBack(found: FoundService, { watch, upMs }: RollRoom): Promise<void> {
  if (!isTold(found)) return
  const { machine } = found.target
  await watch.ready(machine)
  const why = await watch.up([machine], upMs)
  if (why !== undefined) throw failed(`${why}, ${upMs / 1000} s after it was ready`)
}

async function putBack(
  failure: LarderError,
  { found, room, isKept }: { found: FoundService; room: RollRoom; isKept: boolean },
): Promise<LarderError> {
  const { kept, spec, progress } = room
  const { machine, host, unit } = found.target
  const service = { service: spec.name, unit }
  const told = [`Service ${spec.name}: ${failure.message}`]
  try {
    const log = await kept.lastLines(host, service)
    if (log !== '') told.push(`The last that it said:\n${log}`)
    if (isKept) {
      progress.log(`${machine}: it failed; what ran before is put back`)
      await kept.restore(host, service)
    }
    await readyIfThere(found, room)
    told.push(isKept ? await isBack(found, room) : 'Nothing that was of use ran there before.')
  } catch (error) {
    if (!isLarderError(error)) throw error
    await readyIfThere(found, room)
    told.push(`What ran before could not be put back: ${error.message}`)
  }
  return new LarderError('FLEET_ROLLOUT_FAILED', {
    message: told.join('\n'),
    hint: 'Other machines are left as they are. Mend what it says, and merge that; the next run goes on from there.',
    context: { service: spec.name, machine },
  })
}

async function isBack(found: FoundService, { watch, upMs }: RollRoom): Promise<string> {
  const why = isTold(found) ? await watch.up([found.target.machine], upMs) : undefined
  return why === undefined ? 'What ran before is back.' : `What ran before is put back, but ${why}.`
}

function failed(message: string): LarderError {
  return new LarderError('FLEET_ROLLOUT_FAILED', { message })
}
