import { LarderError, type Clock } from '../../core/index.ts'

const windowMs = 60_000
/** A network's worth of addresses; those that were refused first are forgotten. */
const mostSources = 10_000

/**
 * Counts what was refused, by address: whoever sends what is signed is never held up, and whoever guesses soon is. A
 * limit of all requests would make a forge wait that sends in bursts.
 */
export class RefusalLimit {
  readonly #clock: Clock
  readonly #perMinute: number
  readonly #how: string
  readonly #sources = new Map<string, { count: number; untilMs: number }>()

  /** `how`: what would have been let in, as in “as a user of the registry”. */
  constructor(clock: Clock, { perMinute, how }: { perMinute: number; how: string }) {
    this.#clock = clock
    this.#perMinute = perMinute
    this.#how = how
  }

  /** RATE_LIMITED when too much from this address was refused in the last minute. */
  check(source: string): void {
    const known = this.#sources.get(source)
    const now = this.#clock.monotonicMs()
    if (known === undefined || known.untilMs <= now || known.count < this.#perMinute) return
    throw new LarderError('RATE_LIMITED', {
      message: `More than ${this.#perMinute} requests of this address were refused within a minute.`,
      hint: `Try again in ${Math.ceil((known.untilMs - now) / 1000)} s, ${this.#how}.`,
    })
  }

  refused(source: string): void {
    const now = this.#clock.monotonicMs()
    const known = this.#sources.get(source)
    if (known !== undefined && known.untilMs > now) {
      known.count += 1
      return
    }
    this.#sources.delete(source)
    this.#sources.set(source, { count: 1, untilMs: now + windowMs })
    const [oldest] = this.#sources.keys()
    if (this.#sources.size > mostSources && oldest !== undefined) this.#sources.delete(oldest)
  }
}
