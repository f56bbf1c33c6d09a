// What demos left that were killed before they could end what they had begun.
import { lstat, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import { startDockerEngine, type DockerEngine } from '../test/e2e/support/docker-engine.ts'
import { bridgeName } from '../src/fleet/network/bridge.ts'
import { say } from './pushed-site.ts'

const prefix = 'larder-demo-'

/** A folder of its own for a demo of this process, which says whose it is. */
export async function makeDemoFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `${prefix}${process.pid}-`))
  await writeFile(ownerOf(folder), await identityOf(process.pid))
  return folder
}

/**
 * Their machines, and name spaces that their engine held, answer at the addresses that those of the next demo have: a bridge
 * would bring half of what is sent to the dead. While another demo runs, all is left alone: it may be at the same bridge.
 */
export async function endFormerDemos(): Promise<void> {
  const found = await Promise.all((await readdir(tmpdir())).filter((name) => name.startsWith(prefix)).map(readDemo))
  const demos = found.filter((one) => one !== undefined)
  if (demos.some(({ isAlive }) => isAlive)) return
  for (const { folder, pid } of demos) {
    say(`A demo was killed: what it left in ${folder} is removed …`)
    try {
      await endFormer(folder)
      await removeLab(pid)
    } catch (error) {
      say(`It could not be removed: ${(error as Error).message}`)
    }
  }
}

/** Undefined: none of ours, one of another user, or of another space of processes. */
async function readDemo(name: string): Promise<{ folder: string; pid: number; isAlive: boolean } | undefined> {
  const folder = join(tmpdir(), name)
  const pid = Number(/-(\d+)-/.exec(name)?.[1])
  const found = await orNothing(lstat(folder))
  if (found?.isDirectory() !== true || found.uid !== process.getuid?.()) return undefined
  const owner = await orNothing(readFile(ownerOf(folder), 'utf8'))
  if (owner?.split(' ')[0] !== (await spaceOfProcesses())) return undefined
  return { folder, pid, isAlive: owner === (await identityOf(pid)) }
}

function orNothing<T>(asked: Promise<T>): Promise<T | undefined> {
  return asked.catch(() => undefined)
}

function ownerOf(folder: string): string {
  return join(folder, 'owner')
}

/** A process that has ended has none, and one that has its number by now another. Source: proc_pid_stat(5), starttime. */
async function identityOf(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return `${await spaceOfProcesses()} ${text.slice(text.lastIndexOf(')')).split(' ')[20] ?? 'none'}`
}

function spaceOfProcesses(): Promise<string> {
  return readlink('/proc/self/ns/pid').catch(() => 'unknown')
}

/** What demos leave running when they are killed, by what proc_pid_comm(5) says: 15 characters. */
const programs = ['dockerd', 'containerd', 'dnsmasq', 'kea-dhcp4', 'qemu-system-x86']

/** What it has begun by an engine of its own, that engine itself knows best, though it was killed, too. */
async function endFormer(folder: string): Promise<void> {
  await killThose(folder, programs)
  const engine = join(folder, 'engine')
  if ((await readdir(folder)).includes('engine')) await endMachineEngine(await startDockerEngine(engine))
  await killThose(folder, [...programs, 'containerd-shim'])
  await rm(folder, { recursive: true, force: true, maxRetries: 5 })
}

/** With its machines, and their networks. */
export async function endMachineEngine(engine: DockerEngine): Promise<void> {
  const docker = async (...args: string[]): Promise<string[]> => {
    const { stdout } = await execa('docker', ['--host', engine.host, ...args], { stdin: 'ignore' })
    return stdout.split('\n').filter((line) => line !== '')
  }
  const labels = ['--format', '{{.Label "larder.site"}}']
  const sites = [...(await docker('ps', '--all', ...labels)), ...(await docker('network', 'ls', ...labels))]
  const machines = await docker('ps', '--all', '--quiet')
  if (machines.length > 0) await docker('rm', '--force', ...machines)
  await docker('network', 'prune', '--force')
  for (const site of new Set(sites)) await removeBridge(bridgeName(site, 'default'))
  await engine[Symbol.asyncDispose]()
}

/** The network of demo:lab, and the client in it. */
export async function removeLab(pid: number): Promise<void> {
  const { bridge, client } = labNames(pid)
  await execa('ip', ['netns', 'delete', client], { reject: false })
  await removeBridge(bridge)
}

export function labNames(pid: number): { bridge: string; client: string } {
  const bridge = `ldemo${pid % 100_000}`
  return { bridge, client: `${bridge}c` }
}

async function removeBridge(name: string): Promise<void> {
  await execa('ip', ['link', 'delete', name], { reject: false })
}

/** Programs of these names whose arguments name the folder. */
async function killThose(folder: string, names: readonly string[]): Promise<void> {
  for (let looks = 0; looks < 100; looks++) {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
    const chosen = await Promise.all(pids.map(async (pid) => ((await isOne(pid, folder, names)) ? [pid] : [])))
    if (chosen.flat().length === 0) return
    for (const pid of chosen.flat()) tell(Number(pid), 'SIGKILL')
    await sleep(100)
  }
}

/** What has ended is none. */
async function isOne(pid: string, folder: string, names: readonly string[]): Promise<boolean> {
  const [line = '', name = ''] = await Promise.all(
    ['cmdline', 'comm'].map((file) => orNothing(readFile(`/proc/${pid}/${file}`, 'utf8'))),
  )
  return names.includes(name.trim()) && line.includes(folder)
}

/** Who has ended meanwhile need not be told. */
export function tell(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
