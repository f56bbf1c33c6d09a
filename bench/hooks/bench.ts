import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bench, BenchContext } from '../report.ts'
import { measureFloor } from './floor.ts'
import { measureBareServers, measureIntake } from './intake.ts'
import { measureOpenRuns } from './open-runs.ts'
import { measurePlanReported } from './plan-reported.ts'

export interface HooksBenchContext extends BenchContext {
  /** Removed in the end. */
  folder: string
}

/** Deliveries of a forge, beside Debian's `webhook`; and what comes of them. */
export const hooksBench: Bench = {
  cases: ['floor', 'throughput', 'latency', 'plan-reported', 'open-runs'],
  packages: { webhook: 'the peer', git: 'the site repository' },
  async run(context) {
    const folder = await mkdtemp(join(tmpdir(), 'larder-bench-'))
    const all: HooksBenchContext = { ...context, folder }
    try {
      if (all.wants('floor')) {
        await measureFloor(all)
        await measureBareServers(all)
      }
      if (all.wants('throughput') || all.wants('latency')) await measureIntake(all)
      if (all.wants('plan-reported')) await measurePlanReported(all)
      if (all.wants('open-runs')) await measureOpenRuns(all)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
}
