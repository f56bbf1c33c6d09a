import type { Snapshot } from '../publish/index.ts'
import { formatOfSnapshot, type AnyFormat, type MirrorPackage } from './format.ts'

/** How much a snapshot holds. JSON. */
export interface SnapshotContent {
  packageCount: number
  /** Of all packages together. */
  sizeBytes: number
}

/** The meta of a snapshot with how much it holds, so that lists of snapshots need not read all that they hold. */
export function withContent(meta: unknown, packages: readonly MirrorPackage[]): unknown {
  return { ...(meta as object), content: count(packages) }
}

/** Read from the packages themselves where an older version has made the snapshot. BLOB_MISSING, MIRROR_UNKNOWN. */
export async function contentOf(formats: readonly AnyFormat[], snapshot: Snapshot): Promise<SnapshotContent> {
  const { content } = (snapshot.meta ?? {}) as { content?: SnapshotContent }
  return content ?? count(await formatOfSnapshot(formats, snapshot).packagesOf(snapshot))
}

function count(packages: readonly MirrorPackage[]): SnapshotContent {
  return { packageCount: packages.length, sizeBytes: packages.reduce((sum, one) => sum + one.sizeBytes, 0) }
}
