import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isLarderError } from '../../src/core/index.ts'
import { resolveClosure } from '../../src/apt/closure.ts'
import { Universe } from '../../src/apt/universe.ts'
import { median } from '../report.ts'
import { aptSite } from './apt-site.ts'
import type { AptBenchContext } from './bench.ts'
import { indexFile } from './floor.ts'
import { openText } from './index-text.ts'
import { startLarder, type PushTimes } from '../larder.ts'
import { startSyntheticUpstream, type SyntheticUpstream } from './synthetic-upstream.ts'

const sizes = [100, 1000, 10_000, 60_000]

/** One more package in mirrors of very different sizes: the cost should follow the change, not the mirror. */
export async function measureGrowth(context: AptBenchContext): Promise<void> {
  const { distribution, folder, report, runs } = context
  const { architecture } = distribution
  const upstream = await startSyntheticUpstream({
    index: await indexFile(distribution),
    folder,
    architecture,
    extras: runs + 1,
  })
  try {
    const choose = await chooser(context, upstream)
    for (const size of sizes) {
      const { list, actual } = choose(size)
      const { first, more, peakMiB } = await measureSize(context, upstream, { size, list })
      const [accepted, whole] = [
        median(more.map((one) => one.acceptedSeconds)),
        median(more.map((one) => one.wholeSeconds)),
      ]
      report.note(
        `  ${actual} packages: first ${first.wholeSeconds.toFixed(1)} s, one more ${accepted.toFixed(3)} s, the whole push ${whole.toFixed(3)} s`,
      )
      report.add({ case: `plus-one-in-${size}`, unit: 's', larder: accepted, runs, peakMiB })
      report.add({ case: `plus-one-in-${size}-whole-push`, unit: 's', larder: whole, runs })
    }
  } finally {
    await upstream.server.close()
  }
}

async function measureSize(
  { root, folder, runs, distribution }: AptBenchContext,
  upstream: SyntheticUpstream,
  { size, list }: { size: number; list: readonly string[] },
): Promise<{ first: PushTimes; more: PushTimes[]; peakMiB: number }> {
  const own = join(folder, `growth-${size}`)
  await mkdir(own, { recursive: true })
  const { keyring, suite, server } = upstream
  const larder = await startLarder({
    root,
    folder: own,
    site: aptSite(server.url, { keyring, suite, architecture: distribution.architecture }),
  })
  try {
    const first = await larder.push(list)
    // The first change after a start is not what the next thousand are like.
    await larder.push([...list, ...upstream.extras.slice(0, 1)])
    const more: PushTimes[] = []
    for (let run = 1; run <= runs; run++) more.push(await larder.push([...list, ...upstream.extras.slice(0, run + 1)]))
    return { first, more, peakMiB: larder.memory.togetherPeakMiB() }
  } finally {
    await larder.stop()
  }
}

/** Lists whose closure is near to a size: the names of the index in order, as many as it takes. */
async function chooser({ folder, distribution }: AptBenchContext, { text }: SyntheticUpstream) {
  const index = await openText(pieces(text), join(folder, 'chooser'))
  const universe = new Universe(
    [{ index, upstream: 'synthetic', rank: 0, suite: 'synthetic', component: 'main' }],
    [distribution.architecture],
  )
  const names = installable(universe)
  const sizeOf = (count: number): number =>
    resolveClosure(universe, { listed: names.slice(0, count).map((name) => ({ name, exclude: [] })) }).rows.length
  return (size: number): { list: string[]; actual: number } => {
    let [low, high] = [1, Math.min(size, names.length)]
    while (high - low > size / 50) {
      const middle = (low + high) >> 1
      if (sizeOf(middle) < size) low = middle
      else high = middle
    }
    return { list: names.slice(0, high), actual: sizeOf(high) }
  }
}

/** Names of the index that can be installed, libc6 first; the extras are for later. */
function installable(universe: Universe): string[] {
  const all = new Set<string>()
  for (let row = 0; row < universe.rowCount; row++) all.add(universe.packageOf(row).name)
  const names = ['libc6', ...[...all].filter((name) => name !== 'libc6' && !name.startsWith('larder-bench-')).sort()]
  try {
    resolveClosure(universe, { listed: names.map((name) => ({ name, exclude: [] })) })
    return names
  } catch (error) {
    if (!isLarderError(error, 'CLOSURE_UNSATISFIABLE')) throw error
    const said = JSON.stringify(error.context['problems'])
    return names.filter((name) => !said.includes(`"${name} `) && !said.includes(` ${name} `))
  }
}

async function* pieces(text: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < text.length; at += 1 << 20) yield text.subarray(at, at + (1 << 20))
}
