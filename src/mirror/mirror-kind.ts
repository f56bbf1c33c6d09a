import { digestOf, isLarderError, type Clock, type Digest, type Kind, type KindContext } from '../core/index.ts'
import type { BlobStore, Leases } from '../store/index.ts'
import {
  type Alongside,
  type PreparedPublication,
  type Publisher,
  type SigningKey,
  type Snapshot,
} from '../publish/index.ts'
import { diffPackages, isEmptyDiff, type PackageDiff } from './package-diff.ts'
import type { AnyFormat, ListedPackage, MirrorPackage, MirrorRequest, Resolution } from './format.ts'
import { mirrorGrammar } from './mirror-grammar.ts'
import type { MirrorMemory } from './mirror-memory.ts'
import type { MirrorConfig, MirrorsConfig } from './mirror-schema.ts'
import { describeChange } from './describe-change.ts'
import { republish } from './republish.ts'
import { readMirrorRequest } from './mirror-request.ts'
import { verifyPublished } from './verify-published.ts'

export interface MirrorKindOptions {
  formats: readonly AnyFormat[]
  publisher: Publisher
  store: BlobStore
  leases: Leases
  clock: Clock
  /** The key that signs a mirror; made at first use. */
  signingKey: (mirror: string) => Promise<SigningKey>
  memory: MirrorMemory
}

export interface ObservedMirror {
  request: MirrorRequest<unknown, MirrorConfig>
  format: AnyFormat
  loaded: unknown
  /** Digest of everything that decides what is published. */
  inputs: string
  publishedInputs: string | undefined
  publishedPackages: readonly MirrorPackage[]
  published: boolean
}
export interface ObservedMirrors {
  mirrors: ObservedMirror[]
  /** Published, but no longer in larder.yaml. */
  orphans: string[]
}

export interface MirrorChange {
  subject: string
  action: 'create' | 'update' | 'remove'
  summary: string
  detail: {
    mirror: string
    inputs: string
    added: MirrorPackage[]
    removed: MirrorPackage[]
    changed: PackageDiff['changed']
    notes: readonly string[]
    fetchBytes: number
  }
  /** Undefined for a removal. Not JSON: lives as long as the plan. */
  work: { observed: ObservedMirror; resolution: Resolution } | undefined
}

export interface StagedMirror {
  mirror: string
  inputs: string
  /** Undefined for a removal. */
  work: StagedWork | undefined
}

interface StagedWork {
  format: string
  snapshotNumber: number
  /** The tree that clients saw when this was staged: verify looks at what differs. Undefined: at everything. */
  previousTree: Digest | undefined
  prepared: PreparedPublication
  validForMs: number | undefined
}

export type MirrorKind = Kind<MirrorsConfig, ObservedMirrors, MirrorChange, StagedMirror>

/** The kind `mirrors`: package repositories with a curated content, for every format alike. */
export function createMirrorKind(options: MirrorKindOptions): MirrorKind {
  const { formats } = options
  return {
    ...mirrorGrammar(formats),
    observe: (context, desired) => observeMirrors(options, context, desired),
    plan: (_desired, observed) => [
      ...observed.mirrors.flatMap((mirror) => planMirror(mirror)),
      ...observed.orphans.map((name) => planRemoval(name)),
    ],
    stage: (context, change) => stageMirror(options, context, change),
    switch: (_context, staged) => switchMirror(options, staged),
    verify: (_context, { mirror, work }) =>
      work === undefined ? Promise.resolve([]) : verifyPublished(options, mirror, work.previousTree),
  }
}

async function observeMirrors(
  options: MirrorKindOptions,
  context: KindContext,
  desired: MirrorsConfig,
): Promise<ObservedMirrors> {
  const lease = await options.leases.acquire(`run/${context.runId}`)
  const mirrors: ObservedMirror[] = []
  for (const [name, config] of Object.entries(desired)) {
    const format = formatNamed(options, config.format)
    const request = await readMirrorRequest(context, name, config, format)
    const { progress, signal, freshForMs } = context
    const loaded = await format.load({ lease, progress, signal, freshForMs, now: options.clock.now() }, request)
    const publication = await options.publisher.current(name)
    const snapshot = publication && (await options.publisher.snapshot(name, publication.snapshotNumber))
    mirrors.push({
      request,
      format,
      loaded,
      inputs: inputsOf(request, format.fingerprint(loaded)),
      publishedInputs: publication && (await options.memory.getInputs(name)),
      publishedPackages: snapshot === undefined ? [] : await packagesIfReadable(format, snapshot),
      published: publication !== undefined,
    })
  }
  const published = await options.publisher.mirrors()
  return { mirrors, orphans: published.filter((name) => !(name in desired)) }
}

/** A publication whose own blobs are damaged is compared with nothing: the plan then names everything as new. */
async function packagesIfReadable(format: AnyFormat, snapshot: Snapshot): Promise<MirrorPackage[]> {
  try {
    return await format.packagesOf(snapshot)
  } catch (error) {
    if (isLarderError(error, 'BLOB_MISSING', 'BLOB_DAMAGED')) return []
    throw error
  }
}

function inputsOf(request: MirrorRequest<unknown, MirrorConfig>, upstream: string): string {
  const list = request.list.map((listed): ListedPackage => ({ ...listed, position: nowhere }))
  return digestOf(JSON.stringify([request.mirror, request.upstreams, list, upstream]))
}

/** Where a package is listed does not decide what is published. */
const nowhere = { file: '', line: 0, column: 0 }

function planMirror(observed: ObservedMirror): MirrorChange[] {
  if (observed.publishedInputs === observed.inputs) return []
  const { request, format, loaded } = observed
  const resolution = format.resolve(loaded, request)
  const diff = diffPackages(observed.publishedPackages, resolution.packages)
  const sameList = observed.published && isEmptyDiff(diff)
  const fetchBytes = [...diff.added, ...diff.changed.map((change) => change.after)].reduce(
    (sum, one) => sum + one.sizeBytes,
    0,
  )
  return [
    {
      subject: `mirror ${request.name}`,
      action: observed.published ? 'update' : 'create',
      summary: sameList
        ? 'same packages; settings or upstream metadata changed'
        : describeChange(diff, resolution.packages.length),
      detail: { mirror: request.name, inputs: observed.inputs, ...diff, notes: resolution.notes, fetchBytes },
      work: { observed, resolution },
    },
  ]
}

function planRemoval(name: string): MirrorChange {
  return {
    subject: `mirror ${name}`,
    action: 'remove',
    summary: 'no longer in larder.yaml: not published any more',
    detail: { mirror: name, inputs: '', added: [], removed: [], changed: [], notes: [], fetchBytes: 0 },
    work: undefined,
  }
}

async function stageMirror(
  options: MirrorKindOptions,
  context: KindContext,
  change: MirrorChange,
): Promise<StagedMirror> {
  const { mirror, inputs } = change.detail
  if (change.work === undefined) return { mirror, inputs, work: undefined }
  const { observed, resolution } = change.work
  const { format, loaded, request } = observed
  const { publisher, leases, clock } = options
  const lease = await leases.acquire(`run/${context.runId}`)
  const { progress, signal, freshForMs } = context
  const formatContext = { lease, progress, signal, freshForMs, now: clock.now() }
  const held = observed.publishedInputs === undefined ? new Set<Digest>() : digestsOf(observed.publishedPackages)
  const staged = await format.stagePackages(formatContext, loaded, { resolution, held })
  const publication = await publisher.current(mirror)
  const { tree, meta } = await format.compose(formatContext, loaded, { request, resolution: staged })
  const snapshot = await publisher.addSnapshot({ mirror, tree, origin: `run ${context.runId}`, meta })
  const sealer = format.sealer({ name: mirror, meta: snapshot.meta }, await options.signingKey(mirror))
  const validForMs = validForMsOf(request.mirror)
  const prepared = await publisher.prepare({ lease, snapshot, sealer, validForMs })
  const work = {
    format: format.name,
    snapshotNumber: snapshot.number,
    previousTree: observed.publishedInputs === undefined ? undefined : publication?.tree,
    prepared,
    validForMs,
  }
  return { mirror, inputs, work }
}

/** What the publication keeps. Not looked at when its inputs were forgotten: then `doctor` has found blobs missing. */
function digestsOf(packages: readonly MirrorPackage[]): Set<Digest> {
  return new Set(packages.flatMap((one) => (one.digest === '' ? [] : [one.digest])))
}

/** Valid-Until is set only where the site asks for it: a mirror whose controller is down should not expire by itself. */
export function validForMsOf(config: MirrorConfig): number | undefined {
  return config.validDays === undefined ? undefined : config.validDays * 24 * 3600_000
}

async function switchMirror(options: MirrorKindOptions, staged: StagedMirror): Promise<void> {
  const { mirror, inputs, work } = staged
  if (work === undefined) await options.publisher.withdraw(mirror)
  else await publishStaged(options, mirror, { ...work, inputs })
}

/** Somebody may have promoted or rolled back since the staging: then the snapshot is sealed again, on top of that. */
async function publishStaged(
  options: MirrorKindOptions,
  mirror: string,
  work: StagedWork & { inputs: string },
): Promise<void> {
  const { publisher, memory } = options
  const alongside: Alongside = (transaction) => memory.setInputs(transaction, mirror, work.inputs)
  try {
    await publisher.switchTo(work.prepared, alongside)
  } catch (error) {
    if (!isLarderError(error, 'PUBLICATION_OUTDATED')) throw error
    const { snapshotNumber, validForMs } = work
    const format = formatNamed(options, work.format)
    const { signingKey } = options
    await republish({ mirror, snapshotNumber, format, publisher, signingKey, validForMs, alongside })
  }
}

function formatNamed({ formats }: MirrorKindOptions, name: string): AnyFormat {
  const format = formats.find((candidate) => candidate.name === name)
  if (format === undefined) throw new Error(`no format ${name}: the schema lets none through that is not registered`)
  return format
}
