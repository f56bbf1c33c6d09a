import type { z } from 'zod'
import { LarderError, type Digest, type Problem, type Progress, type SiteFiles } from '../core/index.ts'
import type { OwnPackageReader } from './own-packages.ts'
import type { LeaseId } from '../store/index.ts'
import type { KeyKind, Sealer, SigningKey, Snapshot } from '../publish/index.ts'

/** One line of a package list, whatever shape it was written in. */
export interface ListedPackage {
  name: string
  /** `>= 1.22`; the grammar is the format's. Undefined: any version, the best is taken. */
  constraint?: { operator: '=' | '>=' | '<=' | '>>' | '<<'; version: string }
  /** Only this architecture. */
  architecture?: string
  /** Follow recommendations of this package and of what it depends on. Default: the mirror's `recommends`. */
  recommends?: boolean
  /** Names never to be taken on account of this package. */
  exclude: readonly string[]
  /** Where it was written. */
  position: { file: string; line: number; column: number }
}

/** A package that a mirror holds or will hold. JSON: plans and snapshots keep it. */
export interface MirrorPackage {
  name: string
  version: string
  architecture: string
  sizeBytes: number
  /** Path in the published repository. */
  path: string
  /** SHA-256 of the file, known once it is stored; '' when the upstream promises only SHA-512 and it is not. */
  digest: Digest | ''
  /** Name of the upstream in larder.yaml. */
  upstream: string
  /** `listed`, or `nginx Depends nginx-core (= 1.22.1-9)`: the first reason found. */
  reason: string
  /**
   * All files of a source package, whose architecture is `source`: `path` and `digest` are those of the file that
   * promises the others, `sizeBytes` is the sum. Undefined for a binary package, which is one file.
   */
  files?: readonly MirrorFile[]
}

export interface MirrorFile {
  /** In the published repository. */
  path: string
  sizeBytes: number
  digest: Digest
}

/** The packages that a list asks for with all they need, and what a person should know of it. */
export interface Resolution {
  /** Sorted by name, version, architecture. */
  packages: readonly MirrorPackage[]
  /** Same version with another checksum in two upstreams, an alternative chosen, … */
  notes: readonly string[]
}

/** What a format is handed about one mirror of larder.yaml. */
export interface MirrorRequest<UpstreamConfig, MirrorConfig> {
  name: string
  mirror: MirrorConfig
  /** In order of preference. */
  upstreams: readonly { name: string; config: UpstreamConfig }[]
  /** Without entries that are wrong in themselves. */
  list: readonly ListedPackage[]
  /** What is wrong with the list, of which nothing is made then. Default: nothing. */
  listErrors?: readonly Problem[]
  files: SiteFiles
}

/**
 * A key of larder.yaml whose value fits no upstream. What `load` throws with exit status 3 may have some as
 * `context.settings`, to be told at their places.
 */
export interface WrongSetting extends Pick<Problem, 'message' | 'expected' | 'suggestion'> {
  /** `['mirrors', 'base', 'architectures', 0]` */
  path: readonly (string | number)[]
}

/** What need not be fetched. Asked of digests of a resolution only. */
export type HeldDigests = Pick<ReadonlySet<Digest>, 'has'>

export interface FormatContext {
  lease: LeaseId
  progress: Progress
  signal: AbortSignal
  now: Date
  /** See KindContext. */
  freshForMs: number
}

/**
 * What differs between APT and RPM, seen from the mirror kind. `Loaded` is the upstream metadata in memory,
 * verified, ready to be resolved against; the format keeps it warm between runs.
 */
export interface Format<UpstreamConfig, MirrorConfig, Loaded, Resolved extends Resolution = Resolution> {
  readonly name: 'apt' | 'rpm'
  /** Keys of an upstream besides `format`. */
  readonly upstreamSchema: z.ZodType<UpstreamConfig>
  /** Keys of a mirror besides `format`, `upstreams`, `packages`, `recommends`, `exclude`, `keep`. */
  readonly mirrorSchema: z.ZodType<MirrorConfig>
  /** Grammar of names and versions of the list. */
  checkListed(listed: ListedPackage): Problem[]
  /** Brings upstream metadata up to date (conditional requests), verifies and loads it. */
  load(context: FormatContext, request: MirrorRequest<UpstreamConfig, MirrorConfig>): Promise<Loaded>
  /** Identity of what was loaded: equal strings mean that nothing changed upstream. */
  fingerprint(loaded: Loaded): string
  /** What was loaded from where, and until when it is good: for `doctor`. */
  inspect(loaded: Loaded): LoadedUpstream[]
  /** Pure. PACKAGE_UNKNOWN, CLOSURE_UNSATISFIABLE: with every problem in `context.problems`. */
  resolve(loaded: Loaded, request: MirrorRequest<UpstreamConfig, MirrorConfig>): Resolved
  /** Chains from listed packages to this one: for `mirror why`. */
  why(loaded: Loaded, request: MirrorRequest<UpstreamConfig, MirrorConfig>, name: string): WhyChain[]
  /**
   * Downloads what is missing, verified. `held`: digests that the current publication keeps in the store. Answers
   * the resolution with every digest known.
   */
  stagePackages(
    context: FormatContext,
    loaded: Loaded,
    what: { resolution: Resolved; held: HeldDigests },
  ): Promise<Resolved>
  /** Whether `compose` reads packages of this resolution; it is called while they are fetched otherwise. Default: it does. */
  readsPackages?(mirror: MirrorConfig, resolution: Resolved): boolean
  /**
   * Writes index files and the tree of the snapshot; reuses what earlier snapshots share. `meta` is JSON and has the
   * name of the format as its `format`. `since`: tree of a snapshot of the mirror that stays until this is done, if
   * what it needs is believed to be in the store. `aside`: it is not going to be the mirror's, so that what is remembered
   * of the mirror's own stays as it is.
   */
  compose(
    context: FormatContext,
    loaded: Loaded,
    what: {
      request: MirrorRequest<UpstreamConfig, MirrorConfig>
      resolution: Resolved
      since?: Digest | undefined
      aside?: boolean
    },
  ): Promise<{ tree: Digest; meta: unknown }>
  /** Packages of a snapshot, from its meta and blobs alone. */
  packagesOf(snapshot: Snapshot): Promise<MirrorPackage[]>
  sealer(mirror: { name: string; meta: unknown }, key: SigningKey): Sealer
  /** What kind of key the clients of a mirror can read. */
  keyKind(mirror: MirrorConfig): KeyKind
  /** Packages of one's own: how they are read, and made a repository of. */
  readonly own: OwnPackageReader
  /** Removes from the cache folder what nothing loaded uses. */
  tidy(): Promise<void>
  /** Place of a path in the order in which an export writes what changes: what refers to others comes last. */
  exportOrder(path: string): number
  /** What a client's administrator writes down to use the mirror. `meta` is undefined before the first publication. */
  clientSetup(options: { mirror: string; baseUrl: string; publicKeyArmored: string; meta: unknown }): ClientSetup
}

/** One part of an upstream as it was loaded. */
export interface LoadedUpstream {
  /** Name in larder.yaml. */
  upstream: string
  /** Which part of it, for people: `suite bookworm`. */
  part: string
  /** Each ending in `/`, the preferred one first. */
  addresses: readonly string[]
  /** When the upstream signed it. */
  madeAt: Date
  /** Undefined: for ever. */
  validUntil: Date | undefined
  /** What is missing upstream, what was not verified. */
  notes: readonly string[]
}

export type ClientSetup = AptClientSetup | RpmClientSetup

/** What is written down on a client, whichever the format. */
export function sourceText(setup: ClientSetup): string {
  return setup.format === 'apt' ? setup.deb822 : setup.repo
}

export interface AptClientSetup {
  format: 'apt'
  /** deb822 source with the key inline. */
  deb822: string
  /** For older clients, which need the key in a file of its own: a line for each type. */
  oneLine: string
  suite: string
  components: string[]
}

export interface RpmClientSetup {
  format: 'rpm'
  /** What goes below /etc/yum.repos.d, for dnf and yum alike. */
  repo: string
}

export interface WhyChain {
  /** From a listed package to the one asked for. */
  steps: readonly { package: string; version: string; because: string }[]
}

/** A format with its types forgotten: what it loads is only ever handed back to it. */
export type AnyFormat = Format<unknown, unknown, unknown>

/** What is known of a format without opening anything: enough to check a site's files. */
export type FormatGrammar = Pick<AnyFormat, 'name' | 'upstreamSchema' | 'mirrorSchema' | 'checkListed'>

/** Takes a format of known types to where all formats are alike. */
export function asAnyFormat<UpstreamConfig, MirrorConfig, Loaded, Resolved extends Resolution>(
  format: Format<UpstreamConfig, MirrorConfig, Loaded, Resolved>,
): AnyFormat {
  return format
}

/** The format that made a snapshot, whatever the mirror is declared as now. MIRROR_UNKNOWN. */
export function formatOfSnapshot(
  formats: readonly AnyFormat[],
  { mirror, number, meta }: Pick<Snapshot, 'mirror' | 'number' | 'meta'>,
): AnyFormat {
  const name = (meta as { format?: unknown } | null)?.format
  const format = formats.find((candidate) => candidate.name === name)
  if (format !== undefined) return format
  throw new LarderError('MIRROR_UNKNOWN', { message: `${mirror}@${number} is of a format that is not supported.` })
}

/** The schema lets no format through that is not registered. */
export function formatNamed(formats: readonly AnyFormat[], name: string): AnyFormat {
  const format = formats.find((candidate) => candidate.name === name)
  if (format === undefined) throw new Error(`there is no format ${name}`)
  return format
}
