import { calledOff, isLarderError, LarderError, type Progress, type SiteFiles } from '../core/index.ts'
import { executeRun } from './execute-run.ts'
import type { KindLocks } from './kind-locks.ts'
import { openUnlessAborted } from './open-unless-aborted.ts'
import { createRunLog, type RunLog } from './run-log.ts'
import type { RunStore } from './run-store.ts'
import type { Run, RunError, RunScope } from './run.ts'
import type { RunnerOptions } from './runner.ts'

interface RunUnderWay {
  id: number
  abort: AbortController
  isCancelled: boolean
}

/**
 * Runs of one goal (and branch), one at a time, oldest first; work that somebody vouched for before work that nobody
 * did.
 */
export class RunLane {
  readonly #options: RunnerOptions
  readonly #scope: RunScope
  /** Between lanes of applies. */
  readonly #locks: KindLocks | undefined
  /** Runs that wait for a second attempt, by the monotonic time of it. */
  readonly #notBefore = new Map<number, number>()
  #current: RunUnderWay | undefined
  #isStopping = false
  #loop: Promise<void> | undefined
  /** Something happened while the loop was looking. */
  #isWoken = false
  /** A run was left as it was, since its end could not be written down: a full disk, say. */
  #hasLost = false
  /** So often in a row; and the pause before the next attempt, during which nobody wakes it. */
  #losses = 0
  #pause: NodeJS.Timeout | undefined

  constructor(options: RunnerOptions, scope: RunScope, locks?: KindLocks) {
    this.#options = options
    this.#scope = scope
    this.#locks = locks
  }

  wake(): void {
    this.#isWoken = true
    if (this.#loop !== undefined || this.#pause !== undefined || this.#isStopping) return
    this.#loop = this.#work()
      .catch((error: unknown) => {
        this.#options.log.error('the end of a run could not be written down; it is taken up again', { error })
        this.#hasLost = true
        this.#wakeLater()
      })
      .finally(() => {
        this.#loop = undefined
        if (this.#isWoken) this.wake()
      })
  }

  /** Twice as late each time, up to 64 times: what is full may stay so for hours. */
  #wakeLater(): void {
    const delayMs = (this.#options.retryDelayMs ?? 5000) * 2 ** Math.min(this.#losses++, 6)
    this.#pause = setTimeout(() => {
      this.#pause = undefined
      this.wake()
    }, delayMs).unref()
  }

  /** Whether it was the one under way. */
  abort(id: number): boolean {
    if (this.#current?.id !== id) return false
    this.#current.isCancelled = true
    this.#current.abort.abort(calledOff(id))
    return true
  }

  async idle(): Promise<void> {
    while (this.#loop !== undefined) await this.#loop
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    clearTimeout(this.#pause)
    this.#current?.abort.abort(new LarderError('CANCELLED', { message: 'Larder is stopping.' }))
    await this.idle()
  }

  async #work(): Promise<void> {
    do {
      this.#isWoken = false
      if (this.#hasLost) await this.#options.runs.recover(this.#scope)
      this.#hasLost = false
      for (let run = await this.#next(); run !== undefined; run = await this.#next()) {
        await this.#execute(run)
        this.#losses = 0
      }
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
    // However many wait: those that wait for another attempt may come first, and then one that need not.
    const next = await runs.next(this.#scope, this.#notBefore.size + 1)
    return next.find((run) => (this.#notBefore.get(run.id) ?? 0) <= now)
  }

  async #execute(waiting: Run): Promise<void> {
    const { runs, kinds, clock, committedAt, timeoutMs = 6 * 3600_000 } = this.#options
    this.#notBefore.delete(waiting.id)
    const current = (this.#current = { id: waiting.id, abort: new AbortController(), isCancelled: false })
    const run = await this.#begin(waiting.id)
    if (run === undefined) return
    const timeout = AbortSignal.timeout(timeoutMs)
    const runLog = createRunLog(runs, run.id, clock)
    const { progress } = runLog
    let files: (SiteFiles & { close(): void }) | undefined
    try {
      const signal = AbortSignal.any([current.abort.signal, timeout])
      files = await openUnlessAborted(() => this.#options.openFiles(run), signal)
      const freshForMs = run.origin === 'sync' ? 0 : (this.#options.freshForMs ?? 60_000)
      const onPlanned = (): Promise<void> => this.#tellPlanned(run.id)
      const baseline = run.trust === 'trusted' ? undefined : await this.#options.baseline?.()
      const common = { run, runs, kinds, files, committedAt, clock, progress, signal, locks: this.#locks }
      const branch = run.goal === 'apply' ? run.branch : await this.#options.branchOf?.(run)
      await executeRun({ ...common, branch, freshForMs, baseline, onPlanned })
      await runLog.flush()
      await runs.finish(run.id, { state: 'succeeded' })
    } catch (error) {
      await this.#settleFailure(run, error, { runLog, isTimedOut: timeout.aborted, isCancelled: current.isCancelled })
      await runLog.flush()
    } finally {
      this.#current = undefined
      files?.close()
      await tellFinished(this.#options, await runs.get(run.id))
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

  async #tellPlanned(id: number): Promise<void> {
    const { runs, log, onPlanned } = this.#options
    if (onPlanned === undefined) return
    await onPlanned(await runs.get(id)).catch((error: unknown) => {
      log.error('what follows a plan has failed', { error, run: id })
    })
  }

  async #settleFailure(
    run: Run,
    error: unknown,
    { runLog, isTimedOut, isCancelled }: { runLog: RunLog; isTimedOut: boolean; isCancelled: boolean },
  ): Promise<void> {
    const { runs, log } = this.#options
    const { progress } = runLog
    const finish: RunStore['finish'] = async (...end) => {
      // Whoever follows the log reads no further once the run has ended. What cannot be written does not keep it from that.
      await runLog.flush().catch(() => undefined)
      return runs.finish(...end)
    }
    if (isCancelled) return finish(run.id, { state: 'cancelled', error: runErrorOf(error) })
    if (this.#isStopping) return runs.putBack(run.id)
    if (!isTimedOut && this.#mayPass(run, error)) return this.#tryLater(run, error, progress)
    if (!isLarderError(error)) log.error('a run failed on an error that nobody foresaw', { error, run: run.id })
    const runError = runErrorOf(isTimedOut ? tookTooLong(run, error) : error)
    progress.log(`failed: ${sentences(runError.message, runError.hint)}`)
    return finish(run.id, { state: 'failed', error: runError })
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

/** What follows the end of a run never fails it. */
export async function tellFinished({ log, onFinished }: RunnerOptions, run: Run): Promise<void> {
  if (run.finishedAt === undefined) return
  try {
    await onFinished?.(run)
  } catch (error) {
    log.error('what follows a run has failed', { error, run: run.id })
  }
}

function sentences(...texts: readonly (string | undefined)[]): string {
  const given = texts.filter((text) => text !== undefined)
  return given.map((text) => (/[.!?]$/.test(text) ? text : `${text}.`)).join(' ')
}

function tookTooLong({ id }: Run, cause: unknown): LarderError {
  return new LarderError('RUN_TIMEOUT', {
    message: `Run ${id} took longer than it may.`,
    hint: `Its log says what it was at; \`larder run retry ${id}\` goes on with what is done already.`,
    cause,
  })
}

function runErrorOf(error: unknown): RunError {
  if (isLarderError(error)) return bounded(error.toJSON())
  return {
    code: 'INTERNAL',
    message: `An error that nobody foresaw: ${error instanceof Error ? error.message : String(error)}`,
    hint: 'The log of the controller has more; please report it.',
  }
}

/** Somebody's list may have 100,000 names that are wrong: nobody reads all of them, and a run keeps what it says. */
const mostProblems = 1000

function bounded(error: RunError): RunError {
  const problems = error.context?.['problems']
  if (!Array.isArray(problems) || problems.length <= mostProblems) return error
  const more = `${problems.length - mostProblems} more are not kept.`
  const context = { ...error.context, problems: problems.slice(0, mostProblems) as unknown[] }
  return { ...error, message: `${error.message} ${more}`, context }
}
