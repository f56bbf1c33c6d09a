import { LarderError, type Clock, type KindContext, type Log, type SiteFiles } from '../core/index.ts'
import type { AnyKind } from './any-kind.ts'
import { ApplyLanes } from './apply-lanes.ts'
import { RunLane, tellFinished } from './run-lane.ts'
import type { Run } from './run.ts'
import type { RunStore } from './run-store.ts'

export interface RunnerOptions {
  runs: RunStore
  kinds: readonly AnyKind[]
  /** The files that a run is about: of its commit, or of what merging it would make. */
  openFiles(run: Run): Promise<SiteFiles & { close(): void }>
  /** Branch whose kinds a run is about. Default: an apply's own; of a plan, all of them. */
  branchOf?: (run: Run) => Promise<string | undefined>
  /** When a commit was made: what is built of it is dated so. Default: not known. */
  committedAt?: (commit: string) => Promise<Date>
  clock: Clock
  log: Log
  /** How often a run is tried in all when its failure may pass. Default 4. */
  attempts?: number
  /** Wait before the second attempt; doubles each time. Default 5 s. */
  retryDelayMs?: number
  /**
   * Upstream metadata read this recently (while the push was checked) is not read again. Default 60 s; a sync always
   * asks.
   */
  freshForMs?: number
  /** A run that takes longer is failed. Default 6 h. */
  timeoutMs?: number
  /** Main as it is: what bounds a run that nobody has vouched for. */
  baseline?: () => Promise<KindContext['baseline']>
  /** When the plan of a run is known, and there is more to do. */
  onPlanned?: (run: Run) => Promise<void>
  /** When a run has ended, however it ended; not when it is put back to wait. */
  onFinished?: (run: Run) => Promise<void>
}

/**
 * A lane for the applies of each branch and one for plans, each with one run at a time, oldest first: what a site shows
 * is the result of the commits of each branch in their order, and neither a plan, however many wait, nor what is built
 * of another branch holds up what is merged.
 */
export interface Runner {
  /** Takes up what a stopped process left behind, and begins to work. */
  start(): Promise<void>
  /** There is a new waiting run. */
  wake(): void
  /** RUN_UNKNOWN, RUN_STATE when it is finished already. */
  cancel(id: number): Promise<Run>
  /** Resolves when no run waits or works. */
  idle(): Promise<void>
  /** Stops after putting the runs that are under way back into the queue. */
  stop(): Promise<void>
}

export function createRunner(options: RunnerOptions): Runner {
  const { runs, log } = options
  const lanes = [new ApplyLanes(options), new RunLane(options, { goal: 'plan' })]
  const wake = (): void => {
    for (const lane of lanes) lane.wake()
  }
  const abort = (id: number): boolean => lanes.some((lane) => lane.abort(id))
  return {
    async start() {
      const recovered = await runs.recover()
      if (recovered > 0) log.info('runs that were under way go on', { recovered })
      wake()
    },
    wake,
    async cancel(id) {
      // It may begin between the first look and the question.
      const isCancelled = abort(id) || (await runs.cancelWaiting(id)) || abort(id)
      const run = await runs.get(id)
      if (!isCancelled) throw new LarderError('RUN_STATE', { message: `Run ${id} is ${run.state} already.` })
      await tellFinished(options, run)
      return run
    },
    async idle() {
      await Promise.all(lanes.map((lane) => lane.idle()))
    },
    async stop() {
      await Promise.all(lanes.map((lane) => lane.stop()))
    },
  }
}
