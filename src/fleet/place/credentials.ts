import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { LarderError } from '../../core/index.ts'
import { writePrivateFile } from '../../publish/index.ts'
import { readIfThere } from '../read-if-there.ts'
import { makeOpenSshKey, type OpenSshKey } from './openssh-key.ts'
import type { MachineCredentials } from './place.ts'

/** How machines know Larder, and Larder them. */
export interface FleetCredentials {
  /** Private key that Larder logs in with. */
  readonly identityFile: string
  /** The public line that may log in as root. */
  readonly authorizedKey: string
  /** Those of a machine, made when they are asked for first. */
  of(name: string): Promise<MachineCredentials>
  /** What ssh is to believe of a machine: a file of its own. It is there once `of` or `trust` was called. */
  knownHostsFile(name: string): string
  /** Believes these keys of a host that exists from now on, and no others. */
  trust(name: string, keys: readonly { publicLine: string }[]): Promise<void>
  /** Whether just this key is believed. */
  trusts(name: string, key: { publicLine: string }): Promise<boolean>
  forget(name: string): Promise<void>
}

/**
 * Keys in a folder of their own, `machines/credentials` of the data folder:
 * ```
 * controller/id_ed25519(.pub)     what Larder logs in with
 * hosts/<name>/host_ed25519(.pub) the key that a machine is given when it is made
 * hosts/<name>/known_hosts        what ssh believes of it
 * ```
 * Folders are 0700 and keys 0600; a file is whole or not there. A key is made once, and used as long as it is there.
 */
export async function openFleetCredentials(folder: string): Promise<FleetCredentials> {
  const identityFile = join(folder, 'controller', 'id_ed25519')
  const controller = await keyAt(identityFile, 'larder')
  const hostFolder = (name: string): string => join(folder, 'hosts', checkedName(name))
  const knownHostsFile = (name: string): string => join(hostFolder(name), 'known_hosts')
  const believe = async (name: string, keys: readonly { publicLine: string }[]): Promise<void> => {
    // Of the machine's name and not of its address, which may change: HostKeyAlias of ssh_config(5).
    const lines = keys.map(({ publicLine }) => `${name} ${keyOf(publicLine)}\n`)
    await writePrivateFile(knownHostsFile(name), lines.join(''))
  }
  return {
    identityFile,
    authorizedKey: controller.publicLine,
    knownHostsFile,
    async of(name) {
      const hostKey = await keyAt(join(hostFolder(name), 'host_ed25519'), name)
      await believe(name, [hostKey])
      return { hostKey, authorizedKey: controller.publicLine }
    },
    trust: believe,
    async trusts(name, { publicLine }) {
      const believed = (await readIfThere(knownHostsFile(name))) ?? ''
      return believed.split('\n').includes(`${name} ${keyOf(publicLine)}`)
    },
    async forget(name) {
      await rm(hostFolder(name), { recursive: true, force: true })
    },
  }
}

/** Without its comment. */
function keyOf(publicLine: string): string {
  return publicLine.split(' ', 2).join(' ')
}

async function keyAt(path: string, comment: string): Promise<OpenSshKey> {
  const found = await readKey(path)
  if (found !== undefined) return found
  const made = makeOpenSshKey(comment)
  // The public half first: who finds the private one finds both.
  await writePrivateFile(`${path}.pub`, `${made.publicLine}\n`)
  await writePrivateFile(path, made.privateKey)
  return made
}

async function readKey(path: string): Promise<OpenSshKey | undefined> {
  const [privateKey, publicLine] = [await readIfThere(path), await readIfThere(`${path}.pub`)]
  if (privateKey === undefined || publicLine === undefined) return undefined
  return { privateKey, publicLine: publicLine.trim() }
}

/** Source: RFC 1123 §2.1. It is part of a path. */
function checkedName(name: string): string {
  if (/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name)) return name
  throw new LarderError('FLEET_MACHINE_UNKNOWN', {
    message: `${JSON.stringify(name.slice(0, 80))} is not the name of a machine.`,
    hint: 'Small letters, digits, and - between them, are a name.',
  })
}
