import { randomInt } from 'node:crypto'
import { isLarderError, LarderError, type Clock, type Log } from '../core/index.ts'
import type { State } from '../state/index.ts'
import { outboxRows, type NewMessage, type OutboxKind, type OutboxMessage, type OutboxRows } from './outbox-rows.ts'

export interface OutboxOptions {
  state: State
  clock: Clock
  log: Log
  /**
   * Sends a message of a kind; may be called again for one that was sent, when nobody could write that down. A failure
   * that may pass (LarderError.retryable) is tried again, as is what a forge refuses for want of rights; after other
   * failures the message is given up. A message of a kind that has no handler waits.
   */
  handlers: Partial<Record<OutboxKind, OutboxHandler>>
  /** At least 0 and less than 1: for jitter. Default: by chance. */
  random?: () => number
}

export type OutboxHandler = (body: unknown, signal: AbortSignal) => Promise<void>

/**
 * What is owed to forges and listeners, until they have taken it: kept through restarts and outages, the newest of a
 * topic only, in order. Whoever enqueues never waits for the network, and no recipient for another.
 */
export interface Outbox {
  /** Durable when it returns. */
  enqueue(message: NewMessage): Promise<void>
  /** What failed before is tried at once: a token may have been mended since. */
  start(): void
  /** Ends what is being sent; it waits for the next start. */
  stop(): Promise<void>
  /** Sends what is due. */
  wake(): void
  /** Resolves when nothing is being sent and nothing is due. */
  idle(): Promise<void>
  /** What has been waiting since before then, oldest first; at most 100. */
  waitingSince(before: Date): Promise<OutboxMessage[]>
  /** When the newest message of a topic was enqueued; undefined when there is none, or it was pruned. */
  newestOf(topic: string): Promise<Date | undefined>
  /** Deletes what was settled before then. Answers how many. */
  prune(before: Date): Promise<number>
}

export function createOutbox(options: OutboxOptions): Outbox {
  return new SendingOutbox(options)
}

const firstDelayMs = 5000
const longestDelayMs = 3600_000
/** The most that a forge's wish to wait is heeded. */
const longestWishMs = 24 * 3600_000
const giveUpMs = 3 * 24 * 3600_000
/** To one recipient. */
const mostAtOnce = 4
/** Node's longest timer is 24 days; clocks jump. */
const longestSleepMs = 60_000

class SendingOutbox implements Outbox {
  readonly #options: OutboxOptions
  readonly #rows: OutboxRows
  /** By topic: of each, one at a time. */
  readonly #sending = new Map<string, { recipient: string; done: Promise<void> }>()
  /** Recipients to whom the last message could not be sent. */
  readonly #failing = new Set<string>()
  /** Recipients that have asked for nothing to be sent until then. */
  readonly #heldUntil = new Map<string, Date>()
  readonly #stopping = new AbortController()
  #isStarted = false
  #hasHastened = false
  #isWoken = false
  #loop: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(options: OutboxOptions) {
    this.#options = options
    this.#rows = outboxRows(options.state, () => options.clock.now())
  }

  async enqueue(message: NewMessage): Promise<void> {
    await this.#rows.add(message, this.#heldOf(message.recipient))
    this.wake()
  }

  start(): void {
    this.#isStarted = true
    this.wake()
  }

  wake(): void {
    this.#isWoken = true
    if (!this.#isStarted || this.#loop !== undefined || this.#stopping.signal.aborted) return
    this.#loop = this.#fill()
      .catch((error: unknown) => {
        this.#options.log.error('what is owed to others could not be looked at', { error })
        this.#wakeIn(firstDelayMs)
      })
      .finally(() => {
        this.#loop = undefined
        if (this.#isWoken) this.wake()
      })
  }

  async idle(): Promise<void> {
    while (this.#loop !== undefined || this.#sending.size > 0) {
      await this.#loop
      await Promise.all([...this.#sending.values()].map(({ done }) => done))
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new LarderError('CANCELLED', { message: 'Larder is stopping.' }))
    clearTimeout(this.#timer)
    await this.idle()
  }

  waitingSince(before: Date): Promise<OutboxMessage[]> {
    return this.#rows.waitingSince(before)
  }

  newestOf(topic: string): Promise<Date | undefined> {
    return this.#rows.newestOf(topic)
  }

  prune(before: Date): Promise<number> {
    return this.#rows.prune(before)
  }

  async #fill(): Promise<void> {
    this.#isWoken = false
    clearTimeout(this.#timer)
    if (!this.#hasHastened) await this.#rows.hasten()
    this.#hasHastened = true
    const now = this.#options.clock.now()
    while (await this.#sendSome(now));
    // What is due and not being sent waits for another message to the same recipient, whose end wakes it.
    const next = await this.#rows.nextDue(now)
    if (next !== undefined) this.#wakeIn(next.getTime() - now.getTime())
  }

  /** Whether it has begun to send anything, so that there may be more. */
  async #sendSome(now: Date): Promise<boolean> {
    // Those that end while it is asked may be in the answer.
    const before = new Set(this.#sending.keys())
    const due = await this.#rows.due(now, { limit: mostAtOnce + before.size, except: this.#busy() })
    let begun = 0
    for (const message of due) {
      const { topic, recipient } = message
      if (this.#stopping.signal.aborted) return false
      if (before.has(topic) || this.#countOf(recipient) >= mostAtOnce) continue
      const done = this.#send(message).finally(() => {
        this.#sending.delete(topic)
        this.wake()
      })
      this.#sending.set(topic, { recipient, done })
      begun++
    }
    return begun > 0
  }

  #countOf(recipient: string): number {
    return [...this.#sending.values()].filter((one) => one.recipient === recipient).length
  }

  #busy(): string[] {
    const all = new Set([...this.#sending.values()].map(({ recipient }) => recipient))
    return [...all].filter((recipient) => this.#countOf(recipient) >= mostAtOnce)
  }

  /** Undefined: it may be sent to. */
  #heldOf(recipient: string): Date | undefined {
    const until = this.#heldUntil.get(recipient)
    return until !== undefined && until > this.#options.clock.now() ? until : undefined
  }

  #wakeIn(delayMs: number): void {
    if (this.#stopping.signal.aborted) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.wake(), Math.min(Math.max(delayMs, 1000), longestSleepMs)).unref()
  }

  async #send(message: OutboxMessage): Promise<void> {
    const { log } = this.#options
    try {
      await this.#try(message)
    } catch (error) {
      // The database: it is looked at again later, and the message sent once more.
      log.error('what became of a message could not be written down', { error, topic: message.topic })
      await this.#options.clock.sleep(firstDelayMs, this.#stopping.signal).catch(() => undefined)
    }
  }

  async #try(message: OutboxMessage): Promise<void> {
    const { id, kind, recipient, body } = message
    const handler = this.#options.handlers[kind]
    try {
      if (handler === undefined) {
        throw new LarderError('FORGE_UNREACHABLE', { message: `Nobody is configured who takes a ${kind}.` })
      }
      await handler(body, this.#stopping.signal)
    } catch (error) {
      if (!this.#stopping.signal.aborted) await this.#settleFailure(message, error)
      return
    }
    await this.#rows.settle(id, 'done')
    // They are there again: what waited for them need not wait longer.
    const isMended = this.#failing.delete(recipient)
    if (isMended && this.#heldOf(recipient) === undefined) await this.#rows.hasten(recipient)
  }

  async #settleFailure(message: OutboxMessage, error: unknown): Promise<void> {
    const { clock, log } = this.#options
    const { id, topic, recipient, createdAt } = message
    const now = clock.now()
    const reason = isLarderError(error) ? error.message : 'An error that nobody foresaw; the log has more.'
    const isOld = now.getTime() - createdAt.getTime() >= giveUpMs
    if (!mayPass(error) || isOld) {
      log.warn('a message is given up', { topic, error })
      return this.#rows.settle(id, 'abandoned', reason)
    }
    this.#failing.add(recipient)
    log.debug('a message could not be sent yet', { topic, error })
    await this.#rows.postpone(id, { notBefore: new Date(now.getTime() + this.#delayMs(message)), reason })
    const wish = error.context['retryAfterMs']
    if (typeof wish !== 'number') return
    const until = new Date(now.getTime() + Math.min(wish, longestWishMs))
    this.#heldUntil.set(recipient, until)
    await this.#rows.hold(recipient, until)
  }

  /** Twice as long each time, and between half and all of that, so that those who failed together do not come together. */
  #delayMs({ attempts }: OutboxMessage): number {
    const { random = byChance } = this.#options
    return Math.min(firstDelayMs * 2 ** attempts, longestDelayMs) * (0.5 + random() / 2)
  }
}

const byChance = (): number => randomInt(2 ** 32) / 2 ** 32

/** A token may be given the rights that it lacks. */
function mayPass(error: unknown): error is LarderError {
  if (!isLarderError(error)) return false
  const { status } = error.context
  return error.retryable || (error.code === 'FORGE_REFUSED' && (status === 401 || status === 403))
}
