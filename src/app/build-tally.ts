import type { Clock } from '../core/index.ts'
import type { ImageBuilds } from '../oci/index.ts'

type Outcome = 'built' | 'failed'

/** Builds of images since the start of this process. */
export type BuildTally = ReadonlyMap<Outcome, { count: number; seconds: number }>

/** As the builds that are given, and counts how they end and how long they take. */
export function tallyBuilds(builds: ImageBuilds, clock: Clock): ImageBuilds & { tally: () => BuildTally } {
  const tally = new Map<Outcome, { count: number; seconds: number }>()
  const begunAtMs = new Map<number, number>()
  const end = (id: number, outcome: Outcome): void => {
    const known = tally.get(outcome) ?? { count: 0, seconds: 0 }
    const begunAt = begunAtMs.get(id)
    begunAtMs.delete(id)
    const tookMs = begunAt === undefined ? 0 : clock.monotonicMs() - begunAt
    tally.set(outcome, { count: known.count + 1, seconds: known.seconds + tookMs / 1000 })
  }
  return {
    begin: async (build) => {
      const id = await builds.begin(build)
      begunAtMs.set(id, clock.monotonicMs())
      return id
    },
    built: async (id, result) => {
      await builds.built(id, result)
      end(id, 'built')
    },
    failed: async (id, error) => {
      await builds.failed(id, error)
      end(id, 'failed')
    },
    published: (id) => builds.published(id),
    latest: (image, filter) => builds.latest(image, filter),
    list: (image, limit) => builds.list(image, limit),
    images: () => builds.images(),
    endUnfinished: (error) => builds.endUnfinished(error),
    prune: (keep) => builds.prune(keep),
    tally: () => tally,
  }
}
