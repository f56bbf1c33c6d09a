import { isCalledOff, isLarderError, type Clock } from '../../core/index.ts'
import type { Host } from '../host/host.ts'
import { lines, nothing, type Script } from '../shell/script.ts'
import { doneMark, endUnit, followUnit, startUnit } from './unit-script.ts'
import type { Step } from './step.ts'

export interface UnitRoom {
  readonly nonce: string
  readonly runId: string
  readonly steps: readonly Step[]
  readonly look: Script
  readonly signal: AbortSignal
  readonly clock: Clock
  /** How long it is tried to get back to a host that was lost. */
  readonly reconnectMs: number
  /** The host is this run's. FLEET_MACHINE_BUSY where it was lost, and somebody else has taken it. */
  readonly hold: () => Promise<void>
  /** Called with all that the unit has printed so far. */
  readonly onOutput?: (output: Buffer) => void
}

const startMs = 60_000
/** More is no time that a timer of Node could wait: timers, setTimeout. */
const longestMs = 2_000_000_000
const betweenTriesMs = 1000
/** Exit codes of `startUnit` and `followUnit`. */
const notStarted = 3
const gone = 44

/**
 * Starts a unit and follows it to its end, over as many connections as it takes; answers what it has printed, which is not
 * whole where it was killed, where the host was started again, or where it stays lost. CANCELLED, FLEET_HOST_TIMEOUT and
 * their like, FLEET_MACHINE_BUSY, but never FLEET_HOST_UNREACHABLE, FLEET_HOST_REFUSED; UnitNotStarted. What was begun for a run
 * that is called off is ended; what is only stopped goes on.
 */
export async function runUnit(host: Host, unit: string, room: UnitRoom): Promise<Buffer> {
  try {
    return await followToItsEnd(host, unit, room)
  } catch (error) {
    if (isCalledOff(room.signal)) await endQuietly(host, unit, room)
    throw error
  }
}

/** Where the host cannot be reached, it goes on to its end. */
async function endQuietly(host: Host, unit: string, { runId }: UnitRoom): Promise<void> {
  try {
    await host.run(endUnit(unit, runId), { timeoutMs: startMs })
  } catch (error) {
    if (!isLarderError(error)) throw error
  }
}

async function followToItsEnd(host: Host, unit: string, room: UnitRoom): Promise<Buffer> {
  const { steps, signal, clock, reconnectMs } = room
  const done = Buffer.from(doneMark(room.nonce))
  const timeoutMs = Math.min(startMs + steps.reduce((sum, step) => sum + step.timeoutMs + 6000, 0), longestMs)
  let output = Buffer.alloc(0)
  let lostAtMs: number | undefined
  for (;;) {
    const stopping = new AbortController()
    const offset = output.length
    const onOutput = (chunk: Buffer): void => {
      output = Buffer.concat([output, chunk])
      lostAtMs = undefined
      room.onOutput?.(output)
      if (output.includes(done, Math.max(0, output.length - chunk.length - done.length))) stopping.abort()
    }
    const start = offset === 0 ? startUnit(unit, room) : nothing
    try {
      if (offset === 0) await room.hold()
      const options = { timeoutMs, signal: AbortSignal.any([signal, stopping.signal]), onOutput }
      const { code, stderr } = await host.run(lines(start, followUnit(unit, offset)), options)
      if (code === notStarted) throw new UnitNotStarted(stderr)
      // Whoever takes the host removes what runs have left there.
      if (code === gone) await room.hold()
      if (code === gone || code === 0) return output
    } catch (error) {
      if (stopping.signal.aborted) return output
      if (!isLarderError(error, 'FLEET_HOST_UNREACHABLE', 'FLEET_HOST_REFUSED')) throw error
    }
    lostAtMs ??= clock.monotonicMs()
    if (clock.monotonicMs() - lostAtMs >= reconnectMs) return output
    await clock.sleep(betweenTriesMs, signal)
  }
}

/** The host could not even take it: its disk for what runs is full. */
export class UnitNotStarted extends Error {}
