import { join } from 'node:path'
import { resolveClosure, type Closure } from '../../src/apt/closure.ts'
import { proveInstallable } from '../../src/apt/installability.ts'
import { Universe } from '../../src/apt/universe.ts'
import { median } from '../report.ts'
import type { AptBenchContext } from './bench.ts'
import { indexFile } from './floor.ts'
import { openText, unpack } from './index-text.ts'

/** The closure of a whole desktop, with what it recommends, on an index that is loaded; and the proof of it. */
export async function measureClosure({ distribution, folder, report, runs }: AptBenchContext): Promise<void> {
  const index = await openText(unpack(await indexFile(distribution)), join(folder, 'closure'))
  const universe = new Universe(
    [{ index, upstream: 'distribution', rank: 0, suite: distribution.suite, component: 'main' }],
    [distribution.architecture],
  )
  const request = { listed: [{ name: 'gnome', exclude: [] }], recommends: true }
  const times = { closure: [] as number[], proof: [] as number[], memory: 0 }
  let closure: Closure | undefined
  // The first is what a fresh process takes; the others, what a controller takes that has done this before.
  for (let run = 0; run <= runs; run++) {
    const started = performance.now()
    closure = resolveClosure(universe, request)
    const resolved = performance.now()
    const broken = proveInstallable(universe, closure.worlds)
    if (broken.length > 0) throw new Error(`not installable: ${broken[0]!.message}`)
    times.closure.push(resolved - started)
    times.proof.push(performance.now() - resolved)
  }
  index.close()
  report.note(
    `gnome with recommendations: ${closure?.rows.length ?? 0} packages; the first closure of the process took ${Math.round(times.closure[0]!)} ms`,
  )
  report.add({ case: 'closure-of-gnome', unit: 'ms', larder: median(times.closure.slice(1)), target: 100, runs })
  report.add({ case: 'closure-of-gnome-first', unit: 'ms', larder: times.closure[0]!, runs: 1 })
  report.add({ case: 'proof-of-gnome', unit: 'ms', larder: median(times.proof.slice(1)), runs })
}
