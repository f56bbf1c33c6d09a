import type { Clock } from '../../core/index.ts'

/** How often what does not help is done again, and what is told once. */
export interface Patience {
  /** Whether it is time to heal the machine (again); counts as an attempt. */
  mayTry(machine: string): boolean
  /** Whether this was not told of the machine last. `wasGood`: it was as declared since, and so anything is news. */
  isNews(machine: string, why: string, wasGood?: boolean): boolean
  /** It was found as declared. */
  forget(machine: string): void
}

const longestMs = 6 * 3600_000

/**
 * The first attempt at once; then after `firstMs`, and after twice as long each time, up to six hours, until the machine is
 * found as declared: what changes a machine against Larder is not fought every minute.
 */
export function createPatience(clock: Clock, firstMs: number): Patience {
  const attempts = new Map<string, { count: number; notBefore: number }>()
  const told = new Map<string, string>()
  return {
    mayTry(machine) {
      const { count, notBefore } = attempts.get(machine) ?? { count: 0, notBefore: 0 }
      const now = clock.monotonicMs()
      if (now < notBefore) return false
      attempts.set(machine, { count: count + 1, notBefore: now + Math.min(firstMs * 2 ** count, longestMs) })
      return true
    },
    isNews(machine, why, wasGood = false) {
      if (told.get(machine) === why && !wasGood) return false
      told.set(machine, why)
      return true
    },
    forget(machine) {
      attempts.delete(machine)
      told.delete(machine)
    },
  }
}
