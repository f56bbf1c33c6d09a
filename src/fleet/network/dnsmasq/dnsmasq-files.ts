import { mkdir, readFile, readlink, readdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { digestOf, LarderError } from '../../../core/index.ts'
import { isGone, isIdle } from '../daemon/find-process.ts'
import { needProgram, runProgram } from '../daemon/program.ts'
import { signalProcess } from '../daemon/process-supervisor.ts'
import type { Daemon, Supervisor } from '../daemon/supervisor.ts'
import { whenReady } from '../daemon/when-ready.ts'
import type { Applied, ServerConfig } from '../dhcp-server.ts'
import type { NetworkRoom } from '../network-room.ts'
import { readIfThere } from '../../read-if-there.ts'
import { writePrivateFile } from '../../../publish/index.ts'

export const dnsmasqPackage = 'dnsmasq-base'

/** A dnsmasq that is ours: what it reads, and how it is made to read that again. */
export interface DnsmasqFiles {
  readonly room: NetworkRoom
  readonly supervisor: Supervisor
  /** `dhcp`, `dns`: of the daemon, and of the folder that its files are in. */
  readonly name: string
  /** UDP port that it has once it is of use. */
  readonly port: number
}

/** Names of the files that a configuration may name. */
export function dnsmasqPaths({ room, name }: Pick<DnsmasqFiles, 'room' | 'name'>): {
  config: string
  hosts: string
  leases: string
  running: string
} {
  const folder = join(room.folder, `${name}-dnsmasq`)
  return {
    config: join(folder, 'dnsmasq.conf'),
    hosts: join(folder, 'hosts'),
    leases: join(folder, 'leases'),
    running: join(folder, 'running.json'),
  }
}

export function dnsmasqConfig(config: string, hosts: string): ServerConfig {
  return { digest: digestOf(JSON.stringify([config, hosts])), config, hosts }
}

/** dnsmasq(8): `--test` reads and checks, and does not look at hosts. FLEET_NETWORK_CONFIG_REFUSED. */
export async function checkDnsmasq(files: DnsmasqFiles, { config }: ServerConfig): Promise<void> {
  const candidate = `${dnsmasqPaths(files).config}.candidate`
  await writePrivateFile(candidate, config)
  try {
    const path = await needProgram('dnsmasq', dnsmasqPackage)
    const { code, said } = await runProgram(path, ['--test', `--conf-file=${candidate}`])
    if (code === 0) return
    throw new LarderError('FLEET_NETWORK_CONFIG_REFUSED', {
      message: `dnsmasq refuses the configuration that was made of the section network: ${said.trim()}`,
      hint: 'Nothing was changed. If larder check finds no fault in larder.yaml, this is a fault of Larder: report it.',
    })
  } finally {
    await rm(candidate, { force: true })
  }
}

/** Digest of what it has read; '' where it was stopped in the middle of a change; undefined: it does not run. */
export async function runningDnsmasq(files: DnsmasqFiles): Promise<string | undefined> {
  const pid = await files.supervisor.pidOf(await daemonOf(files))
  if (pid === undefined) return undefined
  const [seen = '', digest = ''] = ((await readIfThere(dnsmasqPaths(files).running)) ?? '').split(' ')
  return seen === String(pid) ? digest : ''
}

/**
 * Reservations and names are read again at a SIGHUP; all else needs a restart, of some milliseconds. What it has read is
 * written down only after it has: killed in between, the next run does it again.
 */
export async function applyDnsmasq(files: DnsmasqFiles, wanted: ServerConfig): Promise<Applied> {
  const paths = dnsmasqPaths(files)
  const running = await runningDnsmasq(files)
  if (running === wanted.digest) return 'unchanged'
  const isLive = running !== undefined && running !== '' && (await readIfThere(paths.config)) === wanted.config
  await rm(paths.running, { force: true })
  await writePrivateFile(paths.hosts, wanted.hosts)
  await writePrivateFile(paths.config, wanted.config)
  const daemon = await daemonOf(files)
  if (isLive) await readAgain(files, daemon)
  else await restart(files, daemon)
  await writePrivateFile(paths.running, `${await files.supervisor.pidOf(daemon)} ${wanted.digest}`)
  return isLive ? 'live' : running === undefined ? 'started' : 'restarted'
}

/** Starts it with the files that are there, where it has died. */
export async function ensureDnsmasq(files: DnsmasqFiles): Promise<boolean> {
  const paths = dnsmasqPaths(files)
  const [config, hosts] = [await readIfThere(paths.config), await readIfThere(paths.hosts)]
  if (config === undefined || hosts === undefined) return false
  if ((await runningDnsmasq(files)) !== undefined) return false
  await applyDnsmasq(files, dnsmasqConfig(config, hosts))
  return true
}

/** Its leases stay. */
export async function stopDnsmasq(files: DnsmasqFiles): Promise<void> {
  const paths = dnsmasqPaths(files)
  if ((await readIfThere(paths.config)) === undefined) return
  await files.supervisor.stop(await daemonOf(files))
  for (const path of [paths.running, paths.config, paths.hosts]) await rm(path, { force: true })
}

const readWithinMs = 2000
const lookEveryMs = 5

/** One that has much to do is seldom seen idle: it has heard the signal long before the time is over. */
async function readAgain({ supervisor, room: { clock } }: DnsmasqFiles, daemon: Daemon): Promise<void> {
  const pid = await supervisor.pidOf(daemon)
  if (pid === undefined) return
  signalProcess(pid, 'SIGHUP')
  const deadline = clock.monotonicMs() + readWithinMs
  while (!(await isIdle(pid)) && clock.monotonicMs() < deadline) await clock.sleep(lookEveryMs)
}

async function restart(files: DnsmasqFiles, daemon: Daemon): Promise<void> {
  const { supervisor, room, port } = files
  await mkdir(dirname(dnsmasqPaths(files).config), { recursive: true, mode: 0o700 })
  await supervisor.stop(daemon)
  await supervisor.start(daemon)
  await whenReady({ daemon, supervisor, clock: room.clock }, (pid) => hasPort(pid, port))
}

async function daemonOf(files: DnsmasqFiles): Promise<Daemon> {
  return {
    name: files.name,
    path: await needProgram('dnsmasq', dnsmasqPackage),
    args: ['--keep-in-foreground', `--conf-file=${dnsmasqPaths(files).config}`],
    environment: {},
    staleFiles: [],
  }
}

/** Whether a process has a UDP port, in whatever network namespace it is. Source: proc(5), /proc/net/udp. */
async function hasPort(pid: number, port: number): Promise<boolean> {
  try {
    const own = new Set<string>()
    for (const name of await readdir(`/proc/${pid}/fd`)) {
      own.add(await readlink(`/proc/${pid}/fd/${name}`).catch(() => ''))
    }
    const rows = (await readFile(`/proc/${pid}/net/udp`, 'utf8')).split('\n').map((line) => line.trim().split(/\s+/))
    const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
    return rows.some((row) => row[1]?.endsWith(suffix) === true && own.has(`socket:[${row[9]}]`))
  } catch (error) {
    if (isGone(error)) return false
    throw error
  }
}
