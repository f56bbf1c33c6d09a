import { proxyFromEnvironment } from '../../../fetch/index.ts'
import type { Ailment, DoctorCheck, DoctorContext } from '../check.ts'

/** The clock of this host agrees with what it did before, and with its upstreams. */
export const clockCheck: DoctorCheck = {
  name: 'clock',
  async look(context) {
    return [...(await lookBack(context)), ...judgeOffset(await measureOffsets(context))]
  },
}

/** Publications that follow each other at once are dated up to 4 s ahead. */
const publishedAheadMs = 5000

async function lookBack({ context }: DoctorContext): Promise<Ailment[]> {
  const { publisher, runs, clock } = context
  const now = clock.now().getTime()
  const published = await Promise.all((await publisher.mirrors()).map((mirror) => publisher.current(mirror)))
  const [newest] = await runs.list({ limit: 1 })
  const marks = [
    ...published.flatMap((one) =>
      one === undefined ? [] : [{ what: `mirror ${one.mirror} was published`, at: one.sealedAt }],
    ),
    ...(newest === undefined ? [] : [{ what: `run ${newest.id} was created`, at: newest.createdAt }]),
  ]
  const ahead = marks.filter(({ at }) => at.getTime() - now > publishedAheadMs)
  const [last] = ahead.toSorted((a, b) => b.at.getTime() - a.at.getTime())
  if (last === undefined) return []
  return [
    {
      severity: 'error',
      subject: 'clock',
      message: `The clock says ${new Date(now).toISOString()}, but ${last.what} at ${last.at.toISOString()}: it was set back.`,
      hint: 'Set it right (NTP). Clients do not follow publications with an earlier date.',
    },
  ]
}

const mostHosts = 4
const answerMs = 10_000

/** Clock of upstreams minus ours, in ms; at most one address of each host, as many as answer with a Date. */
async function measureOffsets({ context, environment, loadMirrors }: DoctorContext): Promise<number[]> {
  const addresses = (await loadMirrors()).flatMap(({ upstreams }) =>
    upstreams.flatMap((upstream) => upstream.addresses),
  )
  const byHost = new Map(addresses.filter((url) => /^https?:/.test(url)).map((url) => [new URL(url).host, url]))
  const proxy = proxyFromEnvironment(environment)
  const { EnvHttpProxyAgent, request } = await import('undici')
  const agent = new EnvHttpProxyAgent({
    httpProxy: proxy.http ?? '',
    httpsProxy: proxy.https ?? '',
    noProxy: proxy.no ?? '',
  })
  const measure = async (url: string): Promise<number[]> => {
    const before = context.clock.now().getTime()
    try {
      const { headers, body } = await request(url, {
        method: 'HEAD',
        dispatcher: agent,
        signal: AbortSignal.timeout(answerMs),
      })
      await body.dump()
      const after = context.clock.now().getTime()
      // A cache answers with the Date of the original and its Age (RFC 9111 §5.1); the header counts whole seconds.
      const at = Date.parse(String(headers['date'] ?? '')) + 500 + 1000 * Number(headers['age'] ?? 0)
      return Number.isFinite(at) ? [at - (before + after) / 2] : []
    } catch {
      // Whether it can be reached is another check's to tell.
      return []
    }
  }
  try {
    return (await Promise.all([...byHost.values()].slice(0, mostHosts).map(measure))).flat()
  } finally {
    await agent.destroy()
  }
}

/** apt.conf(5), Acquire::Max-FutureTime: clients refuse a Release that is dated this far ahead of their clock. */
const clientsRefuseMs = 10_000
const noticeableMs = 60_000

/** By the median, so that one upstream with a wrong clock accuses nobody. Pure. */
export function judgeOffset(offsetsMs: readonly number[]): Ailment[] {
  const sorted = offsetsMs.toSorted((a, b) => a - b)
  const offsetMs = sorted[Math.floor((sorted.length - 1) / 2)]
  if (offsetMs === undefined) return []
  const aheadMs = -offsetMs
  const isAhead = aheadMs > clientsRefuseMs + 1000
  if (!isAhead && offsetMs <= noticeableMs) return []
  const seconds = Math.round(Math.abs(offsetMs) / 1000)
  return [
    {
      severity: aheadMs > noticeableMs ? 'error' : 'warning',
      subject: 'clock',
      message: `The clock of this host is ${seconds} s ${isAhead ? 'ahead of' : 'behind'} that of ${offsetsMs.length === 1 ? 'an upstream' : 'most upstreams'}.`,
      hint: isAhead
        ? 'Clients refuse a mirror that is dated more than 10 s in their future. Set the clock right (NTP).'
        : 'Set the clock right (NTP): expired upstreams go unnoticed, and clients may see old dates.',
    },
  ]
}
