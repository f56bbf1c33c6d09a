import { randomUUID } from 'node:crypto'
import { mkdir, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { digestOf, hexOf, namesIn, parseJson } from '../../../core/index.ts'
import { writePrivateFile } from '../../../publish/index.ts'
import { readIfThere } from '../../read-if-there.ts'
import type { MachineSpec } from '../place.ts'
import type { NetworkCard } from './network-card.ts'

/** What is known of a virtual machine; it is written before what it tells of is made. JSON. */
export interface VmRecord {
  readonly site: string
  readonly machine: string
  readonly identity: string
  /** Name of the base disk that its own is laid over. */
  readonly base: string
  /** How it was started last. */
  readonly started?: Started | undefined
}

export interface Started {
  /** Of the program: what it is found again by. */
  readonly args: readonly string[]
  readonly cards: readonly NetworkCard[]
  /** Of this host's loopback, where the machine is in no network of this host. */
  readonly sshPort?: number | undefined
  /** In software: it answers late while this host is busy. */
  readonly isEmulated: boolean
  /** It has run a script since. */
  readonly isReady: boolean
}

type Named = Pick<MachineSpec, 'name' | 'site'>

/** Where everything of a machine is: `machines/<name>` of the folder of virtual machines. */
export interface VmFolder {
  readonly folder: string
  readonly disk: string
  readonly seed: string
  readonly console: string
  readonly controlSocket: string
}

/** unix(7): a path of a socket has at most 107 bytes. */
const longestSocketPath = 107

export function vmFolder(root: string, name: string): VmFolder {
  const folder = join(machinesOf(root), name)
  const near = join(folder, 'qmp')
  const far = join(tmpdir(), `larder-vm-${hexOf(digestOf(folder)).slice(0, 16)}`)
  return {
    folder,
    disk: join(folder, 'disk.qcow2'),
    seed: join(folder, 'seed.tar'),
    console: join(folder, 'console.log'),
    controlSocket: Buffer.byteLength(near) > longestSocketPath ? far : near,
  }
}

/** `foreign`: there is something of this name that was not made for this machine of this site. */
export async function readVmRecord(root: string, { name, site }: Named): Promise<VmRecord | 'foreign' | undefined> {
  const { folder } = vmFolder(root, name)
  const record = await readRecord(folder)
  if (record === undefined && (await namesIn(folder)).every(isHalfWritten)) return undefined
  return record?.site === site && record.machine === name ? record : 'foreign'
}

/** What a record was to be in place of, when somebody was killed: `writePrivateFile`. */
const isHalfWritten = (name: string): boolean => /^machine\.json\.[0-9a-f-]{36}\.new$/.test(name)

/** Durable. */
export async function writeVmRecord(root: string, record: VmRecord): Promise<void> {
  await writePrivateFile(recordOf(vmFolder(root, record.machine).folder), `${JSON.stringify(record)}\n`)
}

/** At once for whoever looks, whatever its size; what an earlier process has left of others goes too. */
export async function removeVmFolder(root: string, name: string): Promise<void> {
  const removed = join(root, 'removed')
  await mkdir(removed, { recursive: true, mode: 0o700 })
  await rename(vmFolder(root, name).folder, join(removed, randomUUID()))
  // The folder itself stays: machines that go at the same time are brought there.
  for (const left of await namesIn(removed)) await removeOnce(join(removed, left))
}

const going = new Set<string>()

/** By one alone: a folder that two remove at once fails one of them. */
async function removeOnce(path: string): Promise<void> {
  if (going.has(path)) return
  going.add(path)
  try {
    await rm(path, { recursive: true, force: true })
  } finally {
    going.delete(path)
  }
}

/** Names of the base disks that machines are laid over. */
export async function usedBases(root: string): Promise<Set<string>> {
  const names = await namesIn(machinesOf(root))
  const records = await Promise.all(names.map((name) => readRecord(join(machinesOf(root), name))))
  return new Set(records.flatMap((record) => (record === undefined ? [] : [record.base])))
}

/** Where sshd of a machine is led to on this host's loopback; undefined for one that is at its own address. */
export async function vmSshPort(root: string, name: string): Promise<number | undefined> {
  return (await readRecord(vmFolder(root, name).folder))?.started?.sshPort
}

async function readRecord(folder: string): Promise<VmRecord | undefined> {
  const text = await readIfThere(recordOf(folder))
  return text === undefined ? undefined : (parseJson(text) as VmRecord | undefined)
}

function machinesOf(root: string): string {
  return join(root, 'machines')
}

function recordOf(folder: string): string {
  return join(folder, 'machine.json')
}
