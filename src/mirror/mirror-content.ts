import type { Digest } from '../core/index.ts'
import type { Publication, Publisher } from '../publish/index.ts'
import type { FormatContext, MirrorPackage, Resolution } from './format.ts'
import type { MirrorChange, PlannedWork } from './mirror-change.ts'
import { heldBefore } from './package-diff.ts'

/** What a change makes of a mirror, before there is a snapshot of it. Its blobs are kept by the lease alone. */
export interface MirrorContent {
  packages: readonly MirrorPackage[]
  tree: Digest
  meta: unknown
}

/** A change that makes something; a removal does not. */
export type MakingChange = Pick<MirrorChange, 'detail'> & { work: PlannedWork }

/** What a mirror's next content is made on top of. */
export interface ContentBase {
  publication: Publication | undefined
  /** Tree of the published snapshot, if what it needs is believed to be in the store. */
  since: Digest | undefined
  /** False: doctor has found blobs missing, and nothing is believed of the publication. */
  isTrusted: boolean
}

export async function contentBase(publisher: Publisher, { detail, work }: MakingChange): Promise<ContentBase> {
  const publication = await publisher.current(detail.mirror)
  const published = publication && (await publisher.snapshot(detail.mirror, publication.snapshotNumber))
  const isTrusted = work.observed.publishedInputs !== undefined
  return { publication, since: isTrusted ? published?.tree : undefined, isTrusted }
}

/**
 * Downloads what is missing, and writes index files and tree; both at once where the index files can be made without
 * the packages: starting xz and waiting for the disk then take no time of their own. What `stagePackages` and `compose`
 * throw, but only when both have ended.
 */
export async function makeContent(
  context: FormatContext,
  { detail, work: { observed, resolution } }: MakingChange,
  { since, isTrusted }: ContentBase,
): Promise<MirrorContent> {
  const { format, loaded, request } = observed
  const held = isTrusted ? heldBefore(detail, observed.publishedPackages) : new Set<Digest>()
  const staging = format.stagePackages(context, loaded, { resolution, held })
  const compose = (of: Resolution) => format.compose(context, loaded, { request, resolution: of, since })
  if (format.readsPackages?.(request.mirror, resolution) ?? true) {
    const staged = await staging
    return { packages: staged.packages, ...(await compose(staged)) }
  }
  const [staged, composed] = await Promise.allSettled([staging, compose(resolution)])
  if (staged.status === 'rejected') throw staged.reason
  if (composed.status === 'rejected') throw composed.reason
  return { packages: staged.value.packages, ...composed.value }
}
