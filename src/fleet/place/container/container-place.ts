import { isLarderError, LarderError, type Progress } from '../../../core/index.ts'
import type { Host } from '../../host/host.ts'
import { credentialsArchive } from '../credentials-archive.ts'
import { isIdentity, type MachineCredentials, type MachineSpec, type MachineState, type Place } from '../place.ts'
import { reachBySsh, reachWhereItIs, type Reach } from '../reach.ts'
import { requireBase } from '../require-base.ts'
import { waitReady } from '../wait-ready.ts'
import { alignNetworks } from './align-networks.ts'
import { ensureBaseImage, forgetUnusedBases } from './base-image.ts'
import { containerName, inspectContainer, isOurs, type ContainerReport } from './container-report.ts'
import { createContainer } from './create-container.ts'
import { containerEngines, type ContainerEngine, type EngineOptions } from './engine.ts'
import { engineChoice, type ChoiceRoom } from './engine-choice.ts'
import { watchContainers } from './engine-events.ts'
import { engineNetworkName, ensureNetwork, forgetNetworks } from './site-network.ts'
import { startWithHost } from './start-with-host.ts'

export interface ContainerPlaceOptions extends EngineOptions, ChoiceRoom {
  reach: Reach
  /** Default 120,000: from start to the first script. */
  readyWithinMs?: number
}

interface Room {
  credentials: MachineCredentials
  progress: Progress
  signal: AbortSignal
}

/**
 * Machines with systemd in containers, at networks of the site's own, reached by ssh at their addresses. By Docker, else by
 * podman. FLEET_PLACE_UNUSABLE, FLEET_MACHINE_FOREIGN, FLEET_MACHINE_FAILED, DISK_FULL, TOOL_MISSING, CANCELLED.
 */
export function createContainerPlace(options: ContainerPlaceOptions): Place {
  const { reach } = options
  const { choose, remember, unusable } = engineChoice(containerEngines(options), options)
  const hostOf = (machine: MachineSpec): Host => hostAt(machine, choose, reach)
  return {
    at: 'container',
    unusable,
    async observe(machine) {
      const { signal } = new AbortController()
      const found = await inspectContainer(await choose(machine.site), machine, signal)
      const state = stateOf(found, machine)
      // One that is somewhere else is brought up where it is declared.
      return state === 'running' && found !== undefined && !isAsDeclared(found, machine) ? 'stopped' : state
    },
    async bringUp(machine, room) {
      const engine = await choose(machine.site)
      await remember(engine)
      const host = hostOf(machine)
      await start(engine, machine, { ...room, host })
      await waitReady(host, {
        clock: reach.clock,
        signal: room.signal,
        ...(options.readyWithinMs === undefined ? {} : { timeoutMs: options.readyWithinMs }),
        lost: () => whyLost(engine, machine, room.signal),
        console: () => consoleOf(engine, machine, room.signal),
      })
    },
    async remove(machine) {
      const { signal } = new AbortController()
      const engine = await choose(machine.site)
      const found = await inspectContainer(engine, machine, signal)
      if (found === undefined || !isOurs(found, machine)) return
      await removeContainer(engine, machine, signal)
      await forgetNetworks(engine, { site: machine.site, kept: [] }, signal)
      await forgetUnusedBases(engine, signal)
    },
    async tidy({ site, networks }, signal) {
      const engine = await choose(site)
      const kept = [undefined, ...networks].map((network) => engineNetworkName(site, network))
      await forgetNetworks(engine, { site, kept }, signal)
      await forgetUnusedBases(engine, signal)
    },
    watch: async (onEnd, signal) => watchContainers(await choose(), () => onEnd(), signal),
    host: hostOf,
  }
}

function stateOf(found: ContainerReport | undefined, machine: MachineSpec): MachineState {
  if (found === undefined) return 'absent'
  if (!isOurs(found, machine) || !isIdentity(found.identity, machine) || isRuin(found)) return 'other'
  return found.status === 'running' ? 'running' : 'stopped'
}

/** Up, and where it is to be: there is nothing more to look at. */
function isAsDeclared(found: ContainerReport, machine: MachineSpec): boolean {
  const { addresses, site } = machine
  if (stateOf(found, machine) !== 'running') return false
  if (addresses.length === 0) return found.addresses.has(engineNetworkName(site, undefined))
  const isThere = ({ network, address }: (typeof addresses)[number]): boolean =>
    found.addresses.get(engineNetworkName(site, network)) === address
  return addresses.every(isThere) && found.addresses.size === addresses.length
}

/** What the engine could not finish to remove. */
function isRuin({ status }: ContainerReport): boolean {
  return status === 'dead' || status === 'removing'
}

async function start(engine: ContainerEngine, machine: MachineSpec, room: Room & { host: Host }): Promise<void> {
  const { signal, progress } = room
  let found = await inspectContainer(engine, machine, signal)
  if (found !== undefined && !isOurs(found, machine)) throw foreign(engine, machine)
  if (found !== undefined && isAsDeclared(found, machine)) return
  if (found !== undefined && (!isIdentity(found.identity, machine) || isRuin(found))) {
    progress.log(`${machine.name} is made again: what it begins with is another`)
    await room.host.close()
    await removeContainer(engine, machine, signal)
    found = undefined
  }
  const networks: string[] = []
  const { site, addresses } = machine
  for (const at of addresses.length === 0 ? [undefined] : addresses) {
    networks.push(await ensureNetwork(engine, { site, at }, signal))
  }
  if (found === undefined) {
    progress.log(`${machine.name} is made`)
    const image = await ensureBaseImage(engine, requireBase(machine), room)
    await createContainer(engine, machine, { image, network: networks[0] ?? '', signal })
    await startWithHost(engine, room)
  }
  // A network that was made again is one that it is not in any more.
  found = await inspectContainer(engine, machine, signal)
  if (found !== undefined) await alignNetworks(engine, machine, { found, networks, signal })
  await startContainer(engine, machine, { ...room, status: found?.status })
}

/**
 * What was never started has no credentials yet, or half of them, wherever Larder was killed before; what was started has
 * them.
 */
async function startContainer(
  engine: ContainerEngine,
  machine: MachineSpec,
  room: Room & { host: Host; status: string | undefined },
): Promise<void> {
  const { status, signal, progress } = room
  if (status === 'running') return
  const container = containerName(machine)
  const failure = `${machine.name} could not be started`
  if (status === 'paused') {
    await engine.require(['unpause', container], { signal, failure })
    return
  }
  if (status === 'created') {
    const input = await credentialsArchive(room.credentials)
    await engine.require(['cp', '-', `${container}:/`], { signal, input, failure })
  }
  // What is open leads to the one that ended.
  await room.host.close()
  progress.log(`${machine.name} starts`)
  await engine.require(['start', container], { signal, failure })
}

async function removeContainer(
  engine: ContainerEngine,
  machine: Pick<MachineSpec, 'name' | 'site'>,
  signal: AbortSignal,
): Promise<void> {
  const failure = `${machine.name} could not be removed`
  await engine.require(['rm', '--force', '--volumes', containerName(machine)], { signal, failure })
}

/** The engine starts what ends by itself again, later each time. */
const mostRestarts = 3

async function whyLost(
  engine: ContainerEngine,
  machine: MachineSpec,
  signal: AbortSignal,
): Promise<string | undefined> {
  const found = await inspectContainer(engine, machine, signal)
  if (found === undefined) return 'somebody removed it meanwhile'
  if (found.status === 'exited') return 'it ended'
  return found.restarts >= mostRestarts ? 'it ends each time when it is started' : undefined
}

/** What it printed; and what its systemd says of what has failed, what is waited for, and what came last. */
async function consoleOf(engine: ContainerEngine, machine: MachineSpec, signal: AbortSignal): Promise<string> {
  const name = containerName(machine)
  const printed = await engine.ask(['logs', '--tail', '10', name], { signal })
  return `${printed.stdout}\n${printed.stderr}\n${await saidBySystemd(engine, name, signal)}`
}

/** Eight lines, which is as many as people are told. */
const askSystemd = `timeout 5 systemctl --failed --no-legend --plain | head -n 2
timeout 5 systemctl list-jobs --no-legend | head -n 3
timeout 5 journalctl --boot --quiet --no-pager --output cat --lines 3`

/** Nothing where it does not run, or does not answer. */
async function saidBySystemd(engine: ContainerEngine, name: string, signal: AbortSignal): Promise<string> {
  try {
    return (await engine.ask(['exec', name, '/bin/sh', '-c', askSystemd], { signal, timeoutMs: 20_000 })).stdout
  } catch (error) {
    if (isLarderError(error, 'FLEET_MACHINE_FAILED')) return ''
    throw error
  }
}

function hostAt(machine: MachineSpec, choose: (site: string) => Promise<ContainerEngine>, reach: Reach): Host {
  const [first] = machine.addresses
  if (first !== undefined) return reachBySsh(machine.name, { address: first.address }, reach)
  const find = async (): Promise<{ address: string }> => {
    const { signal } = new AbortController()
    const found = await inspectContainer(await choose(machine.site), machine, signal)
    const address = found?.addresses.get(engineNetworkName(machine.site, undefined)) ?? ''
    if (address !== '') return { address }
    throw new LarderError('FLEET_HOST_UNREACHABLE', {
      message: `${machine.name} has no address: it is not running.`,
      hint: 'larder apply brings it up again.',
      context: { host: machine.name },
    })
  }
  return reachWhereItIs(machine.name, find, reach)
}

function foreign({ name: engine }: ContainerEngine, machine: MachineSpec): LarderError {
  const container = containerName(machine)
  return new LarderError('FLEET_MACHINE_FOREIGN', {
    message: `There is a container ${container} that Larder did not make for the machine ${machine.name} of this site.`,
    hint: `Rename it, or remove it: ${engine} rm --force ${container}`,
    context: { machine: machine.name },
  })
}
