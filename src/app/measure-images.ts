import type { Clock } from '../core/index.ts'
import type { RegistryUsage } from '../oci/index.ts'
import type { ControllerContext } from './controller/context.ts'
import type { Housekeeping } from './housekeeping.ts'
import type { Measured } from './http/options.ts'

/** What the registry holds is counted again after so long: that goes over all of its rows. */
const usageAgeMs = 60_000

/** What /metrics says of images, the registry and gc. */
export function createImageMeasures(
  { registry, images, clock }: Pick<ControllerContext, 'registry' | 'images' | 'clock'>,
  housekeeping: Pick<Housekeeping, 'collections'>,
): () => Promise<Measured[]> {
  const usage = keptFor(usageAgeMs, clock, () => registry.usage())
  return async () => [...ofRegistry(await usage()), ...ofBuilds(images), ...ofGc(housekeeping)]
}

function ofRegistry(usage: RegistryUsage): Measured[] {
  const gauge = (name: string, help: string, value: number): Measured => ({ kind: 'gauge', name, help, value })
  return [
    gauge('larder_registry_repositories', 'Repositories of the registry.', usage.repositories),
    gauge('larder_registry_tags', 'Tags in the registry.', usage.tags),
    gauge('larder_registry_manifests', 'Manifests in the registry.', usage.manifests),
    gauge('larder_registry_blobs', 'Blobs in the registry, each counted once.', usage.blobs),
    gauge('larder_registry_blob_bytes', 'Bytes of the blobs in the registry, each counted once.', usage.blobBytes),
    gauge('larder_registry_uploads', 'Uploads that were begun and neither finished nor given up.', usage.uploads),
  ]
}

function ofBuilds({ builds }: ControllerContext['images']): Measured[] {
  const tally = builds.tally()
  return (['built', 'failed'] as const).flatMap((outcome): Measured[] => {
    const { count, seconds } = tally.get(outcome) ?? { count: 0, seconds: 0 }
    const labels = { outcome }
    return [
      {
        kind: 'counter',
        name: 'larder_image_builds_total',
        help: 'Builds of images that ended.',
        labels,
        value: count,
      },
      {
        kind: 'counter',
        name: 'larder_image_build_seconds_total',
        help: 'Time that builds of images took.',
        labels,
        value: seconds,
      },
    ]
  })
}

function ofGc({ collections }: Pick<Housekeeping, 'collections'>): Measured[] {
  const { count, failed, removed, freedBytes, seconds } = collections()
  const counter = (name: string, help: string, value: number): Measured => ({ kind: 'counter', name, help, value })
  return [
    counter('larder_gc_runs_total', 'Collections that went to their end.', count),
    counter('larder_gc_failures_total', 'Collections that failed.', failed),
    counter('larder_gc_removed_blobs_total', 'Blobs that gc removed.', removed),
    counter('larder_gc_freed_bytes_total', 'Bytes that gc freed.', freedBytes),
    counter('larder_gc_seconds_total', 'Time that gc took.', seconds),
  ]
}

/** Whoever asks while it is being found out waits for the same answer. */
function keptFor<T>(ageMs: number, clock: Clock, find: () => Promise<T>): () => Promise<T> {
  let kept: { answer: Promise<T>; atMs: number } | undefined
  return () => {
    const now = clock.monotonicMs()
    if (kept === undefined || now - kept.atMs > ageMs) {
      const answer = find()
      kept = { answer, atMs: now }
      answer.catch(() => (kept = undefined))
    }
    return kept.answer
  }
}
