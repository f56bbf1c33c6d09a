import type { Progress } from '../../core/index.ts'
import type { Host } from '../host/host.ts'

/** A machine as a place has to know it. */
export interface MachineSpec {
  /** Name in larder.yaml: small letters, digits, hyphens (RFC 1123 label). */
  readonly name: string
  /** Of the site; what is made for it bears this name too. */
  readonly site: string
  /** Addresses in the networks of the site; the first is what it is reached by. Empty: the place decides. */
  readonly addresses: readonly {
    readonly network: string
    readonly address: string
    readonly prefixLength: number
    readonly mac?: string
    /** Of this host in that network, where it has one. Default: the first address of the block. */
    readonly gateway?: string
    /** Interface of this host that the network is at. Default: one that Larder names and makes. */
    readonly bridge?: string
    /** Whom it asks for names, and the domain that is its own. Default: as this host does. */
    readonly names?: {
      readonly servers: readonly string[]
      readonly domain: string
      /** It is Larder that answers: nobody else does at this host. */
      readonly isOwn: boolean
    }
  }[]
  /** How a host that exists is reached; undefined for all others. */
  readonly ssh?: { readonly address: string; readonly port: number; readonly user: string } | undefined
  /** Digest of all that makes another machine necessary: base, memory. Another one: it is made again. */
  readonly identity: string
  /** Those of the same machine, declared in other words or by an earlier version. Default: none. */
  readonly otherIdentities?: readonly string[]
  /** Root file system (tar) that it begins with; undefined for hosts that exist. */
  readonly base?: { readonly path: string; readonly digest: string } | undefined
  readonly memoryMiB: number
  readonly cpus: number
  /** Of a disk of its own; undefined where the place has none to give. */
  readonly diskMiB?: number
}

/** What is put in when a machine is made, so that nobody is trusted on first sight. */
export interface MachineCredentials {
  /** OpenSSH private key and public line of the host. */
  readonly hostKey: { readonly privateKey: string; readonly publicLine: string }
  /** The public line that may log in as root. */
  readonly authorizedKey: string
}

/** Whether what was made is what is declared, as far as that is its identity. */
export function isIdentity(
  found: string | undefined,
  machine: Pick<MachineSpec, 'identity' | 'otherIdentities'>,
): boolean {
  return found === machine.identity || (found !== undefined && machine.otherIdentities?.includes(found) === true)
}

/** `other`: there is one of this name that is not as declared (another base), or that is not ours. */
export type MachineState = 'absent' | 'stopped' | 'running' | 'other'

/** Where machines live. One contract suite holds for all (place.contract.ts). */
export interface Place {
  /** As `at:` says it: `ssh`, `container`, `vm`, `local`. */
  readonly at: string
  /** What this host lacks for it, in words with a mend; undefined: nothing. */
  unusable(): Promise<{ message: string; hint: string } | undefined>
  observe(machine: MachineSpec): Promise<MachineState>
  /** Made and started, or taken up where it was left. Ready when `host` can run a script. Idempotent. */
  bringUp(
    machine: MachineSpec,
    room: { credentials: MachineCredentials; progress: Progress; signal: AbortSignal },
  ): Promise<void>
  /** Only machines that this site made are removed; what they held is gone. Idempotent. */
  remove(machine: Pick<MachineSpec, 'name' | 'site'>): Promise<void>
  /** Removes what is left of networks that are not declared any more, and what no machine begins with. Places without: nothing is. */
  tidy?(kept: { site: string; networks: readonly string[] }, signal: AbortSignal): Promise<void>
  /** Calls back when a machine has ended; until the signal, or until it cannot tell any more. Places without: nobody tells. */
  watch?(onEnd: () => void, signal: AbortSignal): Promise<void>
  /** How scripts are run there. Opens nothing yet. */
  host(machine: MachineSpec): Host
}
