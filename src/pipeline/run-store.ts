import { redactText, type Clock } from '../core/index.ts'
import type { State } from '../state/index.ts'
import type {
  RecordedChange,
  Run,
  RunError,
  RunGoal,
  RunLimit,
  RunLogLine,
  RunScope,
  RunState,
  RunStep,
  RunTrust,
} from './run.ts'
import { runLogRows } from './run-log-rows.ts'
import { runRows } from './run-rows.ts'
import { runStepRows } from './run-step-rows.ts'

/**
 * Runs, their steps and logs. Every method is one transaction; that a run waits, and how it ended, is durable, and what
 * happens in between outlives the process.
 */
export interface RunStore {
  /** A waiting run. A waiting plan of the same branch is superseded: nobody needs it any more. */
  create(options: NewRun): Promise<Run>
  /**
   * As create, but for one that is there already: `isEnough` judges the newest run of that branch and goal about the
   * whole site, and nobody else makes one meanwhile. Answers the one that there is, or the new one.
   */
  createUnless(isEnough: (newest: Run) => boolean, options: NewRun): Promise<{ run: Run; isNew: boolean }>
  /** RUN_UNKNOWN. */
  get(id: number): Promise<Run>
  /** Undefined also where there is no such run. */
  limitOf(id: number): Promise<RunLimit | undefined>
  /** Newest first; plans are left out. */
  list(options: RunQuery): Promise<Run[]>
  /** Waiting runs, oldest first. */
  waiting(): Promise<Run[]>
  /** The waiting runs of a scope that come next: trusted before untrusted, then the oldest. */
  next(scope: RunScope, limit: number): Promise<Run[]>
  /** Branches that have an apply waiting, in no order. */
  branchesToApply(): Promise<string[]>
  /** The newest run of that goal for the branch, and the whole site, that was not superseded or cancelled; its plan is left out. */
  latest(branch: string, goal: RunGoal, options?: { withCancelled?: boolean }): Promise<Run | undefined>
  /** The newest run of each of these pull requests that was not superseded; plans are left out. */
  latestOfPullRequests(pullRequests: readonly number[]): Promise<Map<number, Run>>
  /** Runs of a pull request that wait or work. */
  unfinishedOfPullRequest(pullRequest: number): Promise<Run[]>
  /**
   * RUN_STATE unless it waits. Older applies of the branch that wait for another attempt are superseded: done after
   * this one, they would bring back what it replaces. One that is not about the whole site replaces none.
   */
  start(id: number): Promise<Run>
  /** False when it does not wait any more. */
  cancelWaiting(id: number): Promise<boolean>
  finish(id: number, outcome: { state: 'succeeded' | 'failed' | 'cancelled'; error?: RunError }): Promise<void>
  /** Back to waiting, with its steps kept. */
  putBack(id: number): Promise<void>
  /**
   * As putBack, when a person asks for it: it begins anew. What it had staged is forgotten: its lease ended with it, so
   * gc may have taken some of it, and what was signed has grown old.
   */
  retry(id: number): Promise<void>
  /** After a restart: what was running waits again; of one scope, or all. Answers how many. */
  recover(scope?: RunScope): Promise<number>
  recordPlan(id: number, plan: readonly RecordedChange[]): Promise<void>
  /**
   * Deletes finished runs, their steps and logs, beyond the newest `keep`; but not the last apply of a branch, nor the last
   * plan of an open pull request.
   */
  prune(keep: number): Promise<void>

  beginStep(id: number, name: string): Promise<number>
  endStep(id: number, number: number, outcome: { state: 'done' | 'failed'; result?: unknown }): Promise<void>
  steps(id: number): Promise<RunStep[]>

  log(id: number, messages: readonly string[]): Promise<void>
  readLog(id: number, after: number): Promise<RunLogLine[]>
}

export interface RunQuery {
  limit: number
  /** Only smaller numbers. */
  before?: number
  state?: RunState
  pullRequest?: number
}

export interface NewRun {
  branch: string
  commit: string
  goal: RunGoal
  origin: string
  /** With `baseCommit`: it plans what merging the commit into that would make of the site. */
  pullRequest?: number
  baseCommit?: string
  /** Default `trusted`. */
  trust?: RunTrust
  /** Only these sections of larder.yaml. Default: the whole site. */
  sections?: readonly string[]
  /** Default: all that they declare. */
  only?: RunLimit
}

/** `mask` takes secrets out of what is kept for people: logs and errors. Default: those that are known by their place. */
export function createRunStore(state: State, clock: Clock, mask: (text: string) => string = redactText): RunStore {
  const now = () => clock.now().toISOString()
  return { ...runRows(state, now, mask), ...runStepRows(state, now), ...runLogRows(state, now, mask) }
}
