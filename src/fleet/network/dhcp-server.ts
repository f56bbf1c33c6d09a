import type { DeclaredNetwork } from './declared-network.ts'

/** Where a subnet is on this host. */
export interface Footing {
  interface: string
  /** Of this host in the subnet: what clients know the server by. */
  address: string
}

/** By name of subnet. */
export type Footings = Readonly<Record<string, Footing>>

/** What a server reads. JSON: a run keeps it between stage and switch. */
export interface ServerConfig {
  /** Of both texts. */
  digest: string
  config: string
  /** What is read again without a restart, where the server has such a file: reservations, names. */
  hosts: string
}

/** An address that somebody has now. */
export interface Lease {
  address: string
  mac: string
  /** What the client calls itself; '' where it does not say. Not to be believed. */
  hostname: string
  expiresAt: Date
}

/** A lease as a server has it in its files. */
export interface HeldLease extends Lease {
  /** `01:02:…`; '' where the client says none. */
  clientId: string
}

export interface HeldLeases {
  /** By address. */
  leases: HeldLease[]
  /** Lines that say nothing that is known. */
  unread: number
}

/** Files that a server has its leases in. Of use only while it does not run. */
export interface LeaseStore {
  /** For messages. */
  readonly path: string
  /** Those that are not over. */
  read(): Promise<HeldLeases>
  /** In place of all that it has; each is in a subnet of the network. It has them all, or those of before. */
  write(leases: readonly HeldLease[], network: DeclaredNetwork): Promise<void>
  /** Idempotent. */
  remove(): Promise<void>
}

/** What became of a server: `live` means that it went on, and nobody noticed. */
export type Applied = 'unchanged' | 'live' | 'restarted' | 'started'

/**
 * A program that hands out addresses. One contract suite holds for all (testing/dhcp-server-contract.ts). Leases are on
 * the disk before they are given; neither a change, nor a restart, nor `kill -9` loses them.
 */
export interface DhcpServer {
  readonly name: DeclaredNetwork['server']
  readonly store: LeaseStore
  /** What this host lacks for it; undefined: nothing. */
  unusable(): Promise<{ message: string; hint: string } | undefined>
  /** Pure: the same networks, the same text. Subnets without DHCP are not in it. */
  compile(network: DeclaredNetwork, footings: Footings): ServerConfig
  /** Asks the program itself, before anybody depends on it. FLEET_NETWORK_CONFIG_REFUSED with its words. */
  check(config: ServerConfig): Promise<void>
  /** Digest of what it runs with; '' where that cannot be told; undefined: it does not run. */
  running(): Promise<string | undefined>
  /** Live where it can be; started where it does not run. FLEET_NETWORK_SERVER_FAILED, FLEET_NETWORK_CONFIG_REFUSED. */
  apply(config: ServerConfig): Promise<Applied>
  /** Starts it with what it had last, where it has died. Answers whether it did. */
  ensure(): Promise<boolean>
  /** Interfaces of its configuration that are up, and that it does not hear at: they were made again, or came up, after it had looked. */
  deafAt(): Promise<string[]>
  /** Has it look again at interfaces where it is deaf. Answers which were heard at again. FLEET_NETWORK_SERVER_FAILED. */
  listen(): Promise<string[]>
  /** By address. */
  leases(): Promise<Lease[]>
  /** Leases stay where they are. Idempotent. */
  stop(): Promise<void>
}
