import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bench, BenchContext } from '../report.ts'
import { measureBesideAptly } from './beside-aptly.ts'
import { measureClosure } from './closure.ts'
import { openDistribution, type Distribution } from './distribution.ts'
import { measureFloor } from './floor.ts'
import { measureGrowth } from './growth.ts'

/** What each case needs: the context, the distribution as it is kept on this disk, and a folder that is removed after. */
export interface AptBenchContext extends BenchContext {
  distribution: Distribution
  folder: string
}

/** Mirrors of APT repositories, beside aptly, from the same upstream on the loopback. */
export const aptBench: Bench = {
  cases: ['floor', 'closure', 'beside-aptly', 'growth'],
  packages: { aptly: 'the peer', gpg: 'signs for it', 'gpg-agent': 'the same', 'xz-utils': 'the floor' },
  async run(context) {
    const distribution = await openDistribution(join(context.root, 'var/bench'))
    const folder = await mkdtemp(join(tmpdir(), 'larder-bench-'))
    const all: AptBenchContext = { ...context, distribution, folder }
    try {
      if (context.wants('beside-aptly')) await measureBesideAptly(all)
      if (context.wants('floor')) await measureFloor(all)
      if (context.wants('closure')) await measureClosure(all)
      if (context.wants('growth')) await measureGrowth(all)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
}
