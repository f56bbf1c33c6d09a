import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { silentLog, systemClock } from '../../core/index.ts'
import type { NetworkRoom } from '../network/network-room.ts'

const run = promisify(execFile)

/** A network of its own: a namespace with a server's interface (`srv0`, 10.77.0.1/24), and one for each client. */
export interface NetworkLab {
  room: NetworkRoom
  namespace: string
  /** Adds a client without an address; answers its namespace. */
  addClient(mac?: string): Promise<string>
  /** What a client is given by DHCP; undefined when nobody answers. It also sets its address. */
  askForAddress(client: string): Promise<ClientLease | undefined>
  in(namespace: string, program: string, ...args: string[]): Promise<string>
  remove(): Promise<void>
}

interface ClientLease {
  ip: string
  mask: string
  router: string
  dns: string
  domain: string
  ntpsrv: string
  lease: string
  serverid: string
}

/** Made under names with this process's number, so that tests at the same time do not meet. As root. */
export async function createNetworkLab(): Promise<NetworkLab> {
  const folder = await mkdtemp(join(tmpdir(), 'larder-network-'))
  const prefix = `ln${process.pid}x${(count++).toString(36)}`
  const namespaces: string[] = []
  const ip = async (...args: string[]): Promise<void> => {
    await run('ip', args)
  }
  const addNamespace = async (name: string): Promise<string> => {
    await ip('netns', 'add', name)
    namespaces.push(name)
    await ip('-n', name, 'link', 'set', 'lo', 'up')
    return name
  }
  const server = await addNamespace(`${prefix}s`)
  await ip('-n', server, 'link', 'add', 'srv0', 'type', 'bridge')
  await ip('-n', server, 'addr', 'add', '10.77.0.1/24', 'dev', 'srv0')
  await ip('-n', server, 'link', 'set', 'srv0', 'up')
  const script = join(folder, 'udhcpc.sh')
  await writeFile(script, clientScript, { mode: 0o755 })
  const inside = async (namespace: string, program: string, ...args: string[]): Promise<string> =>
    (await run('ip', ['netns', 'exec', namespace, program, ...args], { timeout: 60_000 })).stdout
  return {
    room: { folder: join(folder, 'network'), clock: systemClock, log: silentLog, namespace: server },
    namespace: server,
    async addClient(mac) {
      const client = await addNamespace(`${prefix}c${namespaces.length}`)
      const port = `p${namespaces.length}`
      await ip('-n', server, 'link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', client)
      await ip('-n', server, 'link', 'set', port, 'master', 'srv0', 'up')
      if (mac !== undefined) await ip('-n', client, 'link', 'set', 'eth0', 'address', mac)
      await ip('-n', client, 'link', 'set', 'eth0', 'up')
      return client
    },
    async askForAddress(client) {
      const args = ['udhcpc', '-i', 'eth0', '-n', '-q', '-f', '-t', '6', '-T', '1', '-s', script, '-O', 'ntpsrv']
      try {
        return parseLease(await inside(client, 'busybox', ...args))
      } catch (error) {
        if ((error as { code?: unknown }).code === 1) return undefined
        throw error
      }
    },
    in: inside,
    async remove() {
      for (const name of namespaces.toReversed()) await ip('netns', 'delete', name)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

let count = 0

function parseLease(output: string): ClientLease | undefined {
  const bound = output.split('\n').find((line) => line.startsWith('bound '))
  return bound === undefined ? undefined : (JSON.parse(bound.slice('bound '.length)) as ClientLease)
}

const clientScript = `#!/bin/sh
case "$1" in
deconfig) ip addr flush dev "$interface" ;;
bound|renew)
  ip addr replace "$ip/$mask" dev "$interface"
  printf 'bound {"ip":"%s","mask":"%s","router":"%s","dns":"%s","domain":"%s","ntpsrv":"%s","lease":"%s","serverid":"%s"}\\n' \\
    "$ip" "$mask" "$router" "$dns" "$domain" "$ntpsrv" "$lease" "$serverid" ;;
esac
`
