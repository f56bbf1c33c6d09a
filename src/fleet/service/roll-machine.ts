import { isLarderError, LarderError, type Progress } from '../../core/index.ts'
import type { HostResult } from '../converge/host-plan.ts'
import type { Host } from '../host/host.ts'
import { reportMachine } from '../machine/report-machine.ts'
import type { KeptRelease } from './kept-release.ts'
import { isDisruptive, isNotSeen, wantedUnit, type FoundService, type ServiceTarget } from './look-at-service.ts'
import type { FormerUnit } from './service-unit.ts'
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
  // What was left in the midst may have been another one already.
  let isOther = found.isBegun
  try {
    if (isTouched && (found.isServing || isBackSoon(found))) await takeAway(found, room)
    if (isTouched)
      await kept.keep(host, wantedUnit(spec.name, found.target), { formers: found.formers, isGood: isKept })
    isOther ||= isTouched
    await renew(found, room)
    await giveBack(found, room, isOther)
    await kept.settle(host, service)
    progress.log(`${machine}: ${version ?? 'the unit'} is ready`)
  } catch (error) {
    if (!isLarderError(error)) throw error
    if (error.code === 'FLEET_ROLLOUT_FAILED' && !signal.aborted) throw await putBack(error, { found, room, isKept })
    await readyIfThere(found, room, isOther)
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
export async function readyIfThere(
  found: FoundService,
  room: Pick<RollRoom, 'watch' | 'others'>,
  isOther: boolean,
): Promise<void> {
  if (!isTold(found)) return
  try {
    await tellReady(found, room, isOther)
  } catch (error) {
    if (!isLarderError(error)) throw error
  }
}

/** From its clients, and from nobody where all others are not up. FLEET_ROLLOUT_HALTED. */
export async function takeAway(found: FoundService, room: RollRoom): Promise<void> {
  const { machine } = found.target
  if (found.isServing || isNotSeen(found)) await requireOthers(machine, room, room.upMs)
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
  const looks = await Promise.all(others.map((other) => kept.look(other.host, wantedUnit(spec.name, other))))
  const stopped = others.find((_, index) => looks[index]?.isActive !== true)
  return stopped && `${stopped.machine} is not running`
}

const namesOf = (targets: readonly ServiceTarget[]): string[] => targets.map(({ machine }) => machine)

/** Its own readiness is a part of what is applied. */
async function renew({ target, formers }: FoundService, room: RollRoom): Promise<void> {
  const { apply, kept, restart, spec, progress } = room
  const { machine, host, unit } = target
  if (formers.length > 0) {
    progress.log(`${machine}: what ran it before ends: ${formers.map((former) => former.unit).join(', ')}`)
    await retire(host, formers, room)
  } else if (restart) await kept.restart(host, { service: spec.name, unit })
  const [result] = await apply([target])
  if (result === undefined) throw new Error(`nothing was said of ${machine}`)
  const failure = reportMachine(machine, result, undefined).error
  if (failure === undefined) return
  if (failure.code !== 'FLEET_APPLY_FAILED') throw failure
  throw failed(failure.message)
}

async function retire(host: Host, formers: readonly FormerUnit[], { kept, spec }: RollRoom): Promise<void> {
  try {
    await kept.retire(host, spec.name, formers)
  } catch (error) {
    if (isLarderError(error, 'FLEET_APPLY_FAILED')) throw failed(error.message)
    throw error
  }
}

async function giveBack(found: FoundService, room: RollRoom, isOther: boolean): Promise<void> {
  if (!isTold(found)) return
  await tellReady(found, room, isOther)
  const why = await whyDown(found, room)
  if (why !== undefined) throw failed(`${why}, ${room.upMs / 1000} s after it was ready`)
}

/** Where nobody else is, clients come to it at once: they would find nobody until it has answered anew. */
async function tellReady(
  { target }: FoundService,
  { watch, others }: Pick<RollRoom, 'watch' | 'others'>,
  isOther: boolean,
): Promise<void> {
  await watch.ready(target.machine, { isOther: isOther && others.length > 0 })
}

/** By now, load balancers have found out that nobody takes connections, or that they lead nowhere. */
const aloneMs = 5000

async function whyDown({ target, view }: FoundService, { watch, others, upMs }: RollRoom): Promise<string | undefined> {
  const { machine } = target
  const why = await watch.back(machine, upMs)
  if (why !== undefined || others.length > 0 || view === 'down') return why
  return watch.stays(machine, aloneMs)
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
    await readyIfThere(found, room, true)
    told.push(isKept ? await isBack(found, room) : 'Nothing that was of use ran there before.')
  } catch (error) {
    if (!isLarderError(error)) throw error
    await readyIfThere(found, room, true)
    told.push(`What ran before could not be put back: ${error.message}`)
  }
  return new LarderError('FLEET_ROLLOUT_FAILED', {
    message: told.join('\n'),
    hint: 'Other machines are left as they are. Mend what it says, and merge that; the next run goes on from there.',
    context: { service: spec.name, machine },
  })
}

async function isBack(found: FoundService, room: RollRoom): Promise<string> {
  const why = isTold(found) ? await whyDown(found, room) : undefined
  return why === undefined ? 'What ran before is back.' : `What ran before is put back, but ${why}.`
}

function failed(message: string): LarderError {
  return new LarderError('FLEET_ROLLOUT_FAILED', { message })
}
