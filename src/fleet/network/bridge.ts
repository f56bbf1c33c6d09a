import { createHash } from 'node:crypto'
import { LarderError } from '../../core/index.ts'
import { needProgram, runProgram } from './daemon/program.ts'
import { asObject } from './kea/kea-control.ts'
import type { NetworkRoom } from './network-room.ts'

/** Where commands that look at interfaces, and set them, are run. */
export type InterfaceRoom = Pick<NetworkRoom, 'namespace'>

/** The interface of this host that a network of a site is at, where the site names none. Linux: 15 characters at most. */
export function bridgeName(site: string, network: string): string {
  return `lrd-${createHash('sha256')
    .update(JSON.stringify([site, network]))
    .digest('hex')
    .slice(0, 11)}`
}

/** An address of this host in a network, and the bridge that has it. */
export interface BridgeAddress {
  name: string
  address: string
  prefixLength: number
}

/** Makes a bridge that has this address, and is up; one that is there is used as it is. Idempotent. FLEET_NETWORK_INTERFACE_MISSING. */
export async function ensureBridge({ name, address, prefixLength }: BridgeAddress, room: InterfaceRoom): Promise<void> {
  const found = (await readInterfaces(room)).find((one) => one.name === name)
  if (found === undefined) {
    await setInterface(room, ['link', 'add', 'name', name, 'type', 'bridge'])
    await setInterface(room, ['link', 'set', 'dev', name, 'alias', bridgeMark])
  }
  if (found?.withPrefixes.includes(`${address}/${prefixLength}`) !== true) {
    await setInterface(room, ['addr', 'add', `${address}/${prefixLength}`, 'dev', name])
  }
  await setInterface(room, ['link', 'set', 'dev', name, 'up'])
}

/** What Larder writes on bridges that it makes: it removes no other. */
const bridgeMark = 'made by larder'

/**
 * Removes a bridge that Larder made and nothing is at. Answers false where something still is; true where it is gone, or was
 * never ours to remove. FLEET_NETWORK_INTERFACE_MISSING.
 */
export async function removeBridge(name: string, room: InterfaceRoom): Promise<boolean> {
  const links = await show(room, 'link')
  const found = links.find(({ ifname }) => ifname === name)
  if (found?.['ifalias'] !== bridgeMark) return true
  if (links.some(({ master }) => master === name)) return false
  await setInterface(room, ['link', 'delete', 'dev', name, 'type', 'bridge'])
  return true
}

/** Takes an address from a bridge that Larder made, where it has it. FLEET_NETWORK_INTERFACE_MISSING. */
export async function dropAddress({ name, address, prefixLength }: BridgeAddress, room: InterfaceRoom): Promise<void> {
  const link = (await show(room, 'link')).find(({ ifname }) => ifname === name)
  if (link?.['ifalias'] !== bridgeMark) return
  const found = (await readInterfaces(room)).find((one) => one.name === name)
  const whole = `${address}/${prefixLength}`
  if (found?.withPrefixes.includes(whole) === true) await setInterface(room, ['addr', 'del', whole, 'dev', name])
}

export interface Interface {
  name: string
  addresses: string[]
}

interface FoundInterface extends Interface {
  /** Of this interface alone: one that is made again has another. */
  index: number
  /** Hardware address: small letters, colons; '' where it has none. */
  mac: string
  /** Up, and a cable or a port is in it. */
  isRunning: boolean
  withPrefixes: string[]
}

/** All of this host. FLEET_NETWORK_INTERFACE_MISSING. */
export async function readInterfaces(room: InterfaceRoom): Promise<FoundInterface[]> {
  return (await show(room, 'addr')).map(({ ifname, ifindex, flags, address, addr_info: infos }) => {
    const all = Array.isArray(infos) ? infos.map((info) => asObject(info)) : []
    const own = all.flatMap(({ family, local, prefixlen: prefixLength }) =>
      family === 'inet' && typeof local === 'string' ? [{ local, whole: `${local}/${String(prefixLength)}` }] : [],
    )
    const said = Array.isArray(flags) ? flags : []
    return {
      name: typeof ifname === 'string' ? ifname : '',
      index: typeof ifindex === 'number' ? ifindex : 0,
      mac: typeof address === 'string' ? address : '',
      isRunning: said.includes('UP') && !said.includes('NO-CARRIER'),
      addresses: own.map(({ local }) => local),
      withPrefixes: own.map(({ whole }) => whole),
    }
  })
}

/** Source: ip-address(8), ip-link(8), `-json`. */
async function show({ namespace }: InterfaceRoom, what: 'addr' | 'link'): Promise<Readonly<Record<string, unknown>>[]> {
  const ip = await needProgram('ip', 'iproute2')
  const { stdout, code, said } = await runProgram(ip, ['-json', what, 'show'], { namespace })
  if (code !== 0) throw failed(`ip ${what} show: ${said}`)
  return (JSON.parse(stdout || '[]') as unknown[]).map(asObject)
}

/** By ip(8); what is so already is no failure. FLEET_NETWORK_INTERFACE_MISSING. */
export async function setInterface({ namespace }: InterfaceRoom, args: readonly string[]): Promise<void> {
  const { code, said } = await runProgram(await needProgram('ip', 'iproute2'), args, { namespace })
  if (code !== 0 && !/File exists/.test(said)) throw failed(`ip ${args.join(' ')}: ${said.trim()}`)
}

function failed(words: string): LarderError {
  return new LarderError('FLEET_NETWORK_INTERFACE_MISSING', {
    message: `An interface of this host cannot be looked at or set: ${words}`,
    hint: 'Run Larder as root, or with CAP_NET_ADMIN; or name an interface that is there.',
  })
}
