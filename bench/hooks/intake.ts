import { loadavg } from 'node:os'
import { join } from 'node:path'
import { median, medianRatio } from '../report.ts'
import type { HooksBenchContext } from './bench.ts'
import { closedLoop, openLoop, percentile, type LoadResult } from './load.ts'
import { startBareServer, startLarderReceiver, startWebhook, type Receiver } from './receivers.ts'

const throughput = { connections: 32, seconds: 5 }
const steady = { perSecond: 500, seconds: 10, connections: 256 }
/** Larder takes at least as many a second, and its p99 is at most a quarter. */
const [mostPerDelivery, mostP99] = [1, 0.25]

/** Durable intake beside `webhook`, which keeps nothing: in turn, the same payload, signature and load. */
export async function measureIntake(context: HooksBenchContext): Promise<void> {
  const { root, folder, runs, report } = context
  const larder = await startLarderReceiver(root, join(folder, 'larder'))
  try {
    const webhook = await startWebhook(join(folder, 'webhook'))
    try {
      for (const one of [larder, webhook]) {
        await closedLoop(one.target, { connections: 8, seconds: 2 })
        await untilIdle(one)
      }
      if (context.wants('throughput')) await measureThroughput({ larder, webhook, runs, report })
      if (context.wants('latency')) await measureLatency({ larder, webhook, runs, report })
    } finally {
      await webhook.stop()
    }
  } finally {
    await larder.stop()
  }
}

type Pair = { larder: Receiver; webhook: Receiver } & Pick<HooksBenchContext, 'runs' | 'report'>

async function measureThroughput({ larder, webhook, runs, report }: Pair): Promise<void> {
  const [ours, theirs]: [number[], number[]] = [[], []]
  const perDelivery = ({ seconds, count }: LoadResult): number => (seconds / count) * 1e6
  for (let round = 0; round < runs; round++) {
    ours.push(perDelivery(await measured(larder, report, () => closedLoop(larder.target, throughput))))
    theirs.push(perDelivery(await measured(webhook, report, () => closedLoop(webhook.target, throughput))))
  }
  report.add({
    case: `throughput: a delivery, ${throughput.connections} at once`,
    unit: 'µs',
    larder: median(ours),
    peer: median(theirs),
    peerName: webhook.name,
    ratio: medianRatio(ours, theirs),
    target: mostPerDelivery,
    runs,
  })
}

async function measureLatency({ larder, webhook, runs, report }: Pair): Promise<void> {
  const [ours, theirs]: [number[], number[]] = [[], []]
  const [oursMedian, theirsMedian]: [number[], number[]] = [[], []]
  for (let round = 0; round < runs; round++) {
    const one = await measured(larder, report, () => openLoop(larder.target, steady))
    ours.push(percentile(one.latenciesMs, 0.99))
    oursMedian.push(percentile(one.latenciesMs, 0.5))
    const other = await measured(webhook, report, () => openLoop(webhook.target, steady))
    theirs.push(percentile(other.latenciesMs, 0.99))
    theirsMedian.push(percentile(other.latenciesMs, 0.5))
  }
  const common = { unit: 'ms', peerName: webhook.name, runs }
  report.add({
    ...common,
    case: `median at ${steady.perSecond}/s`,
    larder: median(oursMedian),
    peer: median(theirsMedian),
    ratio: medianRatio(oursMedian, theirsMedian),
  })
  report.add({
    ...common,
    case: `p99 at ${steady.perSecond}/s`,
    larder: median(ours),
    peer: median(theirs),
    ratio: medianRatio(ours, theirs),
    target: mostP99,
  })
}

/** What no server in Node can be quicker than at the steady load, without and with one write to the disk for each. */
export async function measureBareServers({ root, folder, runs, report }: HooksBenchContext): Promise<void> {
  for (const file of [undefined, join(folder, 'bare')]) {
    const bare = await startBareServer(root, file)
    try {
      await closedLoop(bare.target, { connections: 8, seconds: 2 })
      const [p50s, p99s]: [number[], number[]] = [[], []]
      for (let round = 0; round < runs; round++) {
        const { latenciesMs } = await measured(bare, report, () => openLoop(bare.target, steady))
        p50s.push(percentile(latenciesMs, 0.5))
        p99s.push(percentile(latenciesMs, 0.99))
      }
      const name = `floor: ${bare.name}, at ${steady.perSecond}/s`
      report.add({ case: `${name}, median`, unit: 'ms', larder: median(p50s), runs })
      report.add({ case: `${name}, p99`, unit: 'ms', larder: median(p99s), runs })
    } finally {
      await bare.stop()
    }
  }
}

/** With a note of what it took, and of what else the machine did. */
async function measured(
  receiver: Receiver,
  report: HooksBenchContext['report'],
  load: () => Promise<LoadResult>,
): Promise<LoadResult> {
  const before = await receiver.cpuSeconds()
  const result = await load()
  const cpu = (await receiver.cpuSeconds()) - before
  const { count, seconds, latenciesMs } = result
  const [p50, p99] = [percentile(latenciesMs, 0.5), percentile(latenciesMs, 0.99)]
  report.note(
    `    ${receiver.name}: ${Math.round(count / seconds)}/s, p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, ` +
      `${((cpu / count) * 1e6).toFixed(0)} µs of processor each, load ${(loadavg()[0] ?? 0).toFixed(1)}`,
  )
  await untilIdle(receiver)
  return result
}

/**
 * Until it does nothing any more, at most a minute: what it has answered it still settles, or has yet to start a program for. Whoever is
 * next would be measured beside that.
 */
async function untilIdle(receiver: Receiver): Promise<void> {
  for (let looks = 0, before = -1; looks < 60; looks++) {
    const now = await receiver.cpuSeconds()
    if (now - before < 0.02 && before >= 0) return
    before = now
    await new Promise((resolve) => setTimeout(resolve, 1000))
  }
}
