import type { State } from '../../state/index.ts'
import type { Descriptor } from '../descriptor.ts'
import { isManifestType, mediaTypes } from '../media-type.ts'
import { parseManifest } from '../manifest.ts'
import type { OciDigest, RepositoryName } from '../reference.ts'
import type { Manifests } from './manifests.ts'
import type { ReferrerPage } from './registry.ts'

interface ReferrersAsked {
  repository: RepositoryName
  subject: OciDigest
  artifactType?: string
  last?: string
  count?: number
}

const defaultCount = 1000

/**
 * Manifests that name a subject, and those that a client without this API listed under the fallback tag of the
 * subject. Source: OCI distribution-spec, "Listing Referrers" and "Referrers Tag Schema".
 */
export async function listReferrers(
  { state, manifests }: { state: State; manifests: Manifests },
  asked: ReferrersAsked,
): Promise<ReferrerPage> {
  const { repository, subject, artifactType, last, count = defaultCount } = asked
  const rows = await state.db
    .selectFrom('oci_manifests')
    .select(['digest', 'media_type', 'size_bytes', 'artifact_type', 'annotations'])
    .where('repository', '=', repository)
    .where('subject', '=', subject)
    .$if(artifactType !== undefined, (query) => query.where('artifact_type', '=', artifactType ?? ''))
    .$if(last !== undefined, (query) => query.where('digest', '>', last ?? ''))
    .orderBy('digest')
    .limit(count + 1)
    .execute()
  const descriptors = rows.slice(0, count).map((row): Descriptor => ({
    mediaType: row.media_type,
    digest: row.digest,
    size: row.size_bytes,
    ...(row.artifact_type === null ? {} : { artifactType: row.artifact_type }),
    ...(row.annotations === null ? {} : { annotations: JSON.parse(row.annotations) as Record<string, string> }),
  }))
  if (rows.length > count) return { descriptors, more: true }
  // The last page has them, whichever that is.
  return { descriptors: [...descriptors, ...(await onlyListed({ state, manifests }, asked))], more: false }
}

/** What the fallback tag lists, without those that name their subject themselves. */
async function onlyListed({ state, manifests }: { state: State; manifests: Manifests }, asked: ReferrersAsked) {
  const listed = await underFallbackTag(manifests, asked)
  if (listed.length === 0) return []
  const rows = await state.db
    .selectFrom('oci_manifests')
    .select('digest')
    .where('repository', '=', asked.repository)
    .where('subject', '=', asked.subject)
    .execute()
  const known = new Set(rows.map(({ digest }) => digest))
  return listed.filter(({ digest }) => !known.has(digest))
}

async function underFallbackTag(manifests: Manifests, { repository, subject, artifactType }: ReferrersAsked) {
  const info = await manifests.find(repository, { tag: subject.replace(':', '-').slice(0, 128) })
  if (info?.mediaType !== mediaTypes.index) return []
  const index = parseManifest(await manifests.content(repository, info.digest), info.mediaType)
  return index.manifests.filter(
    (entry) => isManifestType(entry.mediaType) && (artifactType === undefined || entry.artifactType === artifactType),
  )
}
