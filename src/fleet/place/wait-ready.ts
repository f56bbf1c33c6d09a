import { LarderError, isLarderError, type Clock } from '../../core/index.ts'
import type { Host } from '../host/host.ts'
import { sh } from '../shell/script.ts'

export interface WaitReadyOptions {
  clock: Clock
  signal: AbortSignal
  /** Default 120,000. */
  timeoutMs?: number
  /** Of one try. Default 10,000. */
  longestTryMs?: number
  /** Asked between two tries: why it will never be ready, such as that it has ended. */
  lost?: () => Promise<string | undefined>
  /** The last lines of its console, for whoever looks why. */
  console?: () => Promise<string>
}

const pauseMs = 200

/**
 * Waits until a machine runs scripts. What cannot pass by waiting is thrown at once: another host key, sudo that asks.
 * FLEET_MACHINE_FAILED says what kept it, and the last lines of its console. CANCELLED.
 */
export async function waitReady(host: Host, options: WaitReadyOptions): Promise<void> {
  const { clock, signal, timeoutMs = 120_000, longestTryMs = 10_000, lost, console } = options
  const deadlineMs = clock.monotonicMs() + timeoutMs
  for (;;) {
    const why = await tryOnce(host, longestTryMs, signal)
    if (why === undefined) return
    if (signal.aborted) throw cancelled(host)
    const end = (await lost?.()) ?? (clock.monotonicMs() >= deadlineMs ? `it is not ready: ${why}` : undefined)
    if (end !== undefined) throw notReady(host, end, (await console?.()) ?? '')
    await pause(host, clock, signal)
  }
}

async function pause(host: Host, clock: Clock, signal: AbortSignal): Promise<void> {
  try {
    await clock.sleep(pauseMs, signal)
  } catch (error) {
    if (signal.aborted) throw cancelled(host)
    throw error
  }
}

/** Why it cannot run a script now. */
async function tryOnce(host: Host, timeoutMs: number, signal: AbortSignal): Promise<string | undefined> {
  try {
    const { code } = await host.run(sh`exit 0`, { timeoutMs, signal })
    return code === 0 ? undefined : `an empty script ends with ${code ?? 'a signal'}`
  } catch (error) {
    if (isLarderError(error, 'FLEET_HOST_UNREACHABLE', 'FLEET_HOST_REFUSED', 'FLEET_HOST_TIMEOUT')) return error.message
    throw error
  }
}

function cancelled({ name }: Host): LarderError {
  return new LarderError('CANCELLED', { message: `${name} was no longer waited for.` })
}

function notReady({ name }: Host, why: string, said: string): LarderError {
  const last = said.trim().split('\n').slice(-8).join('\n').slice(-2000)
  return new LarderError('FLEET_MACHINE_FAILED', {
    message: `${name} did not come up: ${why}${last === '' ? '' : `\nThe last that it said:\n${last}`}`,
    hint: 'Look at its console; or raise its memory, if it has little.',
    context: { machine: name },
  })
}
