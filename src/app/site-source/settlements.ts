import type { Run, Settlement } from '../../pipeline/index.ts'
import type { DeliveryNews } from './delivery-news.ts'

export interface SettlementFacts {
  /** Refs of the forge that are there, by their names at the forge. */
  present: ReadonlyMap<string, string>
  /** Runs that were queued for what these deliveries brought. */
  created: readonly Run[]
}

/** What became of deliveries, once everything is reconciled. */
export function settlementsOf(taken: readonly DeliveryNews[], facts: SettlementFacts): Promise<Settlement[]> {
  // Those that brought the same refs are about the same run.
  const found = new Map<string, Promise<Run | undefined>>()
  const runOf = (one: DeliveryNews): Promise<Run | undefined> => {
    const key = one.refs.join(' ')
    const run = found.get(key) ?? one.findRun()
    found.set(key, run)
    return run
  }
  return Promise.all(taken.map((one) => settlementOf(one, runOf, facts)))
}

async function settlementOf(
  news: DeliveryNews,
  runOf: (news: DeliveryNews) => Promise<Run | undefined>,
  { present, created }: SettlementFacts,
): Promise<Settlement> {
  const { id } = news.stored
  if (news.refs.length === 0) return { id, state: 'ignored', reason: news.reason ?? '' }
  const gone = news.refs.find((ref) => !present.has(ref))
  // Whatever was done before: what this is about is not there any more.
  if (gone !== undefined) return { id, state: 'ignored', reason: `the repository has no ${gone}` }
  const run = await runOf(news)
  if (run === undefined) return { id, state: 'ignored', reason: news.reason ?? 'there is nothing to do for it' }
  const isNew = created.some((one) => one.id === run.id)
  if (isNew) return { id, state: 'done', runId: run.id }
  return { id, state: 'ignored', reason: `run ${run.id} is for the same commit` }
}
