import { isLarderError, type Clock, type Log } from '../../core/index.ts'
import type { DriftOutcome } from './drift-round.ts'
import type { MachineEvents } from './machine-events.ts'

export interface DriftWatchOptions {
  clock: Clock
  log: Log
  /** A look at all machines; `renewed`: what was published without a run, as `mirror base`. */
  round: (renewed: readonly string[]) => Promise<DriftOutcome>
  /** Time between two looks, a tenth more or less. 0: none by time, nor by events. */
  everyMs: number
  /** From 0 to 1, so that sites do not look in step. */
  jitter: () => number
  events: readonly MachineEvents[]
}

/** What happens together is looked at together. */
const gatherMs = 1000
/** A run is under way, or a machine is away that may be back soon; doubles each time. */
const soonMs = 30_000

/** Looks at machines again and again: when it is time, and when something has happened to one. One look at a time. */
export class DriftWatch {
  readonly #options: DriftWatchOptions
  readonly #renewed = new Set<string>()
  #timer: NodeJS.Timeout | undefined
  #dueAtMs = Infinity
  #looking: Promise<void> | undefined
  #isWoken = false
  #isRunning = false
  /** Looks in a row after which there was to be another soon. */
  #impatience = 0
  #endings: (() => Promise<void>)[] = []

  constructor(options: DriftWatchOptions) {
    this.#options = options
  }

  start(): void {
    const { everyMs, events } = this.#options
    this.#isRunning = true
    if (everyMs === 0) return
    this.#endings = events.map((watch) => watch(() => this.wake()))
    this.#lookIn(Math.min(soonMs, everyMs))
  }

  /** Something has changed on machines: looks soon. */
  wake(): void {
    if (this.#options.everyMs > 0) this.#lookSoon()
  }

  /** A mirror was published without a run: who uses it converges. */
  published(mirror: string): void {
    this.#renewed.add(`mirror ${mirror}`)
    this.#lookSoon()
  }

  async stop(): Promise<void> {
    this.#isRunning = false
    clearTimeout(this.#timer)
    await Promise.all(this.#endings.map((end) => end()))
    await this.#looking
  }

  #lookSoon(): void {
    this.#isWoken = true
    this.#lookIn(gatherMs)
  }

  /** Whichever is earlier, this or what was asked for before. */
  #lookIn(delayMs: number): void {
    const dueAtMs = this.#options.clock.monotonicMs() + delayMs
    if (!this.#isRunning || this.#looking !== undefined || dueAtMs >= this.#dueAtMs) return
    clearTimeout(this.#timer)
    this.#dueAtMs = dueAtMs
    const begin = (): void => {
      this.#dueAtMs = Infinity
      this.#looking = this.#look().finally(() => {
        this.#looking = undefined
        this.#lookIn(this.#isWoken ? gatherMs : this.#pauseMs())
      })
    }
    this.#timer = setTimeout(begin, delayMs).unref()
  }

  async #look(): Promise<void> {
    this.#isWoken = false
    const renewed = [...this.#renewed]
    const outcome = await roundOf(this.#options, renewed)
    const isDone = outcome !== 'busy' && outcome !== 'failed'
    if (isDone) for (const subject of renewed) this.#renewed.delete(subject)
    this.#impatience = outcome === 'clean' || outcome === 'different' ? 0 : this.#impatience + 1
  }

  #pauseMs(): number {
    const { everyMs, jitter } = this.#options
    if (everyMs === 0 && this.#renewed.size === 0) return Infinity
    const regularMs = everyMs === 0 ? Infinity : everyMs * (0.9 + 0.2 * jitter())
    if (this.#impatience === 0) return regularMs
    return Math.min(regularMs, soonMs * 2 ** Math.min(this.#impatience - 1, 6))
  }
}

async function roundOf(
  { round, log }: DriftWatchOptions,
  renewed: readonly string[],
): Promise<DriftOutcome | 'failed'> {
  try {
    return await round(renewed)
  } catch (error) {
    // The engine of containers is away, say: the next look tells whether it still is.
    if (!isLarderError(error, 'CANCELLED')) log.error('machines could not be looked at', { error })
    return 'failed'
  }
}
