import { LarderError } from '../core/index.ts'

/** Lets in `perHost` transfers for each host and `total` in all, in order of arrival. */
export class Slots {
  readonly #perHost: number
  readonly #total: number
  readonly #active = new Map<string, number>()
  #activeTotal = 0
  readonly #waiting: { host: string; enter: () => void }[] = []

  constructor(limits: { perHost: number; total: number }) {
    this.#perHost = limits.perHost
    this.#total = limits.total
  }

  /** Resolves to the function that gives the slot back. CANCELLED. */
  async acquire(host: string, signal: AbortSignal): Promise<() => void> {
    throwIfAborted(signal)
    if (!this.#isFree(host)) await this.#wait(host, signal)
    else this.#enter(host)
    let held = true
    return () => {
      if (!held) return
      held = false
      this.#leave(host)
    }
  }

  #wait(host: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const entry = {
        host,
        enter: () => {
          signal.removeEventListener('abort', leave)
          resolve()
        },
      }
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(entry), 1)
        reject(cancelled(signal))
      }
      signal.addEventListener('abort', leave, { once: true })
      this.#waiting.push(entry)
    })
  }

  #isFree(host: string): boolean {
    return this.#activeTotal < this.#total && (this.#active.get(host) ?? 0) < this.#perHost
  }

  #enter(host: string): void {
    this.#activeTotal++
    this.#active.set(host, (this.#active.get(host) ?? 0) + 1)
  }

  #leave(host: string): void {
    this.#activeTotal--
    const left = (this.#active.get(host) ?? 1) - 1
    if (left === 0) this.#active.delete(host)
    else this.#active.set(host, left)
    const next = this.#waiting.findIndex((entry) => this.#isFree(entry.host))
    if (next === -1) return
    const [entry] = this.#waiting.splice(next, 1)
    this.#enter(entry!.host)
    entry!.enter()
  }
}

/** CANCELLED, unless the signal was aborted with an error of ours. */
export function cancelled(signal: AbortSignal): LarderError {
  if (signal.reason instanceof LarderError) return signal.reason
  return new LarderError('CANCELLED', { message: 'the transfer was stopped', cause: signal.reason })
}

export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw cancelled(signal)
}
