import { LarderError, type Clock } from '../../../core/index.ts'
import type { Daemon, Supervisor } from './supervisor.ts'

const readyTimeoutMs = 10_000
const lookEveryMs = 25

/** Waits until a program that was started is of use. FLEET_NETWORK_SERVER_FAILED with its last words when it ends, or needs more than 10 s. */
export async function whenReady(
  { daemon, supervisor, clock }: { daemon: Daemon; supervisor: Supervisor; clock: Clock },
  isReady: (pid: number) => Promise<boolean>,
): Promise<void> {
  const deadline = clock.monotonicMs() + readyTimeoutMs
  // What is run by others (setpriv, ip netns) first becomes them, then itself.
  const graceEnds = clock.monotonicMs() + readyTimeoutMs / 5
  for (;;) {
    const pid = await supervisor.pidOf(daemon)
    if (pid !== undefined && (await isReady(pid))) return
    const now = clock.monotonicMs()
    if (now > deadline || (pid === undefined && now > graceEnds)) break
    await clock.sleep(lookEveryMs)
  }
  const words = (await supervisor.lastLines(daemon)).join('; ').slice(-1000)
  throw new LarderError('FLEET_NETWORK_SERVER_FAILED', {
    message: `${daemon.path} was started and is of no use: it says ${words === '' ? 'nothing' : words}`,
    hint: 'Another program may have its port: see `ss -lup`.',
    context: { program: daemon.path },
  })
}
