import {
  digestOf,
  LarderError,
  mayBePostponed,
  type Change,
  type Clock,
  type Finding,
  type KindContext,
  type Postponed,
  type Progress,
  type SiteFiles,
} from '../core/index.ts'
import type { AnyKind } from './any-kind.ts'
import type { KindLocks } from './kind-locks.ts'
import { planSite, type KindPlan } from './plan-site.ts'
import type { RecordedChange, Run, RunStep } from './run.ts'
import type { RunStore } from './run-store.ts'

export interface ExecuteRunOptions {
  run: Run
  runs: RunStore
  kinds: readonly AnyKind[]
  files: SiteFiles
  clock: Clock
  progress: Progress
  signal: AbortSignal
  /** See KindContext. */
  freshForMs: number
  /** Of kinds, those that follow this branch. Default: all. */
  branch?: string | undefined
  /** When a commit was made. Default: not known. */
  committedAt?: ((commit: string) => Promise<Date>) | undefined
  /** What bounds a run that nobody has vouched for. */
  baseline?: KindContext['baseline']
  /** Keep applies of other branches from the kinds that this one is about. Default: there are no others. */
  locks?: KindLocks | undefined
  /** Called once the plan is recorded. */
  onPlanned?(): Promise<void>
}

interface StagedChange {
  kind: AnyKind
  change: Change
  staged: unknown
}

/**
 * Walks all kinds: plan, and for an apply, stage everything, then switch everything, then verify. What an earlier
 * attempt of this run had staged for the same change is taken up again, not done again. What an apply has to wait for
 * keeps nothing else from its switch: in the end, its error is thrown, so that the run is tried again for it.
 */
export async function executeRun(options: ExecuteRunOptions): Promise<void> {
  let release = (): void => undefined
  const onRead = async (kinds: readonly AnyKind[]): Promise<void> => {
    release = await holdKinds(options, kinds)
  }
  try {
    await walkKinds(options, onRead)
  } finally {
    release()
  }
}

async function walkKinds(
  options: ExecuteRunOptions,
  onRead: (kinds: readonly AnyKind[]) => Promise<void>,
): Promise<void> {
  const { run, runs, kinds, files, clock, progress, signal } = options
  const earlier = await runs.steps(run.id)
  const { freshForMs, baseline } = options
  const commit = commitOf(options)
  const start = {
    files,
    commit,
    clock,
    progress,
    signal,
    runId: String(run.id),
    freshForMs,
    trust: run.trust,
    baseline,
  }
  const step = <T>(name: string, work: () => Promise<T>): Promise<T> => inStep(options, name, work)
  const waiting: Postponed[] = []
  const postpone = (postponed: Postponed): void => {
    waiting.push(postponed)
    progress.log(`${postponed.subject} has to wait: ${postponed.error.message}`)
  }
  const { branch } = options
  const { sections } = run
  const asked = run.goal === 'apply' ? { branch, sections, onRead, onPostponed: postpone } : { branch, sections }
  const { plans, context } = await step('plan', () => planSite(start, kinds, asked))
  const planned = plans.flatMap((plan) => plan.changes).map(recorded)
  await runs.recordPlan(run.id, [...switchedBefore(run, earlier, planned), ...planned])
  tellPlan(plans, progress)
  await options.onPlanned?.()
  if (run.goal === 'plan') return run.pullRequest === undefined ? undefined : previewChanges(options, context, plans)

  const stagedChanges = await stageChanges(options, { plans, context, earlier, postpone })
  signal.throwIfAborted()
  for (const { kind, change, staged } of stagedChanges) {
    await step(`switch ${change.subject}`, () => kind.switch(context, staged))
    progress.log(`${change.subject} is switched`)
  }
  for (const { kind, change, staged } of stagedChanges) {
    await step(`verify ${change.subject}`, async () =>
      refuseFindings(change, await kind.verify(context, staged), progress),
    )
  }
  if (waiting[0] !== undefined) throw waiting[0].error
}

async function stageChanges(
  options: ExecuteRunOptions,
  planned: {
    plans: readonly KindPlan[]
    context: KindContext
    earlier: readonly RunStep[]
    postpone: (postponed: Postponed) => void
  },
): Promise<StagedChange[]> {
  const stagedChanges: StagedChange[] = []
  for (const { kind, observed, changes } of planned.plans) {
    for (const change of changes) {
      const key = digestOf(JSON.stringify(recorded(change)))
      const name = `stage ${change.subject}`
      const stage = () => kind.stage(planned.context, change, observed)
      try {
        const staged =
          findStaged(planned.earlier, name, key) ??
          (await inStep(options, name, stage, (value) => ({ key, staged: value })))
        stagedChanges.push({ kind, change, staged })
      } catch (error) {
        if (options.signal.aborted || !mayBePostponed(error)) throw error
        planned.postpone({ subject: change.subject, error })
      }
    }
  }
  return stagedChanges
}

/** Answers what lets other branches have them again. */
async function holdKinds(
  { run, locks, progress, signal }: ExecuteRunOptions,
  kinds: readonly AnyKind[],
): Promise<() => void> {
  const onWait = (ids: readonly number[]): void => progress.log(`waits for the end of run ${ids.join(', ')}`)
  const sections = kinds.map(({ section }) => section)
  return (await locks?.hold(run.id, sections, { signal, onWait })) ?? (() => undefined)
}

/** What an earlier attempt has switched is of the same plan, though nothing is left to do for it. */
function switchedBefore(run: Run, earlier: readonly RunStep[], planned: readonly RecordedChange[]): RecordedChange[] {
  const isSwitched = ({ subject }: RecordedChange): boolean =>
    earlier.some(({ name, state }) => name === `switch ${subject}` && state === 'done')
  const isPlanned = (change: RecordedChange): boolean => planned.some(({ subject }) => subject === change.subject)
  return (run.plan ?? []).filter((change) => isSwitched(change) && !isPlanned(change))
}

function commitOf({ run, committedAt }: ExecuteRunOptions): KindContext['commit'] {
  if (run.pullRequest !== undefined || committedAt === undefined) return undefined
  return { id: run.commit, committedAt: () => committedAt(run.commit) }
}

/** What is in the plan of a pull request can be tried before it is merged. */
async function previewChanges(
  options: ExecuteRunOptions,
  context: KindContext,
  plans: readonly KindPlan[],
): Promise<void> {
  for (const { kind, observed, changes } of plans) {
    for (const change of changes) {
      if (kind.preview === undefined) continue
      const work = async () => kind.preview?.(context, change, observed)
      const made = await inStep(options, `preview ${change.subject}`, work, (value) => value)
      if (made === undefined) continue
      const told = 'leftOut' in made ? `no preview of ${made.subject}: ${made.leftOut}` : `${made.subject} can be tried`
      options.progress.log(told)
    }
  }
}

async function inStep<T>(
  { run, runs }: ExecuteRunOptions,
  name: string,
  work: () => Promise<T>,
  record?: (value: T) => unknown,
): Promise<T> {
  const number = await runs.beginStep(run.id, name)
  try {
    const value = await work()
    await runs.endStep(run.id, number, { state: 'done', result: record?.(value) })
    return value
  } catch (error) {
    await runs.endStep(run.id, number, { state: 'failed' })
    throw error
  }
}

function findStaged(steps: readonly RunStep[], name: string, key: string): unknown {
  for (const step of steps) {
    if (step.name !== name || step.state !== 'done') continue
    const result = step.result as { key: string; staged: unknown } | undefined
    if (result?.key === key) return result.staged
  }
  return undefined
}

function recorded({ subject, action, summary, detail }: Change): RecordedChange {
  return { subject, action, summary, detail }
}

function tellPlan(plans: readonly KindPlan[], progress: Progress): void {
  const changes = plans.flatMap((plan) => plan.changes)
  if (changes.length === 0) progress.log('nothing to change')
  for (const change of changes) progress.log(`${change.action} ${change.subject}: ${change.summary}`)
}

function refuseFindings(change: Change, findings: readonly Finding[], progress: Progress): void {
  for (const finding of findings) progress.log(`${finding.severity}: ${finding.subject}: ${finding.message}`)
  const errors = findings.filter((finding) => finding.severity === 'error')
  if (errors.length === 0) return
  throw new LarderError('VERIFY_FAILED', {
    message: `${change.subject} was switched, but is not what it should be: ${errors[0]?.message ?? ''}`,
    hint: 'Run `larder doctor`.',
    context: { findings },
  })
}
