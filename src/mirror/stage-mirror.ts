import type { KindContext } from '../core/index.ts'
import type { Publication } from '../publish/index.ts'
import type { LeaseId } from '../store/index.ts'
import type { AnticipatedContents } from './anticipated-content.ts'
import type { MirrorChange, StagedMirror, StagedWork } from './mirror-change.ts'
import type { ContentBase, MakingChange, MirrorContent } from './mirror-content.ts'
import type { MirrorKindOptions } from './mirror-kind.ts'
import type { MirrorConfig } from './mirror-schema.ts'
import { withContent } from './snapshot-content.ts'

/** Downloads what is missing, writes the snapshot and seals it. Nobody outside sees any of it. */
export async function stageMirror(
  options: MirrorKindOptions,
  anticipated: AnticipatedContents,
  context: KindContext,
  change: MirrorChange,
): Promise<StagedMirror> {
  const { mirror, inputs } = change.detail
  if (change.work === undefined) return { mirror, inputs, work: undefined }
  const lease = await options.leases.acquire(`run/${context.runId}`)
  const making = { detail: change.detail, work: change.work }
  const origin = `run ${context.runId}`
  const work = await anticipated.make(context, making, lease, (content, base) =>
    sealContent(options, { change: making, content, base, lease, origin }),
  )
  return { mirror, inputs, work }
}

async function sealContent(
  options: MirrorKindOptions,
  { change, content, base, lease, origin }: Sealing,
): Promise<StagedWork> {
  const { mirror } = change.detail
  const { format, request } = change.work.observed
  const { publisher } = options
  const { tree, meta, packages } = content
  const { publication, isTrusted } = base
  const snapshot = await publisher.addSnapshot({ mirror, tree, origin, meta: withContent(meta, packages) })
  const snapshotNumber = snapshot.number
  const validForMs = validForMsOf(request.mirror)
  const previousTree = isTrusted ? publication?.tree : undefined
  const work = { format: format.name, snapshotNumber, previousTree, validForMs }
  // Upstreams change every day in what this mirror does not hold: that is no reason for a new generation.
  if (isTrusted && isAlreadySeen(publication, work)) return { ...work, prepared: undefined }
  const sealer = format.sealer({ name: mirror, meta: snapshot.meta }, await options.signingKey(mirror))
  return { ...work, prepared: await publisher.prepare({ lease, snapshot, sealer, validForMs }) }
}

interface Sealing {
  change: MakingChange
  content: MirrorContent
  base: ContentBase
  lease: LeaseId
  origin: string
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
