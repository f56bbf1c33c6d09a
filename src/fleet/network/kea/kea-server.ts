import { readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { digestOf, hexOf, LarderError } from '../../../core/index.ts'
import { findProgram, needProgram, runProgram } from '../daemon/program.ts'
import type { Daemon, Supervisor } from '../daemon/supervisor.ts'
import { whenReady } from '../daemon/when-ready.ts'
import type { Applied, DhcpServer, ServerConfig } from '../dhcp-server.ts'
import type { NetworkRoom } from '../network-room.ts'
import { readIfThere } from '../../read-if-there.ts'
import { writePrivateFile } from '../../../publish/index.ts'
import { keaConfig, type KeaFiles } from './kea-config.ts'
import { asObject, askKea } from './kea-control.ts'
import { deafInterfaces } from './kea-hearing.ts'
import { parseLeases } from './kea-leases.ts'
import { keaStore } from './kea-store.ts'

const packageName = 'kea-dhcp4-server'

/** Kea: changed by its control socket while it runs. */
export async function createKeaServer(room: NetworkRoom, supervisor: Supervisor): Promise<DhcpServer> {
  const files = await keaFiles(room)
  const context: KeaContext = { room, supervisor, files }
  return {
    name: 'kea',
    store: keaStore(files.leases, room.clock),
    async unusable() {
      const missing = (await findProgram('kea-dhcp4')) === undefined || files.leaseHook === ''
      if (!missing) return undefined
      return { message: 'Kea is not installed.', hint: `apt-get install ${packageName}` }
    },
    compile: (network, footings) => keaConfig(network, footings, files),
    check: (config) => checkConfig(context, config),
    async running() {
      const pid = await supervisor.pidOf(await daemonOf(context))
      if (pid === undefined) return undefined
      const answer = await askKea(files.socket, 'config-get')
      const digest = asObject(asObject(answer?.arguments['Dhcp4'])['user-context'])['larder']
      return typeof digest === 'string' ? digest : ''
    },
    apply: (config) => applyConfig(context, config),
    async ensure() {
      if ((await readIfThere(files.config)) === undefined) return false
      if ((await supervisor.pidOf(await daemonOf(context))) !== undefined) return false
      await start(context)
      return true
    },
    deafAt: () => deafAt(context),
    listen: () => listen(context),
    async leases() {
      const answer = await askKea(files.socket, 'lease4-get-all')
      return answer === undefined ? [] : parseLeases(answer.arguments, room.clock.now())
    },
    async stop() {
      // Its name as a unit is that of dnsmasq, too, which runs where it does not.
      if ((await readIfThere(files.config)) === undefined || (await findProgram('kea-dhcp4')) === undefined) return
      await supervisor.stop(await daemonOf(context))
      await rm(files.config, { force: true })
    },
  }
}

interface KeaContext {
  room: NetworkRoom
  supervisor: Supervisor
  files: KeaFiles
  /** When it was told to listen last, and at what. */
  told?: { at: string; monotonicMs: number }
}

/** unix(7): a path of a socket has at most 107 bytes. */
const longestSocketPath = 107

async function keaFiles({ folder }: NetworkRoom): Promise<KeaFiles> {
  const own = join(folder, 'kea')
  const near = join(own, 'socket')
  const far = join(tmpdir(), `larder-kea-${hexOf(digestOf(folder)).slice(0, 16)}`)
  return {
    config: join(own, 'kea-dhcp4.conf'),
    socket: Buffer.byteLength(near) > longestSocketPath - '.lock'.length ? far : near,
    leases: join(own, 'leases.csv'),
    leaseHook: await findHook(),
  }
}

/** Each distribution has it somewhere else; '' where Kea is not installed. */
async function findHook(): Promise<string> {
  const folders = ['/usr/lib', '/usr/lib64'].map(async (folder) => {
    const names = await readdir(folder).catch((): string[] => [])
    return [folder, ...names.filter((name) => name.endsWith('-linux-gnu')).map((name) => join(folder, name))]
  })
  for (const folder of (await Promise.all(folders)).flat()) {
    const path = join(folder, 'kea', 'hooks', 'libdhcp_lease_cmds.so')
    if ((await readdir(dirname(path)).catch((): string[] => [])).includes(basename(path))) return path
  }
  return ''
}

async function daemonOf({ files }: KeaContext): Promise<Daemon> {
  const folder = dirname(files.config)
  return {
    name: 'dhcp',
    path: await needProgram('kea-dhcp4', packageName),
    args: ['-c', files.config],
    environment: environmentOf(files),
    // Kea refuses to start while a process of this number runs, whichever it is.
    staleFiles: [join(folder, `${basename(files.config, '.conf')}.kea-dhcp4.pid`), files.socket],
  }
}

/** Source: Kea Administrator Reference Manual, §5.5 and (since 2.6.3) §23.3. */
function environmentOf(files: KeaFiles): Record<string, string> {
  const folder = dirname(files.config)
  return {
    KEA_PIDFILE_DIR: folder,
    KEA_LOCKFILE_DIR: folder,
    KEA_DHCP_DATA_DIR: folder,
    KEA_CONTROL_SOCKET_DIR: dirname(files.socket),
  }
}

async function checkConfig({ files, room }: KeaContext, { config }: ServerConfig): Promise<void> {
  const candidate = `${files.config}.candidate`
  await writePrivateFile(candidate, config)
  try {
    const options = { namespace: room.namespace, environment: environmentOf(files) }
    const answer = await runProgram(await needProgram('kea-dhcp4', packageName), ['-t', candidate], options)
    if (answer.code !== 0) throw refused(complaint(answer.said))
  } finally {
    await rm(candidate, { force: true })
  }
}

/** `… ERROR […] DHCP4_PARSER_FAIL failed to …: interface 'x' doesn't exist` */
function complaint(said: string): string {
  const lines = said.split('\n')
  return lines.find((line) => line.startsWith('Error encountered: ')) ?? lines.slice(-5).join('; ').trim()
}

function refused(words: string): LarderError {
  return new LarderError('FLEET_NETWORK_CONFIG_REFUSED', {
    message: `Kea refuses the configuration that was made of the section network: ${words}`,
    hint: 'Nothing was changed. If larder check finds no fault in larder.yaml, this is a fault of Larder: report it.',
  })
}

/**
 * The file comes first, so that a Kea that dies right after has the new configuration; one that was not told of it is
 * found by its digest, and told by the next run.
 */
async function applyConfig(context: KeaContext, { config, digest }: ServerConfig): Promise<Applied> {
  const { files, supervisor } = context
  const before = await readIfThere(files.config)
  await writePrivateFile(files.config, config)
  const pid = await supervisor.pidOf(await daemonOf(context))
  if (pid === undefined) {
    await start(context)
    return 'started'
  }
  if ((await runningDigest(files)) === digest) return 'unchanged'
  const answer = await askKea(files.socket, 'config-set', { arguments: JSON.parse(config) as unknown })
  if (answer?.result === 0) return 'live'
  if (answer !== undefined) {
    await putBack(context, before)
    throw refused(answer.text)
  }
  // It runs and nobody listens: nothing but a restart helps.
  await supervisor.stop(await daemonOf(context))
  await start(context)
  return 'restarted'
}

async function runningDigest(files: KeaFiles): Promise<unknown> {
  const answer = await askKea(files.socket, 'config-get')
  return asObject(asObject(answer?.arguments['Dhcp4'])['user-context'])['larder']
}

async function deafAt(context: KeaContext): Promise<string[]> {
  const config = await readIfThere(context.files.config)
  if (config === undefined) return []
  const pid = await context.supervisor.pidOf(await daemonOf(context))
  return pid === undefined ? [] : deafInterfaces(pid, config, context.room)
}

/** Each time it is deaf to all for some milliseconds: where it was in vain, not every few seconds. */
const listenAgainMs = 60_000

async function listen(context: KeaContext): Promise<string[]> {
  const { files, room, told } = context
  const deaf = await deafAt(context)
  const now = room.clock.monotonicMs()
  const at = deaf.join(' ')
  if (deaf.length === 0 || (told?.at === at && now - told.monotonicMs < listenAgainMs)) return []
  context.told = { at, monotonicMs: now }
  const answer = await askKea(files.socket, 'config-reload')
  if (answer !== undefined && answer.result !== 0) {
    throw new LarderError('FLEET_NETWORK_SERVER_FAILED', {
      message: `Kea is told to listen at ${at}, and does not: ${answer.text}`,
      hint: "Look at its log: dhcp.log in network/, or journalctl -u 'larder-dhcp-*'.",
    })
  }
  const still = new Set(await deafAt(context))
  return deaf.filter((name) => !still.has(name))
}

/** A Kea that refuses at the last step may be left without what it had. */
async function putBack({ files }: KeaContext, before: string | undefined): Promise<void> {
  if (before === undefined) return
  await writePrivateFile(files.config, before)
  await askKea(files.socket, 'config-set', { arguments: JSON.parse(before) as unknown })
}

async function start(context: KeaContext): Promise<void> {
  const { supervisor, files, room } = context
  const daemon = await daemonOf(context)
  await supervisor.start(daemon)
  await whenReady({ daemon, supervisor, clock: room.clock }, async () => {
    const answer = await askKea(files.socket, 'status-get')
    return answer?.result === 0
  })
}
