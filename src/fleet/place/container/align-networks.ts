import type { MachineSpec } from '../place.ts'
import { programFailed } from '../program.ts'
import { containerName, type ContainerReport } from './container-report.ts'
import type { ContainerEngine } from './engine.ts'

/**
 * Brings a container to the networks and addresses that are declared, without making it again: what it holds stays.
 * `networks` are the names of the engine, in the order of the machine's addresses.
 */
export async function alignNetworks(
  engine: ContainerEngine,
  machine: MachineSpec,
  room: { found: ContainerReport; networks: readonly string[]; signal: AbortSignal },
): Promise<void> {
  const { found, networks, signal } = room
  const container = containerName(machine)
  const wanted = new Map(networks.map((network, index) => [network, machine.addresses[index]?.address]))
  const failure = `${machine.name} cannot be brought into its network`
  const left: [string, string][] = []
  for (const [network, address] of found.addresses) {
    const declared = wanted.get(network)
    const isThere = wanted.has(network) && (declared === undefined || declared === address)
    const stays = isThere && !(await isAnother(engine, { network, id: found.networkIds.get(network) }, signal))
    if (stays) wanted.delete(network)
    else {
      await disconnect(engine, { network, container }, { signal, failure })
      left.push([network, address])
    }
  }
  try {
    for (const [network, address] of wanted)
      await engine.require(connecting(machine, network, address), { signal, failure })
  } catch (error) {
    // Somebody else may have the address: nobody is cut off for that. What cannot be brought back either is told by the error above.
    for (const [network, address] of left)
      await engine.ask(connecting(machine, network, address === '' ? undefined : address), { signal })
    throw error
  }
}

function connecting(machine: MachineSpec, network: string, address: string | undefined): string[] {
  const fixed = address === undefined ? [] : ['--ip', address]
  return ['network', 'connect', '--alias', machine.name, ...fixed, network, containerName(machine)]
}

/** Docker starts no container whose network was made again under the same name; podman goes by names alone. */
async function isAnother(
  engine: ContainerEngine,
  { network, id }: { network: string; id: string | undefined },
  signal: AbortSignal,
): Promise<boolean> {
  if (engine.name !== 'docker' || id === undefined) return false
  const failure = `The network ${network} cannot be looked at`
  return (
    (await engine.require(['network', 'inspect', '--format', '{{.Id}}', network], { signal, failure })).trim() !== id
  )
}

/** A network that was made again meanwhile has nothing of it. */
async function disconnect(
  engine: ContainerEngine,
  { network, container }: { network: string; container: string },
  room: { signal: AbortSignal; failure: string },
): Promise<void> {
  const args = ['network', 'disconnect', '--force', network, container]
  const { code, stderr } = await engine.ask(args, { signal: room.signal })
  if (code !== 0 && !/is not connected|no such network|not found/i.test(stderr)) {
    throw programFailed(engine.name, stderr, room.failure)
  }
}
