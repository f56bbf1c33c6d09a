import { spawn } from 'node:child_process'
import { mkdir, open, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { LarderError, type Clock } from '../../../core/index.ts'
import { confinement } from './confine.ts'
import { findProcess, hasEnded, isGone } from './find-process.ts'
import { within } from './program.ts'
import type { Daemon, Supervisor, SupervisorRoom } from './supervisor.ts'

/** Of what a program says, where nothing else takes it. */
const largestLogBytes = 1_000_000
const stopTimeoutMs = 5000
/** For what it has open, once it has no command any more: who had much memory needs a while. */
const endTimeoutMs = 30_000
const lookEveryMs = 20

/** Programs in sessions of their own, where there is no systemd. Who died is started again by who looks after the network. */
export function createProcessSupervisor(room: SupervisorRoom): Supervisor {
  const logOf = ({ name }: Daemon): string => join(room.folder, `${name}.log`)
  const pidOf = ({ path, args }: Daemon): Promise<number | undefined> => findProcess([path, ...args])
  return {
    pidOf,
    async start(daemon) {
      await mkdir(room.folder, { recursive: true, mode: 0o700 })
      const { size } = await stat(logOf(daemon)).catch(() => ({ size: 0 }))
      for (const path of daemon.staleFiles) await rm(path, { force: true })
      const log = await open(logOf(daemon), size > largestLogBytes ? 'w' : 'a', 0o600)
      try {
        await spawnDetached(daemon, room, log.fd)
      } finally {
        await log.close()
      }
    },
    async stop(daemon) {
      signalProcess(await pidOf(daemon), 'SIGTERM')
      const deadline = room.clock.monotonicMs() + stopTimeoutMs
      let last: number | undefined
      for (let pid = await pidOf(daemon); pid !== undefined; pid = await pidOf(daemon)) {
        if (room.clock.monotonicMs() > deadline) signalProcess(pid, 'SIGKILL')
        last = pid
        await room.clock.sleep(lookEveryMs)
      }
      if (last !== undefined) await untilEnded(last, room.clock)
    },
    async lastLines(daemon) {
      const text = await readFile(logOf(daemon), 'utf8').catch(() => '')
      return text.trimEnd().split('\n').slice(-10)
    },
  }
}

/** The next is started where this one was, at its ports and with its files. The number may be another's by then: not for ever. */
async function untilEnded(pid: number, clock: Clock): Promise<void> {
  const deadline = clock.monotonicMs() + endTimeoutMs
  while (!(await hasEnded(pid)) && clock.monotonicMs() < deadline) await clock.sleep(lookEveryMs)
}

/** A process that is gone needs no signal. */
export function signalProcess(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (!isGone(error)) throw error
  }
}

async function spawnDetached({ path, args, environment }: Daemon, room: SupervisorRoom, log: number): Promise<void> {
  const command = within(room.namespace, [...(await confinement()), path, ...args])
  const child = spawn(command[0] ?? path, command.slice(1), {
    cwd: room.folder,
    env: { LC_ALL: 'C', PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...environment },
    stdio: ['ignore', log, log],
    detached: true,
  })
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', (cause) => {
      const message = `${path} cannot be started: ${cause.message}`
      reject(new LarderError('FLEET_NETWORK_SERVER_FAILED', { message, cause }))
    })
  })
  // Nobody waits for it: it goes on when this process ends.
  child.unref()
}
