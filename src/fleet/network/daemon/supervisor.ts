import { stat } from 'node:fs/promises'
import type { NetworkRoom } from '../network-room.ts'
import { createProcessSupervisor } from './process-supervisor.ts'
import { createSystemdSupervisor } from './systemd-supervisor.ts'

/** A program that runs on its own, beside the controller, and outlives it. */
export interface Daemon {
  /** `dhcp`, `dns`: one of each in a site. */
  readonly name: string
  /** Path of the program. What it is run with is what it is found by: it names files of this data folder. */
  readonly path: string
  readonly args: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** Left by one that was killed, and in the way of the next: the number in a pid file may be another process by now. */
  readonly staleFiles: readonly string[]
}

/**
 * Starts programs that go on while the controller is away: addresses are asked for and names looked up meanwhile. What
 * was started is found again by asking the system for it, not from what was written down, so that a controller that was
 * killed at any moment knows what runs.
 */
export interface Supervisor {
  /** Of the process, or undefined where it does not run. */
  pidOf(daemon: Daemon): Promise<number | undefined>
  /** Does not wait until it answers. It must not run. */
  start(daemon: Daemon): Promise<void>
  /** It is asked to end, and killed after 5 s. */
  stop(daemon: Daemon): Promise<void>
  /** The last lines that it said. */
  lastLines(daemon: Daemon): Promise<string[]>
}

/** What supervisors are given to work with: their programs write into the folder, and nowhere else. */
export type SupervisorRoom = Pick<NetworkRoom, 'folder' | 'clock' | 'namespace'>

/** Units of systemd where that runs this host, and we may start some: else programs would end with the unit of the controller. */
export async function createSupervisor(room: SupervisorRoom): Promise<Supervisor> {
  // sd_booted(3)
  const hasSystemd = await stat('/run/systemd/system').then(
    (found) => found.isDirectory(),
    () => false,
  )
  return hasSystemd && process.getuid?.() === 0 ? createSystemdSupervisor(room) : createProcessSupervisor(room)
}
