import { commentMarker, type CommitStatus, type ForgeApi } from '../../forge/index.ts'
import type { NewMessage, Outbox, OutboxHandler, Run, RunStep, RunStore } from '../../pipeline/index.ts'
import type { PreviewSummary } from '../controller.ts'
import { renderReport } from './render-report.ts'
import type { Report, ReportSubject } from './report.ts'

export interface ReporterOptions {
  outbox: Pick<Outbox, 'enqueue' | 'newestOf'>
  runs: Pick<RunStore, 'get' | 'list' | 'steps'>
  /** Of a run, as people are told of them. */
  previews: (runId: number) => Promise<PreviewSummary[]>
  /** Names of mirrors that are published. */
  publishedMirrors: () => Promise<readonly string[]>
  /** Address that people are told, without a slash at the end. */
  publicUrl: () => string
  now: () => Date
}

/** `planned`: what it would change is known, and previews are being made. */
export type ReportMoment = 'queued' | 'planned' | 'finished'

/** Tells the forge what becomes of runs: the state of the commit, and one comment of its pull request. */
export interface Reporter {
  /** Durable when it returns; never waits for the forge. */
  changed(run: Run, moment: ReportMoment): Promise<void>
  /** Reports what ended while nobody could write that down: the process was killed between the two. */
  catchUp(): Promise<void>
}

export function createReporter(options: ReporterOptions): Reporter {
  const changed: Reporter['changed'] = async (run, moment) => {
    if (!isTold(run, moment)) return
    if (moment === 'queued') await endReplaced(options, run)
    const subject = await subjectOf(options, run)
    for (const message of messagesOf(run, moment, { report: renderReport(subject), url: subject.url })) {
      await options.outbox.enqueue(message)
    }
  }
  return {
    changed,
    async catchUp() {
      const since = options.now().getTime() - catchUpMs
      for (const run of (await options.runs.list({ limit: mostCaughtUp })).reverse()) {
        const { id, finishedAt } = run
        if (finishedAt === undefined || finishedAt.getTime() < since || !isTold(run, 'finished')) continue
        const told = await options.outbox.newestOf(statusTopic(run))
        // A list leaves plans out.
        if (told === undefined || told < finishedAt) await changed(await options.runs.get(id), 'finished')
      }
    },
  }
}

/** The commit before this one was never planned: nobody should wait for that. */
async function endReplaced(
  { runs, outbox, publicUrl }: ReporterOptions,
  { id, commit, pullRequest }: Run,
): Promise<void> {
  if (pullRequest === undefined) return
  const [before] = await runs.list({ limit: 1, before: id, pullRequest })
  if (before?.state !== 'superseded' || before.commit === commit) return
  const title = 'A newer commit took its place.'
  const url = `${publicUrl()}/runs/${before.id}`
  const about = { commit: before.commit, name: nameOf(before), url, pullRequest }
  const status: CommitStatus = { ...about, state: 'error', title, summary: title, annotations: [] }
  await outbox.enqueue({ kind: 'status', recipient, topic: statusTopic(before), body: status })
}

/** Sends what a reporter enqueued. */
export function reportHandlers(api: ForgeApi): { status: OutboxHandler; comment: OutboxHandler } {
  return {
    status: (body, signal) => api.setStatus(body as CommitStatus, signal),
    comment: (body, signal) => api.setComment(body as Parameters<ForgeApi['setComment']>[0], signal),
  }
}

/** There is one forge. */
const recipient = 'forge'

const catchUpMs = 3 * 24 * 3600_000
const mostCaughtUp = 200

/**
 * Of a pull request, and of main; not that main is looked at again, which is every few hours, but how that ended. What is
 * about a part of the site says nothing of a commit.
 */
function isTold({ pullRequest, goal, origin, state, sections }: Run, moment: ReportMoment): boolean {
  if (state === 'superseded' || sections !== undefined) return false
  if (pullRequest === undefined && goal === 'plan') return false
  return origin !== 'sync' || moment === 'finished'
}

/** One of each name at a commit: where main is fast-forwarded, a commit has been planned and is then applied. */
const nameOf = ({ goal }: Run): string => (goal === 'apply' ? 'larder/apply' : 'larder')
const statusTopic = (run: Run): string => `status/${nameOf(run)}/${run.commit}`

function messagesOf(run: Run, moment: ReportMoment, { report, url }: { report: Report; url: string }): NewMessage[] {
  const { commit, pullRequest, state: runState } = run
  const { title, summary, state } = report
  const annotations = report.annotations.slice(0, mostAnnotations)
  const about = { commit, name: nameOf(run), ...(pullRequest === undefined ? {} : { pullRequest }) }
  const status: CommitStatus = { ...about, state, title, summary, url, annotations }
  const messages: NewMessage[] = [{ kind: 'status', recipient, topic: statusTopic(run), body: status }]
  // Until there is a plan, what was said before is better than nothing; and so it is when a run was called off.
  if (pullRequest === undefined || moment === 'queued' || runState === 'cancelled') return messages
  const text = `${commentMarker}\n${summary}`
  const comment = { pullRequest, marker: commentMarker, text }
  return [...messages, { kind: 'comment', recipient, topic: `comment/${pullRequest}`, body: comment }]
}

/** Ten requests of a check run. */
const mostAnnotations = 500

async function subjectOf(options: ReporterOptions, run: Run): Promise<ReportSubject> {
  const url = `${options.publicUrl()}/runs/${run.id}`
  if (run.plan === undefined) return { run, previews: [], leftOut: [], unchanged: [], url }
  const [previews, mirrors, steps] = await Promise.all([
    options.previews(run.id),
    options.publishedMirrors(),
    options.runs.steps(run.id),
  ])
  const touched = new Set(run.plan.map(({ subject }) => subject))
  const unchanged = mirrors.map((name) => `mirror ${name}`).filter((subject) => !touched.has(subject))
  return { run, previews, leftOut: steps.flatMap(leftOutOf), unchanged, url }
}

/** The result of a step `preview mirror base` that made none. */
function leftOutOf({ name, state, result }: RunStep): ReportSubject['leftOut'][number][] {
  if (!name.startsWith('preview ') || state !== 'done') return []
  const { subject, leftOut } = (result ?? {}) as { subject?: string; leftOut?: string }
  return subject === undefined || leftOut === undefined ? [] : [{ subject, reason: leftOut }]
}
