import type { z } from 'zod'
import type { SiteFiles } from '../../core/index.ts'
import type { Script } from '../shell/script.ts'
import type { AskedPath, PathFacts } from './path-facts.ts'
import type { UnitFacts } from './unit-facts.ts'

/** What a host says of itself, read with the facts of its resources. */
export interface HostFacts {
  /** ID of os-release(5): `debian`, `rocky`. */
  readonly os: string
  /** `debian` also for Ubuntu; `rhel` for Fedora, Rocky and their like. */
  readonly family: 'debian' | 'rhel' | 'other'
  /** VERSION_ID of os-release(5); '' where there is none. */
  readonly version: string
  /** VERSION_CODENAME: `bookworm`; '' where there is none. */
  readonly codename: string
  /** uname -m: `x86_64`. */
  readonly machine: string
  readonly hostname: string
  /** systemd is the init of this host. */
  readonly hasSystemd: boolean
}

/** One way in which a host is not as it was declared, in the words that a person reads in the plan. */
export interface Difference {
  /** `mode`, `content`, `version`, `state`. */
  readonly what: string
  /** As it is; undefined: not there. Several lines where it is text (content), which is shown as a diff. */
  readonly from?: string | undefined
  /** As it shall be; undefined: it shall go. */
  readonly to?: string | undefined
  /** Its values are shown to nobody. */
  readonly isSecret?: boolean
}

/** Facts of one resource. `unknown`: it could not be looked at, since something that comes first is not there yet (`maybe`). */
export type Looked<Facts> =
  | { readonly known: true; readonly facts: Facts }
  | { readonly known: false; readonly why: string }

/** What a resource looks at that those of other types look at as well. */
export interface Asked {
  readonly paths?: readonly AskedPath[]
  readonly units?: readonly string[]
}

/** What a host says of what was asked for, in that order. */
export interface Seen {
  /** Undefined: what the host said of it is not whole. */
  readonly paths: readonly (PathFacts | undefined)[]
  /** Or why nothing is known of any. */
  readonly units: readonly UnitFacts[] | string
}

/** What turns what is written in the site into what is wanted on a host. */
export interface ResolveRoom {
  readonly files: SiteFiles
  /** What templates may name: `machine`, `machines`, `site`, and the variables of the role. */
  readonly variables: Readonly<Record<string, unknown>>
  /** Value of a secret of the site by name. FLEET_SECRET_UNKNOWN. */
  secret(name: string): Promise<string>
  /** Where a mirror of ours is, as machines reach it. FLEET_MIRROR_UNKNOWN. */
  mirror(name: string): Promise<MirrorSource>
  /** An image of ours as machines pull it: reference with digest. FLEET_IMAGE_UNKNOWN. */
  image(name: string): Promise<{ reference: string; digest: string }>
  /** What the machine pulls an image of ours with, now; undefined: it needs nothing. */
  login(image: string): Promise<RegistryLogin | undefined>
  /** Who has certified our registry; undefined: it is without TLS, or certified by somebody whom everybody trusts. */
  authority(): Promise<RegistryAuthority | undefined>
}

/** What a machine has to trust to reach a registry by TLS. */
export interface RegistryAuthority {
  /** PEM, one certificate. */
  readonly certificate: string
  /** Name and port of the registry, as they stand in a reference. */
  readonly registry: string
}

/** Of a registry. It ends soon, and is nothing that a machine keeps. */
export interface RegistryLogin {
  readonly user: string
  readonly password: string
}

/** What makes a client of a mirror. */
export interface MirrorSource {
  readonly format: 'apt' | 'rpm'
  readonly name: string
  /** Text of the deb822 source (key inline) or of the .repo file. */
  readonly source: string
  /** Armored public keys (RPM: also those of vendors). */
  readonly keys: readonly string[]
  /** Number of what it publishes: another one, other content. */
  readonly snapshot: number
}

/** What asks whether something is ready exits with this where it does not become so by waiting. */
export const gaveUp = 69

/**
 * A type of thing that is declared on a host: what it is, how a host is asked for it, and how it is made so. Types know
 * nothing of each other, of connections, or of order.
 */
export interface ResourceType<Declared, Desired, Facts> {
  /** Its key in a list of resources: `file`. */
  readonly name: string
  /** What may be written beside the common keys (id, after, notify, when). The key `name` itself is the subject. */
  readonly schema: z.ZodType<Declared>
  /** What it is on a host. Two resources of one type and subject on a machine are refused. */
  subjectOf(declared: Declared): string
  /** Reads files, renders templates, asks for secrets. Throws LarderErrors that say what is wrong with what is written. */
  resolve(declared: Declared, room: ResolveRoom): Promise<Desired>
  /**
   * Identities (`directory:/etc/nginx`) that come first where they are declared, without anybody saying so; `package:*` and
   * `file:/etc/nginx/*` are all that begin so. Asked by resolveResources, which puts them into `Resource.after`: an order
   * that somebody has written takes precedence.
   */
  after?(desired: Desired): readonly string[]
  /** What of the site it names, so that it is checked without any host. */
  names?(declared: Declared): readonly Named[]
  /** What it is about besides its subject, which others may be about as well. Without any host; mistakes are told elsewhere. */
  claims?(declared: Declared, files: SiteFiles): Promise<readonly Claim[]>
  /** One resource may be about several subjects, which are then looked at and made so together: `package`. */
  readonly grouped?: boolean
  /** What is asked for of all types together: processes are what looking costs. */
  asks?(desired: Desired): Asked
  /** What else there is to know: one script that asks for all of this type at once, and changes nothing. `read` reads what it prints. */
  facts?(all: readonly Desired[]): Script
  /** That script waits for what may not answer: it ends by `$larder_deadline` (`lookDeadline`), which all such looks of a machine share. */
  readonly mayHang?: boolean
  /** Pure, and believes nothing: output may be cut off, flooded, or not UTF-8. As many as were asked for, as `seen` has. */
  read(output: Buffer, all: readonly Desired[], seen: readonly Seen[]): readonly Looked<Facts>[]
  /** Pure. Empty: it is as declared. */
  diff(desired: Desired, facts: Facts): readonly Difference[]
  /** Makes it so; run by /bin/sh with `set -eu`; exits with other than 0 when it could not. Doing it twice is harmless. */
  apply(
    desired: Desired,
    change: { facts: Facts | undefined; differences: readonly Difference[]; host: HostFacts },
  ): Script
  /** What a notification makes it do: a service restarts or reloads. Types without it cannot be notified. */
  notified?(desired: Desired): Script
  /** How long making it so may take, or what a notification makes it do, where that is said of it. Milliseconds. */
  applyMs?(desired: Desired): number | undefined
  /** Exits with 0 once what was made is of use; asked again until then, unless it exits with `gaveUp`. */
  ready?(desired: Desired): Script | undefined
  /** How long it may take until then, where that is said of it. Milliseconds. */
  readyMs?(desired: Desired): number | undefined
}

// oxlint-disable-next-line typescript/no-explicit-any -- the engine hands each type what that type itself made
export type AnyResourceType = ResourceType<any, any, any>

/** Something of the site that a resource names. `key`: where it is written. */
export interface Named {
  /** `inline`: a template whose text is the name. */
  readonly kind: 'file' | 'template' | 'inline' | 'secret' | 'mirror' | 'image'
  readonly name: string
  readonly key: string
}

/** Two resources of one host with the same key and different values are refused. */
export interface Claim {
  /** Within all types: begins with the name of its own. */
  readonly key: string
  /** In words: `the name "db" in /etc/hosts`. */
  readonly about: string
  readonly value: string
}

/** Only on hosts of which all of this holds; of several values, one has to. */
export interface When {
  /** ID of os-release(5): `debian`. */
  readonly os?: readonly string[] | undefined
  readonly family?: readonly string[] | undefined
  /** VERSION_ID, or its beginning: `9` is also 9.4. */
  readonly version?: readonly string[] | undefined
  readonly codename?: readonly string[] | undefined
}

/** One declared thing on one machine, resolved. */
export interface Resource {
  /** `file:/etc/motd`, or what `id:` says. Unique on a machine. */
  readonly id: string
  readonly type: AnyResourceType
  readonly desired: unknown
  /** Undefined: on every host. Two of one id are possible where no host has both. */
  readonly when?: When | undefined
  /** Ids of resources of this machine that come first: what is written, and what follows from `ResourceType.after` and `notify`. */
  readonly after: readonly string[]
  /** Ids of resources that are notified when this one was changed: once, after all. */
  readonly notify: readonly string[]
  /** Where it is written: `roles/web.yaml:12`. */
  readonly origin: string
}
