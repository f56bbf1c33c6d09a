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
  /**
   * Upstream metadata read this recently (while the push was checked) is not read again. Default 60 s; a sync always
   * asks.
   */
  freshForMs?: number
  /** A run that takes longer is failed. Default 6 h. */
  timeoutMs?: number
  /** When a run has ended, however it ended; not when it is put back to wait. */
  onFinished?(run: Run): Promise<void>
}

/** One run at a time, oldest first: what a site shows is the result of its commits in their order. */
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

export function createRunner(options: RunnerOptions): Runner {
  return new QueueRunner(options)
}

interface RunUnderWay {
  id: number
  abort: AbortController
  isCancelled: boolean
}

class QueueRunner implements Runner {
  readonly #options: RunnerOptions
  /** Runs that wait for a second attempt, by the monotonic time of it. */
  readonly #notBefore = new Map<number, number>()
  #current: RunUnderWay | undefined
  #isStopping = false
  #loop: Promise<void> | undefined
  /** Something happened while the loop was looking. */
  #isWoken = false
  /** A run was left as it was, since its end could not be written down: a full disk, say. */
  #hasLost = false

  constructor(options: RunnerOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    const recovered = await this.#options.runs.recover()
    if (recovered > 0) this.#options.log.info('runs that were under way go on', { recovered })
    this.wake()
  }

  wake(): void {
    this.#isWoken = true
    if (this.#loop !== undefined || this.#isStopping) return
    this.#loop = this.#work()
      .catch((error: unknown) => {
        this.#options.log.error('the end of a run could not be written down; it is taken up again', { error })
        this.#hasLost = true
        setTimeout(() => this.wake(), this.#options.retryDelayMs ?? 5000).unref()
      })
      .finally(() => {
        this.#loop = undefined
        if (this.#isWoken) this.wake()
      })
  }

  async cancel(id: number): Promise<Run> {
    const { runs } = this.#options
    // It may begin between the first look and the question.
    const isCancelled = this.#abortCurrent(id) || (await runs.cancelWaiting(id)) || this.#abortCurrent(id)
    const run = await runs.get(id)
    if (!isCancelled) throw new LarderError('RUN_STATE', { message: `Run ${id} is ${run.state} already.` })
    await this.#tellFinished(run)
    return run
  }

  #abortCurrent(id: number): boolean {
    if (this.#current?.id !== id) return false
    this.#current.isCancelled = true
    this.#current.abort.abort(new LarderError('CANCELLED', { message: `Run ${id} was cancelled.` }))
    return true
  }

  async idle(): Promise<void> {
    while (this.#loop !== undefined) await this.#loop
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    this.#current?.abort.abort(new LarderError('CANCELLED', { message: 'Larder is stopping.' }))
    await this.idle()
  }

  async #work(): Promise<void> {
    do {
      this.#isWoken = false
      if (this.#hasLost) await this.#options.runs.recover()
      this.#hasLost = false
      for (let run = await this.#next(); run !== undefined; run = await this.#next()) await this.#execute(run)
    } while (this.#hasBeenWoken())
  }

  /** A method, since the compiler does not see that `wake` may have been called during an await. */
  #hasBeenWoken(): boolean {
    return this.#isWoken && !this.#isStopping
  }

  async #next(): Promise<Run | undefined> {
    if (this.#isStopping) return undefined
    const { runs, clock } = this.#options
    const now = clock.monotonicMs()
    return (await runs.waiting()).find((run) => (this.#notBefore.get(run.id) ?? 0) <= now)
  }

  async #execute(waiting: Run): Promise<void> {
    const { runs, kinds, clock, timeoutMs = 6 * 3600_000 } = this.#options
    const current = (this.#current = { id: waiting.id, abort: new AbortController(), isCancelled: false })
    const run = await this.#begin(waiting.id)
    if (run === undefined) return
    const timeout = AbortSignal.timeout(timeoutMs)
    const runLog = createRunLog(runs, run.id, clock)
    const { progress } = runLog
    let files: (SiteFiles & { close(): void }) | undefined
    try {
      files = await this.#options.openCommit(run.commit)
      const freshForMs = run.origin === 'sync' ? 0 : (this.#options.freshForMs ?? 60_000)
      const signal = AbortSignal.any([current.abort.signal, timeout])
      await executeRun({ run, runs, kinds, files, clock, progress, signal, freshForMs })
      await runLog.flush()
      await runs.finish(run.id, { state: 'succeeded' })
    } catch (error) {
      await this.#settleFailure(run, error, { progress, isTimedOut: timeout.aborted, isCancelled: current.isCancelled })
      await runLog.flush()
    } finally {
      this.#current = undefined
      files?.close()
      await this.#tellFinished(await runs.get(run.id))
    }
  }

  /** Undefined when it was cancelled since it was found. */
  async #begin(id: number): Promise<Run | undefined> {
    try {
      return await this.#options.runs.start(id)
    } catch (error) {
      this.#current = undefined
      if (isLarderError(error, 'RUN_STATE')) return undefined
      throw error
    }
  }

  async #tellFinished(run: Run): Promise<void> {
    if (run.finishedAt === undefined) return
    try {
      await this.#options.onFinished?.(run)
    } catch (error) {
      this.#options.log.error('what follows a run has failed', { error, run: run.id })
    }
  }

  async #settleFailure(
    run: Run,
    error: unknown,
    { progress, isTimedOut, isCancelled }: { progress: Progress; isTimedOut: boolean; isCancelled: boolean },
  ): Promise<void> {
    const { runs, log } = this.#options
    if (isCancelled) return runs.finish(run.id, { state: 'cancelled', error: runErrorOf(error) })
    if (this.#isStopping) return runs.putBack(run.id)
    if (!isTimedOut && this.#mayPass(run, error)) return this.#tryLater(run, error, progress)
    if (!isLarderError(error)) log.error('a run failed on an error that nobody foresaw', { error, run: run.id })
    const runError = isTimedOut ? { code: 'CANCELLED', message: 'The run took longer than it may.' } : runErrorOf(error)
    progress.log(`failed: ${sentences(runError.message, runError.hint)}`)
    return runs.finish(run.id, { state: 'failed', error: runError })
  }

  #mayPass(run: Run, error: unknown): error is LarderError {
    return isLarderError(error) && error.retryable && run.attempts < (this.#options.attempts ?? 4)
  }

  #tryLater(run: Run, error: LarderError, progress: Progress): Promise<void> {
    const { clock, runs, retryDelayMs = 5000 } = this.#options
    const delayMs = retryDelayMs * 2 ** (run.attempts - 1)
    progress.log(`${error.message} Trying again in ${Math.round(delayMs / 1000)} s.`)
    this.#notBefore.set(run.id, clock.monotonicMs() + delayMs)
    setTimeout(() => this.wake(), delayMs + 1).unref()
    return runs.putBack(run.id)
  }
}

function sentences(...texts: readonly (string | undefined)[]): string {
  const given = texts.filter((text) => text !== undefined)
  return given.map((text) => (/[.!?]$/.test(text) ? text : `${text}.`)).join(' ')
}

function runErrorOf(error: unknown): RunError {
  if (isLarderError(error)) return error.toJSON()
  return {
    code: 'INTERNAL',
    message: `An error that nobody foresaw: ${error instanceof Error ? error.message : String(error)}`,
    hint: 'The log of the controller has more; please report it.',
  }
}
