import type { Run, StoredEvent } from '../../pipeline/index.ts'
import type { NewsContext } from './site-news.ts'

/** What is to be done about a delivery. */
export interface DeliveryNews {
  stored: StoredEvent
  /** Refs of the forge that are to be fetched. None: it is settled, and `reason` says how. */
  refs: string[]
  reason?: string
  /** Where it says that refs are now. Those that are there here already need not be fetched for it. */
  heads?: Readonly<Record<string, string>>
  /** Once everything is reconciled: the run that is about the same thing. */
  findRun: () => Promise<Run | undefined>
}

/** Nothing is to be done about it any more. */
export function settledAs(stored: StoredEvent, reason: string): DeliveryNews {
  return { stored, refs: [], reason, findRun: noRun }
}

const noRun = (): Promise<undefined> => Promise.resolve(undefined)

/** The newest run of a pull request. */
export async function latestOf({ context }: NewsContext, pullRequest: number): Promise<Run | undefined> {
  return (await context.runs.latestOfPullRequests([pullRequest])).get(pullRequest)
}
