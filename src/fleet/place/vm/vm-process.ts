import { appendFile, readFile, rm, writeFile } from 'node:fs/promises'
import { stripVTControlCharacters } from 'node:util'
import { isLarderError, LarderError, plainText, type Clock } from '../../../core/index.ts'
import { readIfThere } from '../../read-if-there.ts'
import { createSupervisor, type Daemon, type Supervisor } from '../../network/daemon/supervisor.ts'
import { findProgram } from '../../network/daemon/program.ts'
import { askQemu } from './control-socket.ts'
import { consoleBytes, consoleName } from './qemu-command.ts'
import type { VmFolder } from './vm-folder.ts'

/** `off`: there is no process. `held`: QEMU has stopped it, for want of room on its disk. `ended`: it has switched itself off. */
export type VmState = 'off' | 'running' | 'held' | 'ended'

/** The process that a machine is, and that outlives the controller. `args`: what it was started with. */
export interface VmProcess {
  state(args: readonly string[]): Promise<VmState>
  /** Until it answers; its kernel has not begun then. FLEET_MACHINE_FAILED in the words of QEMU. */
  start(args: readonly string[]): Promise<void>
  /** As by its power button, at most a minute; then as by its plug. */
  shutDown(args: readonly string[]): Promise<void>
  /** As by its plug. */
  stop(args: readonly string[]): Promise<void>
  /** It goes on where it was held. */
  resume(): Promise<void>
  /** The last that it said, 256 KiB at most; with the last words of QEMU. */
  console(args: readonly string[]): Promise<string>
}

export interface VmProcessRoom {
  name: string
  paths: VmFolder
  clock: Clock
}

const startWithinMs = 30_000
const shutDownWithinMs = 60_000
const lookEveryMs = 100

export async function openVmProcess(room: VmProcessRoom): Promise<VmProcess> {
  const { name, paths, clock } = room
  const supervisor = await createSupervisor({ folder: paths.folder, clock })
  const path = await needQemu()
  const daemonOf = (args: readonly string[]): Daemon => ({
    name: `vm-${name}`,
    path,
    args,
    environment: {},
    staleFiles: [],
  })
  const state = (args: readonly string[]): Promise<VmState> => stateOf(supervisor, daemonOf(args), paths)
  const stop = async (args: readonly string[]): Promise<void> => {
    await drainConsole(paths).catch(unlessSilent)
    await supervisor.stop(daemonOf(args))
    await rm(paths.controlSocket, { force: true })
  }
  return {
    state,
    stop,
    async start(args) {
      await startDaemon(supervisor, daemonOf(args), room)
    },
    async shutDown(args) {
      await askQemu(paths.controlSocket, { execute: 'system_powerdown' })
      const deadlineMs = clock.monotonicMs() + shutDownWithinMs
      while ((await state(args)) === 'running' && clock.monotonicMs() < deadlineMs) await clock.sleep(lookEveryMs)
      await stop(args)
    },
    async resume() {
      await askQemu(paths.controlSocket, { execute: 'cont' })
    },
    async console(args) {
      await drainConsole(paths)
      const said = [(await readIfThere(paths.console)) ?? '', ...(await supervisor.lastLines(daemonOf(args)))]
      return plainText(stripVTControlCharacters(said.join('\n').replaceAll('\r', ''))).trimEnd()
    },
  }
}

/** Source: QEMU QMP reference, RunState. */
async function stateOf(supervisor: Supervisor, daemon: Daemon, { controlSocket }: VmFolder): Promise<VmState> {
  if ((await supervisor.pidOf(daemon)) === undefined) return 'off'
  const answer = (await askQemu(controlSocket, { execute: 'query-status' })) as { status?: string } | undefined
  switch (answer?.status) {
    case 'io-error':
    case 'paused':
      return 'held'
    case 'shutdown':
    case 'guest-panicked':
    case 'internal-error':
      return 'ended'
    default:
      return 'running'
  }
}

async function startDaemon(
  supervisor: Supervisor,
  daemon: Daemon,
  { name, paths, clock }: VmProcessRoom,
): Promise<void> {
  try {
    await supervisor.start(daemon)
  } catch (error) {
    if (isLarderError(error, 'FLEET_NETWORK_SERVER_FAILED')) throw notStarted(name, error.message)
    throw error
  }
  const begunMs = clock.monotonicMs()
  for (;;) {
    if ((await askQemu(paths.controlSocket, { execute: 'query-status' })) !== undefined) return
    const afterMs = clock.monotonicMs() - begunMs
    // What confines it becomes it at once; longer without a process means that it has ended.
    const hasEnded = afterMs > startWithinMs / 10 && (await supervisor.pidOf(daemon)) === undefined
    if (hasEnded || afterMs > startWithinMs) break
    await clock.sleep(lookEveryMs)
  }
  const said = await supervisor.lastLines(daemon)
  await supervisor.stop(daemon)
  throw notStarted(name, `QEMU says: ${said.join('; ').slice(-1000)}`)
}

/** Of what was kept and what is new. */
const largestConsoleBytes = 4 * consoleBytes

/** QEMU has room for the last of it, and forgets what was read. Source: QEMU QMP reference, ringbuf-read. */
async function drainConsole({ controlSocket, console }: VmFolder): Promise<void> {
  const command = { execute: 'ringbuf-read', arguments: { device: consoleName, size: consoleBytes, format: 'base64' } }
  const said = await askQemu(controlSocket, command)
  if (typeof said !== 'string' || said === '') return
  await appendFile(console, Buffer.from(said, 'base64'), { mode: 0o600 })
  const kept = await readFile(console)
  if (kept.length > largestConsoleBytes) await writeFile(console, kept.subarray(-largestConsoleBytes))
}

/** One that does not answer any more is ended all the same. */
function unlessSilent(error: unknown): void {
  if (!isLarderError(error, 'FLEET_MACHINE_FAILED')) throw error
}

/** FLEET_PLACE_UNUSABLE. */
async function needQemu(): Promise<string> {
  const path = await findProgram('qemu-system-x86_64')
  if (path !== undefined) return path
  throw new LarderError('FLEET_PLACE_UNUSABLE', {
    message: 'This host has no qemu-system-x86_64, by which virtual machines run.',
    hint: 'apt-get install qemu-system-x86',
  })
}

function notStarted(name: string, why: string): LarderError {
  return new LarderError('FLEET_MACHINE_FAILED', {
    message: `${name} could not be started: ${why}`,
    hint: 'Look whether this host has the memory that it asks for.',
    context: { machine: name },
  })
}
