import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseJson } from '../../../core/index.ts'
import { writePrivateFile } from '../../../publish/index.ts'
import { programFailed } from '../program.ts'
import type { ContainerEngine } from './engine.ts'

/**
 * Makes a network of podman at an interface of this name. Podman before 4.4 (Debian 12 has 4.3) cannot be told which: what
 * it has written down is changed before anybody is at it. Killed in between, the network is at another interface.
 * FLEET_MACHINE_FAILED. Source: podman-network-create(1), podman-network(1).
 */
export async function createPodmanNetwork(
  engine: ContainerEngine,
  args: readonly string[],
  { name, bridge, signal, failure }: { name: string; bridge: string; signal: AbortSignal; failure: string },
): Promise<void> {
  const { code, stderr } = await engine.ask([...args, '--interface-name', bridge, name], { signal })
  if (code === 0) return
  if (!stderr.includes('unknown flag: --interface-name')) throw programFailed(engine.name, stderr, failure)
  await engine.require([...args, name], { signal, failure })
  const path = join(networksFolder, `${name}.json`)
  const network = parseJson(await readFile(path, 'utf8')) as Readonly<Record<string, unknown>>
  await writePrivateFile(path, `${JSON.stringify({ ...network, network_interface: bridge }, undefined, 5)}\n`)
}

/** Of podman as root, with netavark. */
const networksFolder = '/etc/containers/networks'
