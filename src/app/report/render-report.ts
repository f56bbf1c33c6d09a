import { catalogue, formatProblem, isErrorCode, type Problem } from '../../core/index.ts'
import type { Annotation, CommitStatus } from '../../forge/index.ts'
import { problemsOf, type RecordedChange, type Run } from '../../pipeline/index.ts'
import { codeBlock, codeSpan } from './markdown.ts'
import { planTables, type RowBudget } from './plan-tables.ts'
import { longestReportBytes, type Report, type ReportSubject } from './report.ts'
import { tryPreviews } from './try-previews.ts'

/**
 * What a run says to people: all its errors, each at its place, or what it would change. Pure. Everything that comes
 * from outside is code in the Markdown, so that nothing in it notifies, links or formats.
 */
export function renderReport(subject: ReportSubject): Report {
  const { run } = subject
  const problems = problemsOf(run)
  const title = titleOf(run, problems).replaceAll(/\s+/g, ' ').slice(0, longestTitle)
  const report = { state: stateOf(run), title, annotations: problems.map(annotationOf) }
  for (const budget of budgets) {
    const summary = summaryOf(subject, problems, budget)
    if (Buffer.byteLength(summary) <= longestReportBytes) return { ...report, summary }
  }
  // Even names of mirrors may be too many.
  return { ...report, summary: [headingOf(run), codeSpan(title), `[Run ${run.id}](${subject.url})`].join('\n\n') }
}

/** In UTF-16 units; forges cut it further. */
const longestTitle = 300

/** From what is good to read to what always fits. */
const budgets: readonly RowBudget[] = [
  { open: 25, folded: 400 },
  { open: 25, folded: 100 },
  { open: 10, folded: 20 },
  { open: 5, folded: 0 },
  { open: 0, folded: 0 },
]

function stateOf({ state, error }: Run): CommitStatus['state'] {
  if (state === 'waiting' || state === 'running') return 'pending'
  if (state === 'succeeded') return 'success'
  // Nothing is wrong with it: somebody's word is missing.
  if (error?.code === 'FORK_NEEDS_APPROVAL') return 'pending'
  // What a check refuses is the author's to mend; the rest is not.
  return error !== undefined && isErrorCode(error.code) && catalogue[error.code].exitCode === 3 ? 'failure' : 'error'
}

function titleOf(run: Run, problems: readonly Problem[]): string {
  const { state, plan, error } = run
  if (state === 'failed') {
    const [first] = problems
    if (first === undefined) return error?.message ?? 'It failed.'
    return problems.length === 1 ? formatProblem(first) : `${problems.length} errors; ${formatProblem(first)}`
  }
  if (state === 'cancelled') return 'Cancelled.'
  if (plan === undefined) return state === 'waiting' ? 'Waits for its turn.' : 'Is being planned.'
  return planTitle(plan)
}

function planTitle(plan: readonly RecordedChange[]): string {
  const [first] = plan
  if (first === undefined) return 'Nothing changes.'
  if (plan.length === 1) return `${first.subject}: ${first.summary}`
  return `${plan.length} changes: ${plan.map(({ subject, action }) => `${action} ${subject}`).join(', ')}`
}

function annotationOf({ file, line, column, severity, message, expected, suggestion }: Problem): Annotation {
  const more = expected === undefined ? '' : `; expected ${expected}`
  const instead = suggestion === undefined ? '' : `: did you mean ${suggestion}?`
  return { path: file, line, column, severity, message: `${message}${more}${instead}` }
}

function summaryOf(subject: ReportSubject, problems: readonly Problem[], budget: RowBudget): string {
  const { run, url } = subject
  const parts = [
    headingOf(run),
    baseOf(run),
    ...(run.error === undefined ? [] : errorOf(run, problems, budget)),
    ...(run.plan === undefined ? [] : planOf(subject, run.plan, budget)),
    ...trustOf(run),
    `[Run ${run.id}](${url})`,
  ]
  return parts.filter((part) => part !== '').join('\n\n')
}

const headings: Readonly<Record<Run['state'], string>> = {
  waiting: 'waits for its turn',
  running: 'is under way',
  succeeded: 'done',
  failed: 'failed',
  cancelled: 'cancelled',
  superseded: 'gave way to a newer one',
}

function headingOf({ goal, state, pullRequest }: Run): string {
  const isGood = goal === 'plan' && state === 'succeeded'
  const what = goal === 'apply' ? 'apply' : pullRequest === undefined ? 'plan' : 'what merging this changes'
  return isGood ? `### Larder: ${what}` : `### Larder: ${what} (${headings[state]})`
}

function baseOf({ branch, commit, baseCommit, pullRequest }: Run): string {
  const head = `${codeSpan(branch)} (${codeSpan(commit.slice(0, 12))})`
  if (pullRequest === undefined || baseCommit === undefined) return head
  return `${head} merged into ${codeSpan('main')} (${codeSpan(baseCommit.slice(0, 12))})`
}

function errorOf({ error }: Run, problems: readonly Problem[], { open, folded }: RowBudget): string[] {
  const most = 10 + open + folded
  const lines = problems.length > 0 ? problems.slice(0, most).map(formatProblem) : [error?.message ?? '']
  const more = problems.length > most ? [`and ${problems.length - most} more, which the run shows`] : []
  const short = lines.map((line) => (line.length > 1000 ? `${line.slice(0, 1000)}…` : line))
  return [codeBlock(short), ...more, ...(error?.hint === undefined ? [] : [`What to do: ${codeSpan(error.hint)}`])]
}

function planOf(subject: ReportSubject, plan: readonly RecordedChange[], budget: RowBudget): string[] {
  const { unchanged, previews, leftOut } = subject
  const changes = plan.flatMap((change) => [
    `#### ${codeSpan(change.subject)}: ${change.action}`,
    codeSpan(change.summary),
    ...planTables(change, budget),
  ])
  const nothing = plan.length === 0 ? ['Nothing changes.'] : []
  const names = unchanged.slice(0, 50).map(codeSpan).join(', ')
  const rest = unchanged.length > 50 ? ` and ${unchanged.length - 50} more` : ''
  const same = unchanged.length === 0 ? [] : [`Not touched: ${names}${rest}.`]
  return [...nothing, ...changes, ...same, ...tryPreviews(previews, leftOut)]
}

function trustOf({ trust, commit, state }: Run): string[] {
  if (trust === 'trusted' || state === 'cancelled') return []
  const word = codeSpan(`/larder ok ${commit.slice(0, 12)}`)
  return [
    `This comes from a fork and was planned within the limits for what nobody here has vouched for. Whoever may merge can vouch for this commit by commenting ${word}.`,
  ]
}
