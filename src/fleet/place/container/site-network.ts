import { LarderError, Mutex } from '../../../core/index.ts'
import { blockText, parseBlock } from '../../network/address.ts'
import { bridgeName } from '../../network/bridge.ts'
import type { MachineSpec } from '../place.ts'
import type { ContainerEngine } from './engine.ts'
import { createPodmanNetwork } from './podman-network.ts'

type Address = MachineSpec['addresses'][number]

/** Networks are made one after the other: machines of one network come up together. */
const oneNetwork = new Mutex()

/** The name that a network of a site has at the engine. */
export function engineNetworkName(site: string, network: string | undefined): string {
  return network === undefined ? `larder-${site}` : `larder-${site}-${network}`
}

/**
 * Makes a network of the site, unless it is there. One of another subnet is made again.
 * An interface that is there already is used as it is. FLEET_MACHINE_FOREIGN: it is somebody else's.
 */
export async function ensureNetwork(
  engine: ContainerEngine,
  { site, at }: { site: string; at: Address | undefined },
  signal: AbortSignal,
): Promise<string> {
  const name = engineNetworkName(site, at?.network)
  await oneNetwork.run(async () => {
    const found = await inspectNetwork(engine, name, signal)
    if (found !== undefined && found.site !== site) throw foreign(name)
    if (found !== undefined) {
      if (at === undefined || isAsDeclared(engine, found, { site, at })) return
      await removeNetwork(engine, name, signal)
    }
    await createNetwork(engine, { name, site, at }, signal)
  })
  return name
}

/** Machines that are at it are brought into the new one when each comes up. */
async function removeNetwork(engine: ContainerEngine, name: string, signal: AbortSignal): Promise<void> {
  const failure = `The network ${name} is to have another subnet, and cannot go`
  const at = ['--all', '--filter', `network=${name}`, '--format', '{{.Names}}']
  const containers = (await engine.require(['ps', ...at], { signal, failure })).split('\n')
  for (const container of containers.filter((line) => line !== '')) {
    await engine.require(['network', 'disconnect', '--force', name, container], { signal, failure })
  }
  await engine.require(['network', 'rm', name], { signal, failure })
}

/** The networks of a site go when no machine is at them any more, but for those of these names. */
export async function forgetNetworks(
  engine: ContainerEngine,
  { site, kept }: { site: string; kept: readonly string[] },
  signal: AbortSignal,
): Promise<void> {
  const filter = ['--filter', `label=larder.site=${site}`]
  const names = await engine.ask(['network', 'ls', ...filter, '--format', '{{.Name}}'], { signal })
  // One that is in use is refused, which is what is wanted.
  for (const name of names.stdout.split('\n').filter((line) => line !== '' && !kept.includes(line))) {
    await engine.ask(['network', 'rm', name], { signal })
  }
}

/** Podman may have been killed before it was told the interface; Docker is told when it makes the network. */
function isAsDeclared({ name }: ContainerEngine, found: FoundNetwork, { site, at }: { site: string; at: Address }) {
  return found.subnet === subnetOf(at) && (name === 'docker' || found.interface === bridgeOf(site, at))
}

async function createNetwork(
  engine: ContainerEngine,
  { name, site, at }: { name: string; site: string; at: Address | undefined },
  signal: AbortSignal,
): Promise<void> {
  const failure = `The network ${name} cannot be made`
  const args = ['network', 'create', '--label', `larder.site=${site}`]
  if (at === undefined) {
    await engine.require([...args, name], { signal, failure })
    return
  }
  const bridge = bridgeOf(site, at)
  args.push('--subnet', subnetOf(at), ...(at.gateway === undefined ? [] : ['--gateway', at.gateway]))
  if (engine.name === 'docker') {
    await engine.require([...args, '--opt', `com.docker.network.bridge.name=${bridge}`, name], { signal, failure })
    return
  }
  // Its own name server would answer at the gateway, where that of the site does.
  const ownNames = at.names?.isOwn === true ? ['--disable-dns'] : []
  await createPodmanNetwork(engine, [...args, ...ownNames], { name, bridge, signal, failure })
}

const bridgeOf = (site: string, { bridge, network }: Address): string => bridge ?? bridgeName(site, network)

function subnetOf({ address, prefixLength }: Address): string {
  const block = parseBlock(`${address}/${prefixLength}`)
  if (block !== undefined) return blockText(block)
  throw new LarderError('FLEET_RESOURCE_INVALID', {
    message: `${JSON.stringify(address)} with ${prefixLength} bits is no address of a machine.`,
    hint: 'An address such as 192.168.137.11 is needed.',
  })
}

interface FoundNetwork {
  site: string | undefined
  subnet: string | undefined
  /** Podman only. */
  interface: string | undefined
}

/** Docker and podman say the same in forms of their own. */
interface NetworkReport {
  Labels?: Record<string, string> | null
  labels?: Record<string, string> | null
  IPAM?: { Config?: { Subnet?: string }[] | null }
  subnets?: { subnet?: string }[]
  network_interface?: string
}

async function inspectNetwork(
  engine: ContainerEngine,
  name: string,
  signal: AbortSignal,
): Promise<FoundNetwork | undefined> {
  const { code, stdout, stderr } = await engine.ask(['network', 'inspect', name], { signal })
  if (code === 0) {
    const [report = {}] = JSON.parse(stdout) as NetworkReport[]
    const labels = report.Labels ?? report.labels ?? {}
    const subnet = report.IPAM?.Config?.[0]?.Subnet ?? report.subnets?.[0]?.subnet
    return { site: labels['larder.site'], subnet, interface: report.network_interface }
  }
  if (/no such network|not found/i.test(stderr)) return undefined
  throw new LarderError('FLEET_MACHINE_FAILED', {
    message: `${engine.name} does not say whether there is a network ${name}: ${stderr.trim().slice(-300)}`,
    hint: `${engine.name} network inspect ${name}`,
  })
}

function foreign(name: string): LarderError {
  return new LarderError('FLEET_MACHINE_FOREIGN', {
    message: `There is a network ${name} that Larder did not make for this site.`,
    hint: `Rename it, or remove it: docker network rm ${name}`,
  })
}
