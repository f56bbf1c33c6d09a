import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bench, BenchContext } from '../report.ts'
import { measureCollection } from './collection.ts'
import { measureLists } from './lists.ts'
import { startDistribution, startLarderRegistry } from './servers.ts'
import { measureTransfer } from './transfer.ts'

export interface RegistryBenchContext extends BenchContext {
  /** Removed in the end. */
  folder: string
}

/** The registry beside Debian's docker-registry (distribution 2.8). */
export const registryBench: Bench = {
  cases: ['transfer', 'lists', 'gc'],
  packages: { 'docker-registry': 'the peer', curl: 'the client of both' },
  async run(context) {
    const folder = await mkdtemp(join(tmpdir(), 'larder-bench-'))
    const all: RegistryBenchContext = { ...context, folder }
    try {
      if (all.wants('transfer')) await besideDistribution(all)
      if (all.wants('lists')) await measureLists(all)
      if (all.wants('gc')) await measureCollection(all)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
}

async function besideDistribution(context: RegistryBenchContext): Promise<void> {
  const { root, folder } = context
  // The first start of a version compiles its modules, and holds some 20 MiB for that until it ends.
  await (await startLarderRegistry(root, join(folder, 'compiled'))).stop()
  const larder = await startLarderRegistry(root, join(folder, 'larder'))
  try {
    const distribution = await startDistribution(join(folder, 'distribution'))
    try {
      await measureTransfer(context, [larder, distribution])
    } finally {
      await distribution.stop()
    }
  } finally {
    await larder.stop()
  }
}
