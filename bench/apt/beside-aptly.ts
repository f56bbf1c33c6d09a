import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { median, medianRatio } from '../report.ts'
import { aptSite } from './apt-site.ts'
import { openAptly, stopAgent, variants, type Aptly, type Variant, type VariantSeconds } from './aptly.ts'
import type { AptBenchContext } from './bench.ts'
import { compareViews } from './compare-views.ts'
import { lookAsClient } from './client.ts'
import { startLarder, type LarderOptions, type PushTimes } from '../larder.ts'

const listed = ['nginx', 'postgresql']
const added = 'nmap'

/** Refreshes are quick and happen every day: several in each round. */
const refreshPairs = 3

/** One pair of measurements: first Larder, then aptly, then again with the next job. */
interface Round {
  larder: {
    start: number
    first: PushTimes
    refreshes: number[]
    command: number
    plusOne: PushTimes
    peakMiB: number
    childrenPeakMiB: number
    togetherPeakMiB: number
  }
  /** A controller of its own, whose mirror has Contents. */
  withContents: { first: PushTimes; plusOne: PushTimes }
  aptly: { first: VariantSeconds; refreshes: number[]; plusOne: VariantSeconds }
}

/** First mirror, refresh with nothing new, one more package: from fresh state in every round, in turn with aptly. */
export async function measureBesideAptly(context: AptBenchContext): Promise<void> {
  const { runs, folder, report } = context
  const aptly = await openAptly(await emptyFolder(join(folder, 'aptly')), context.distribution)
  try {
    report.note('warming: brings what is missing of the distribution, and checks both results with apt')
    await inRound(context, aptly, { fetching: true, checking: true })
    const rounds: Round[] = []
    for (let index = 0; index < runs; index++) {
      rounds.push(await inRound(context, aptly, { fetching: false, checking: index === runs - 1 }))
      report.note(`round ${index + 1} of ${runs}: ${JSON.stringify(rounds.at(-1))}`)
    }
    tell(context, aptly, rounds)
  } finally {
    await stopAgent(join(folder, 'aptly'))
  }
}

async function inRound(
  context: AptBenchContext,
  aptly: Aptly,
  how: { fetching: boolean; checking: boolean },
): Promise<Round> {
  const { distribution, folder, root } = context
  const server = await distribution.serve(how)
  try {
    await aptly.reset()
    const own = async (contents: boolean): Promise<LarderOptions> => ({
      root,
      folder: await emptyFolder(join(folder, 'larder')),
      site: aptSite(server.url, distribution, contents),
    })
    const withContents = await measureContents(await own(true))
    const larder = await startLarder(await own(false))
    try {
      const first = { larder: await larder.push(listed), aptly: await aptly.first(server.url) }
      const refreshes: { larder: number; aptly: number }[] = []
      for (let pair = 0; pair < refreshPairs; pair++)
        refreshes.push({ larder: await larder.sync(), aptly: await aptly.refresh() })
      const command = await larder.syncByCommand()
      const plusOne = { larder: await larder.push([...listed, added]), aptly: await aptly.plusOne() }
      if (how.checking)
        await check(context, { aptly, larder: { url: larder.url, publicKey: await larder.publicKey() } })
      const { memory, startSeconds: start } = larder
      const peaks = {
        peakMiB: memory.peakMiB(),
        childrenPeakMiB: memory.childrenPeakMiB(),
        togetherPeakMiB: memory.togetherPeakMiB(),
      }
      return {
        larder: {
          start,
          first: first.larder,
          refreshes: refreshes.map((pair) => pair.larder),
          command,
          plusOne: plusOne.larder,
          ...peaks,
        },
        withContents,
        aptly: { first: first.aptly, refreshes: refreshes.map((pair) => pair.aptly), plusOne: plusOne.aptly },
      }
    } finally {
      await larder.stop()
    }
  } finally {
    await server.close()
  }
}

async function measureContents(own: LarderOptions): Promise<Round['withContents']> {
  const larder = await startLarder(own)
  try {
    return { first: await larder.push(listed), plusOne: await larder.push([...listed, added]) }
  } finally {
    await larder.stop()
  }
}

/** Both publications hold the same, and apt would install from either. Throws when they do not. */
async function check(
  context: AptBenchContext,
  { aptly, larder }: { aptly: Aptly; larder: { url: string; publicKey: string } },
): Promise<void> {
  const { folder, report } = context
  const look = (url: string, publicKeyArmored: string) =>
    lookAsClient({
      folder: join(folder, 'client'),
      url,
      publicKeyArmored,
      installing: [...listed, added],
      origin: context.distribution,
    })
  const ours = await look(`${larder.url}/apt/base`, larder.publicKey)
  for (const variant of variants) {
    const theirs = await look(`file:${aptly.published(variant)}`, aptly.publicKeyArmored)
    for (const line of compareViews(ours, theirs)) report.note(`  ${line}`)
  }
}

function tell({ report, runs }: AptBenchContext, aptly: Aptly, rounds: readonly Round[]): void {
  const add = (
    name: string,
    target: number,
    series: { larder: (round: Round) => number | number[]; aptly: (round: Round) => number | number[] },
  ): void => {
    const [larder, peer] = [rounds.flatMap(series.larder), rounds.flatMap(series.aptly)]
    const ratio = medianRatio(larder, peer)
    report.add({
      case: name,
      unit: 's',
      larder: median(larder),
      peer: median(peer),
      peerName: aptly.name,
      ratio,
      target,
      runs,
    })
  }
  const limit = (name: string, larder: (round: Round) => number, rest: { unit: string; target?: number }): void => {
    report.add({ case: name, larder: median(rounds.map(larder)), runs, ...rest })
  }
  const quicker = quickerVariant(rounds)
  report.note(`aptly publishes with ${quicker}: the quicker of ${variants.join(' and ')}`)
  add('first-mirror', 0.5, {
    larder: ({ larder }) => larder.first.wholeSeconds,
    aptly: (round) => round.aptly.first[quicker],
  })
  add('refresh-nothing-new', 0.05, {
    larder: ({ larder }) => larder.refreshes,
    aptly: (round) => round.aptly.refreshes,
  })
  add('plus-one-package', 0.1, {
    larder: ({ larder }) => larder.plusOne.acceptedSeconds,
    aptly: (round) => round.aptly.plusOne[quicker],
  })
  add('first-mirror-with-contents', 0.5, {
    larder: ({ withContents }) => withContents.first.wholeSeconds,
    aptly: (round) => round.aptly.first.contents,
  })
  add('plus-one-package-with-contents', 0.1, {
    larder: ({ withContents }) => withContents.plusOne.acceptedSeconds,
    aptly: (round) => round.aptly.plusOne.contents,
  })
  limit('peak-memory', ({ larder }) => larder.togetherPeakMiB, { unit: 'MiB', target: 250 })
  limit('peak-memory-of-controller', ({ larder }) => larder.peakMiB, { unit: 'MiB' })
  limit('peak-memory-of-xz-and-git', ({ larder }) => larder.childrenPeakMiB, { unit: 'MiB' })
  limit('refresh-by-command', ({ larder }) => larder.command, { unit: 's' })
  limit('plus-one-whole-push', ({ larder }) => larder.plusOne.wholeSeconds, { unit: 's' })
  limit('controller-start', ({ larder }) => larder.start, { unit: 's' })
  report.note(`aptly's peak memory: ${Math.round(aptly.peakMiB())} MiB`)
  for (const variant of variants) {
    const { first, plusOne } = {
      first: median(rounds.map(({ aptly: one }) => one.first[variant])),
      plusOne: median(rounds.map(({ aptly: one }) => one.plusOne[variant])),
    }
    report.note(`aptly with ${variant}: first ${first.toFixed(2)} s, one more ${plusOne.toFixed(2)} s`)
  }
}

function quickerVariant(rounds: readonly Round[]): Variant {
  const sum = (variant: Variant): number =>
    rounds.reduce((total, { aptly }) => total + aptly.first[variant] + aptly.plusOne[variant], 0)
  return sum('contents') < sum('skip-contents') ? 'contents' : 'skip-contents'
}

async function emptyFolder(path: string): Promise<string> {
  await rm(path, { recursive: true, force: true })
  await mkdir(path, { recursive: true })
  return path
}
