import { isLarderError, LarderError, type Clock, type Log, type Progress, type SiteFiles } from '../core/index.ts'
import type { AnyKind } from './any-kind.ts'
import { executeRun } from './execute-run.ts'
import { createRunLog } from './run-log.ts'
import type { Run, RunError } from './run.ts'
import type { RunStore } from './run-store.ts'

export interface RunnerOptions {
  runs: RunStore
  kinds: readonly AnyKind[]
  /** The site repository's files at a commit. */
  openCommit(commit: string): Promise<SiteFiles & { close(): void }>
  clock: Clock
  log: Log
  /** How often a run is tried in all when its failure may pass. Default 4. */
  attempts?: number
  /** Wait before the second attempt; doubles each time. Default 5 s. */
  retryDelayMs?: number
  /** Upstream metadata read this recently (while the push was checked) is not read again. Default 60 s; a sync always asks. */
  freshForMs?: number
  /** A run that takes longer is failed. Default 6 h. */
  timeoutMs?: number
  onFinished?(run: Run): void
}

export interface Runner {
  /** Takes up what a stopped process left behind, and begins to work. */
  start(): Promise<void>
  /** There is a new waiting run. */
  wake(): void
  /** RUN_UNKNOWN, RUN_STATE when it is finished already. */
  cancel(id: number): Promise<Run>
  /** Resolves when no run waits or works. */
  idle(): Promise<void>
  /** Stops after putting the run that is under way back into the queue. */
  stop(): Promise<void>
}

/** One run at a time, oldest first: what a site shows is the result of its commits in their order. */
export function createRunner(options: RunnerOptions): Runner {
  const { runs, clock, log } = options
  const notBefore = new Map<number, number>()
  let current: { id: number; abort: AbortController; cancelled: boolean } | undefined
  let stopping = false
  let loop: Promise<void> | undefined
  let again = false

  const next = async (): Promise<Run | undefined> =>
    (await runs.waiting()).find((run) => (notBefore.get(run.id) ?? 0) <= clock.monotonicMs())

  const work = async (): Promise<void> => {
    for (;;) {
      again = false
      const run = stopping ? undefined : await next()
      if (run !== undefined) await execute(run)
      else if (!again || stopping) return
    }
  }
  const wake = (): void => {
    again = true
    if (loop !== undefined || stopping) return
    loop = work()
      .catch((error: unknown) => log.error('the runner stopped on an unforeseen error', { error }))
      .finally(() => {
        loop = undefined
        if (again && !stopping) wake()
      })
  }

  const execute = async (waiting: Run): Promise<void> => {
    const run = await runs.start(waiting.id)
    const abort = new AbortController()
    current = { id: run.id, abort, cancelled: false }
    const timeout = AbortSignal.timeout(options.timeoutMs ?? 6 * 3600_000)
    const runLog = createRunLog(runs, run.id, clock)
    let files: Awaited<ReturnType<RunnerOptions['openCommit']>> | undefined
    try {
      files = await options.openCommit(run.commit)
      const signal = AbortSignal.any([abort.signal, timeout])
      const freshForMs = run.origin === 'sync' ? 0 : (options.freshForMs ?? 60_000)
      const { progress } = runLog
      await executeRun({ run, runs, kinds: options.kinds, files, clock, progress, signal, freshForMs })
      await runLog.flush()
      await runs.finish(run.id, { state: 'succeeded' })
    } catch (error) {
      await settleFailure(run, error, runLog.progress, timeout.aborted)
      await runLog.flush()
    } finally {
      current = undefined
      files?.close()
      options.onFinished?.(await runs.get(run.id))
    }
  }

  const settleFailure = async (run: Run, error: unknown, progress: Progress, timedOut: boolean): Promise<void> => {
    if (current?.cancelled) return runs.finish(run.id, { state: 'cancelled', error: runErrorOf(error) })
    if (stopping) return runs.putBack(run.id)
    const passing = isLarderError(error) && error.retryable && !timedOut
    if (passing && run.attempts < (options.attempts ?? 4)) {
      const delayMs = (options.retryDelayMs ?? 5000) * 2 ** (run.attempts - 1)
      progress.log(`${error.message} Trying again in ${Math.round(delayMs / 1000)} s.`)
      notBefore.set(run.id, clock.monotonicMs() + delayMs)
      setTimeout(wake, delayMs + 1).unref()
      return runs.putBack(run.id)
    }
    if (!isLarderError(error)) log.error('a run failed on an unforeseen error', { error, run: run.id })
    const runError = timedOut ? { code: 'CANCELLED', message: 'The run took longer than it may.' } : runErrorOf(error)
    progress.log(`failed: ${runError.message}${runError.hint === undefined ? '' : ` ${runError.hint}`}`)
    return runs.finish(run.id, { state: 'failed', error: runError })
  }

  return {
    async start() {
      const recovered = await runs.recover()
      if (recovered > 0) log.info('runs that were under way go on', { recovered })
      wake()
    },
    wake,
    async cancel(id) {
      if (current?.id === id) {
        current.cancelled = true
        current.abort.abort(new LarderError('CANCELLED', { message: `Run ${id} was cancelled.` }))
        return runs.get(id)
      }
      const run = await runs.get(id)
      if (run.state !== 'waiting') throw new LarderError('RUN_STATE', { message: `Run ${id} is ${run.state} already.` })
      await runs.finish(id, { state: 'cancelled' })
      return runs.get(id)
    },
    async idle() {
      while (loop !== undefined) await loop
    },
    async stop() {
      stopping = true
      current?.abort.abort(new LarderError('CANCELLED', { message: 'Larder is stopping.' }))
      while (loop !== undefined) await loop
    },
  }
}

function runErrorOf(error: unknown): RunError {
  if (isLarderError(error)) return error.toJSON()
  return {
    code: 'INTERNAL',
    message: `An error that nobody foresaw: ${error instanceof Error ? error.message : String(error)}`,
    hint: 'The log of the controller has more; please report it.',
  }
}
