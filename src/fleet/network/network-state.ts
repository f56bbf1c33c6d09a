import { join } from 'node:path'
import { writePrivateFile } from '../../publish/index.ts'
import { readIfThere } from '../read-if-there.ts'
import type { DeclaredNetwork } from './declared-network.ts'
import type { NamedAddress } from './dns/site-names.ts'
import type { NetworkRoom } from './network-room.ts'

/** What was made so last. */
export interface NetworkState {
  network: DeclaredNetwork
  /** Machines and their addresses. */
  names: readonly NamedAddress[]
  /** Digest of the configuration of the DHCP server; undefined where there is none. */
  dhcp?: string | undefined
  /** Bridges of former networks that somebody was still at. Default: none. */
  left?: readonly string[]
}

const statePath = ({ folder }: NetworkRoom): string => join(folder, 'applied.json')

export async function readState(room: NetworkRoom): Promise<NetworkState | undefined> {
  const text = await readIfThere(statePath(room))
  return text === undefined ? undefined : (JSON.parse(text) as NetworkState)
}

export function writeState(room: NetworkRoom, state: NetworkState): Promise<void> {
  return writePrivateFile(statePath(room), JSON.stringify(state))
}
