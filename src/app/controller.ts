import type { Readable } from 'node:stream'
import type { Finding, Problem, Progress, SiteFiles } from '../core/index.ts'
import type { DoctorReport } from './doctor/doctor-report.ts'
import type { ImageController } from './image-controller.ts'
import type { MachineController } from './machine-controller.ts'
import type { ServiceController } from './service-controller.ts'
import type { ForgeEvent } from '../forge/index.ts'
import type { ClientSetup, MirrorPackage, OwnPackage, WhyChain } from '../mirror/index.ts'
import type { TreeEntry } from '../publish/index.ts'

/**
 * All that the outside may ask of a running Larder. HTTP routes and commands render what it answers; neither reaches past
 * it. Dates are ISO 8601 strings in UTC, since all of it becomes JSON. Images and machines: in files of their own.
 */
export interface Controller extends ImageController, MachineController, ServiceController {
  site(): Promise<{ name: string; commit: string | undefined }>
  /** What these files would change, were they the site. Nothing is changed. SITE_INVALID, and what upstreams throw. */
  planFiles(files: SiteFiles, options: { progress: Progress; signal?: AbortSignal }): Promise<PlannedChange[]>

  mirrors(): Promise<MirrorSummary[]>
  /** MIRROR_UNKNOWN. */
  mirror(name: string): Promise<MirrorDetail>
  /** Newest first. MIRROR_UNKNOWN. */
  snapshots(mirror: string): Promise<SnapshotSummary[]>
  /** `number` default: the publication's. SNAPSHOT_UNKNOWN. */
  packages(mirror: string, number?: number): Promise<MirrorPackage[]>
  diff(mirror: string, from: number, to: number): Promise<MirrorDiff>
  why(mirror: string, packageName: string): Promise<WhyChain[]>
  promote(mirror: string, number: number): Promise<PublicationSummary>
  /** To the snapshot that was published before this one. */
  rollback(mirror: string): Promise<PublicationSummary>
  /** Every byte of the publication read and hashed. */
  verify(mirror: string): Promise<Finding[]>
  /** Packages of a mirror that are no upstream's. MIRROR_UNKNOWN. */
  ownPackages(mirror: string): Promise<OwnPackage[]>
  /**
   * Adds a package file to a mirror: durable when it answers, published by the next run. `label` names it in errors.
   * MIRROR_UNKNOWN, OWN_PACKAGE_REFUSED, OWN_PACKAGE_CONFLICT, APT_DEB_MALFORMED, RPM_MALFORMED, SIGNATURE_*.
   */
  addPackage(mirror: string, file: { label: string; content: Readable }): Promise<OwnPackage>
  /** `version` default: every one. Answers what was removed. MIRROR_UNKNOWN, NOT_FOUND. */
  removePackage(mirror: string, which: { name: string; version?: string | undefined }): Promise<OwnPackage[]>
  /** Plans and applies the head of main again: what is new upstream comes in. Answers at once. */
  sync(): Promise<RunSummary>

  /** Newest first. */
  runs(options: { limit: number; before?: number; state?: RunState; pullRequest?: number }): Promise<RunSummary[]>
  run(id: number): Promise<RunDetail>
  /** Lines after number `after`. */
  runLog(id: number, after?: number): Promise<{ number: number; at: string; message: string }[]>
  retryRun(id: number): Promise<RunSummary>
  cancelRun(id: number): Promise<RunSummary>
  /** Newest first. */
  deliveries(options: { limit: number; before?: number }): Promise<DeliverySummary[]>
  /** Highest number first; none where the site is in no forge that has them. */
  pullRequests(options: { limit: number; state?: PullRequestSummary['state'] }): Promise<PullRequestSummary[]>
  /** Durable when it returns; the same delivery twice is told as `duplicate`. */
  acceptDelivery(delivery: Delivery): Promise<{ status: 'accepted' | 'duplicate'; id: number }>
  /**
   * A push is about to be accepted by the built-in Git endpoint. `environment` holds GIT_* variables of the
   * quarantine. Lines are told to the pusher as they come; `accepted: false` refuses the whole push.
   */
  checkPush(push: Push, tell: (line: string) => void): Promise<{ accepted: boolean }>
  /** The refs have moved. Runs are queued; tells the pusher where to look. */
  pushed(push: Push, tell: (line: string) => void): Promise<void>

  /** Into an absolute folder of this machine, which is empty or was made by an earlier export. EXPORT_REFUSED. */
  exportMirror(mirror: string, folder: string): Promise<{ written: number; kept: number; removed: number }>
  collectGarbage(): Promise<{ removed: number; freedBytes: number; kept: number }>
  /** Newest first; `retiresAt`: until when an older key goes on signing beside it. */
  keys(mirror: string): Promise<{ fingerprint: string; retiresAt: string | undefined }[]>
  /**
   * An existing OpenPGP key signs from now on, beside the one before it for 30 days. The mirror need not be there yet.
   * KEY_LOCKED, KEY_UNSUITABLE.
   */
  importKey(
    mirror: string,
    key: { armored: string; passphrase?: string | undefined },
  ): Promise<{ fingerprint: string; retiresAt: string | undefined }[]>
  rotateKey(mirror: string): Promise<{ fingerprint: string; retiresAt: string | undefined }[]>
  /** Looks for whatever may be wrong. `fix`: mends what is safe to mend; `deep`: reads every byte. */
  doctor(options: { fix: boolean; deep: boolean }): Promise<DoctorReport>

  /** A file as clients see it now; stable paths of retained generations too. */
  published(format: string, mirror: string, path: string): Promise<PublishedFile | undefined>
  /** Direct children of a folder of the current publication, for people who look. */
  publishedFolder(format: string, mirror: string, path: string): Promise<string[] | undefined>
  /** As `published`, of what a pull request would publish; undefined when it has expired. */
  previewed(run: number, format: string, mirror: string, path: string): Promise<PublishedFile | undefined>
  previewFolder(run: number, format: string, mirror: string, path: string): Promise<string[] | undefined>
  /** Newest run first; of one run only. */
  previews(run?: number): Promise<PreviewSummary[]>
  /** Answers how many there were. */
  removePreviews(run: number): Promise<number>
  /** Key and setup of what a run's previews are signed with. PREVIEW_UNKNOWN. */
  previewKey(run: number, mirror: string): Promise<string>
  previewSetup(run: number, mirror: string, baseUrl: string): Promise<ClientSetup>
  /** Armored public key that clients of the mirror must trust. MIRROR_UNKNOWN. */
  publicKey(mirror: string): Promise<string>
  /** What a client needs to use the mirror. */
  clientSetup(mirror: string, baseUrl: string): Promise<ClientSetup>

  health(): Promise<{ ready: boolean; reasons: string[] }>
}

/** As a run keeps it. */
export type PlannedChange = NonNullable<RunDetail['plan']>[number]
export type RunState = 'waiting' | 'running' | 'succeeded' | 'failed' | 'cancelled' | 'superseded'

export interface MirrorSummary {
  name: string
  format: 'apt' | 'rpm'
  publication: PublicationSummary | undefined
  packageCount: number
  sizeBytes: number
}
export interface MirrorDetail extends MirrorSummary {
  upstreams: string[]
  architectures: string[]
  url: string
}
/** What became of a webhook. */
export interface DeliverySummary {
  id: number
  forge: string
  repository: string
  deliveryId: string
  event: string
  receivedAt: string
  state: 'waiting' | 'done' | 'ignored'
  /** Why it was ignored. */
  reason: string | undefined
  runId: number | undefined
}
export interface PullRequestSummary {
  number: number
  state: 'open' | 'closed' | 'merged'
  title: string
  author: string
  head: string
  headCommit: string
  base: string
  fromFork: boolean
  /** The head that a maintainer gave their word for. */
  approvedCommit: string | undefined
  approvedBy: string | undefined
  updatedAt: string
}
export interface PreviewSummary {
  run: number
  pullRequest: number | undefined
  mirror: string
  format: string
  /** Of the repository that clients may use. */
  url: string
  /** A script that makes a machine a client of it. */
  setupUrl: string
  /** Bytes that were fetched for it. */
  sizeBytes: number
  expiresAt: string
}
export interface SnapshotSummary {
  mirror: string
  number: number
  createdAt: string
  origin: string
  packageCount: number
  sizeBytes: number
  published: boolean
}
export interface PublicationSummary {
  mirror: string
  generation: number
  snapshotNumber: number
  sealedAt: string
  validUntil: string | undefined
}
export interface MirrorDiff {
  added: MirrorPackage[]
  removed: MirrorPackage[]
  changed: { before: MirrorPackage; after: MirrorPackage }[]
}
export interface RunSummary {
  id: number
  branch: string
  commit: string
  goal: 'plan' | 'apply'
  state: RunState
  origin: string
  /** Number of the pull request that it plans, and the head of main that it is planned upon. */
  pullRequest: number | undefined
  baseCommit: string | undefined
  /** `untrusted`: of a fork, and no maintainer has given their word for it. */
  trust: 'trusted' | 'untrusted'
  createdAt: string
  startedAt: string | undefined
  finishedAt: string | undefined
  error: { code: string; message: string; hint?: string; context?: Record<string, unknown> } | undefined
}
export interface RunDetail extends RunSummary {
  steps: { name: string; state: 'running' | 'done' | 'failed'; startedAt: string; finishedAt: string | undefined }[]
  /** Undefined until planned. */
  plan: { subject: string; action: string; summary: string; detail: unknown }[] | undefined
  problems: Problem[]
}
export interface Delivery {
  forge: string
  repository: string
  deliveryId: string
  event: string
  /** Raw bytes as UTF-8 text. */
  body: string
  /** What it was understood as. */
  meaning: ForgeEvent
}
export interface Push {
  updates: { ref: string; before: string; after: string }[]
  environment: Record<string, string>
}
/** Something wrong, or something that was and is mended now. */
export interface PublishedFile {
  entry: TreeEntry
  /** When clients began to see these bytes at this path, to the second. */
  modifiedAt: Date
  /** `end` is exclusive. Default: all of it. */
  open(range?: { start: number; end: number }): Readable
  localPath?: string
}
