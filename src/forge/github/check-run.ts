import { z } from 'zod'
import { cutBytes, cutLine } from '../api/cut-text.ts'
import type { Exchange } from '../api/exchange.ts'
import { readAnswer } from '../api/read-answer.ts'
import type { Annotation, CommitStatus } from '../forge.ts'

export interface CheckRunPlace {
  exchange: Exchange
  /** `/repos/owner/name` */
  base: string
  appId: string
  signal: AbortSignal
}

/**
 * One check run of a name at a commit. What has ended, or has annotations, is told anew rather than changed: GitHub
 * takes no check run back from its end, and adds annotations to those that are there. It ends with its last
 * annotations, so that nobody sees it without them.
 * Source: GitHub documentation, "REST API endpoints for check runs".
 */
export async function setCheckRun(place: CheckRunPlace, status: CommitStatus): Promise<void> {
  const { exchange, base, signal } = place
  const batches = batchesOf(status.annotations.map(annotationOf))
  const bodies = batches.map((annotations, index) =>
    checkRunOf(status, annotations, { isLast: index === batches.length - 1 }),
  )
  let id = await openCheckRun(place, status)
  for (const body of bodies) {
    if (id === undefined) {
      const { value } = await exchange.ask('POST', `${base}/check-runs`, signal, body)
      id = readAnswer(z.object({ id: z.number() }), value, 'GitHub').id
    } else await exchange.ask('PATCH', `${base}/check-runs/${id}`, signal, body)
  }
}

/** The most annotations that one request may carry. */
const annotationsAtOnce = 50
/** Of a summary, and of the message of an annotation. */
const longestSummaryBytes = 65_535
const longestMessageBytes = 64 * 1024

const checkRunsSchema = z.object({
  check_runs: z.array(
    z.object({ id: z.number(), status: z.string(), output: z.object({ annotations_count: z.number() }).nullish() }),
  ),
})

/** One that may still be changed. */
async function openCheckRun(
  { exchange, base, appId, signal }: CheckRunPlace,
  { commit, name }: CommitStatus,
): Promise<number | undefined> {
  const query = new URLSearchParams({ check_name: name, filter: 'latest' })
  // An App may also be named by its client id, which this query does not take.
  if (/^\d+$/.test(appId)) query.set('app_id', appId)
  const path = `${base}/commits/${encodeURIComponent(commit)}/check-runs?${query.toString()}`
  const { value } = await exchange.ask('GET', path, signal)
  const [known] = readAnswer(checkRunsSchema, value, 'GitHub').check_runs
  const isOpen = known !== undefined && known.status !== 'completed' && (known.output?.annotations_count ?? 0) === 0
  return isOpen ? known.id : undefined
}

const conclusions = { success: 'success', failure: 'failure', error: 'failure' } as const

function checkRunOf(status: CommitStatus, annotations: readonly object[], { isLast }: { isLast: boolean }): object {
  const { commit, name, state, title, summary, url } = status
  const isEnd = state !== 'pending' && isLast
  return {
    name,
    head_sha: commit,
    details_url: url,
    ...(isEnd ? { status: 'completed', conclusion: conclusions[state] } : { status: 'in_progress' }),
    output: { title: cutLine(title, 255), summary: cutBytes(summary, longestSummaryBytes), annotations },
  }
}

function annotationOf({ path, line, column, severity, message }: Annotation): object {
  return {
    path,
    start_line: line,
    end_line: line,
    start_column: column,
    end_column: column,
    annotation_level: severity === 'error' ? 'failure' : 'warning',
    message: cutBytes(message, longestMessageBytes),
  }
}

/** One batch at least, be it an empty one. */
function batchesOf<T>(items: readonly T[]): T[][] {
  const count = Math.max(1, Math.ceil(items.length / annotationsAtOnce))
  return Array.from({ length: count }, (_, index) =>
    items.slice(index * annotationsAtOnce, (index + 1) * annotationsAtOnce),
  )
}
