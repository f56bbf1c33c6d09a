import type { Digest, KindContext } from '../core/index.ts'
import type { Publication } from '../publish/index.ts'
import type { MirrorChange, StagedMirror } from './mirror-change.ts'
import type { MirrorKindOptions } from './mirror-kind.ts'
import type { MirrorConfig } from './mirror-schema.ts'
import { heldBefore } from './package-diff.ts'
import { withContent } from './snapshot-content.ts'

/** Downloads what is missing, writes the snapshot and seals it. Nobody outside sees any of it. */
export async function stageMirror(
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
  // When the inputs were forgotten, doctor has found blobs missing: nothing is believed of the publication then.
  const isTrusted = observed.publishedInputs !== undefined
  const held = isTrusted ? heldBefore(change.detail, observed.publishedPackages) : new Set<Digest>()
  const staged = await format.stagePackages(formatContext, loaded, { resolution, held })
  const publication = await publisher.current(mirror)
  const published = publication && (await publisher.snapshot(mirror, publication.snapshotNumber))
  const since = isTrusted ? published?.tree : undefined
  const { tree, meta } = await format.compose(formatContext, loaded, { request, resolution: staged, since })
  const snapshot = await publisher.addSnapshot({
    mirror,
    tree,
    origin: `run ${context.runId}`,
    meta: withContent(meta, staged.packages),
  })
  const snapshotNumber = snapshot.number
  const validForMs = validForMsOf(request.mirror)
  const previousTree = isTrusted ? publication?.tree : undefined
  const work = { format: format.name, snapshotNumber, previousTree, validForMs }
  // Upstreams change every day in what this mirror does not hold: that is no reason for a new generation.
  if (isTrusted && isAlreadySeen(publication, work)) return { mirror, inputs, work: { ...work, prepared: undefined } }
  const sealer = format.sealer({ name: mirror, meta: snapshot.meta }, await options.signingKey(mirror))
  const prepared = await publisher.prepare({ lease, snapshot, sealer, validForMs })
  return { mirror, inputs, work: { ...work, prepared } }
}

function isAlreadySeen(
  publication: Publication | undefined,
  { snapshotNumber, validForMs }: { snapshotNumber: number; validForMs: number | undefined },
): boolean {
  if (publication?.snapshotNumber !== snapshotNumber) return false
  const { sealedAt, validUntil } = publication
  return validForMs === (validUntil && validUntil.getTime() - sealedAt.getTime())
}

/** Valid-Until is set only where the site asks for it: a mirror whose controller is down should not expire by itself. */
export function validForMsOf(config: MirrorConfig): number | undefined {
  return config.validDays === undefined ? undefined : config.validDays * 24 * 3600_000
}
