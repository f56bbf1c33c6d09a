import type { Clock } from '../../core/index.ts'

export interface Stopwatch {
  /** Does the work and tells how long it took. */
  time<T>(name: string, work: () => Promise<T>): Promise<T>
  steps(): { name: string; ms: number }[]
  /** `12.3 s` since the watch was made. */
  total(): string
}

export function createStopwatch(clock: Clock, tell: (line: string) => void): Stopwatch {
  const begun = clock.monotonicMs()
  const steps: { name: string; ms: number }[] = []
  return {
    async time(name, work) {
      const start = clock.monotonicMs()
      const value = await work()
      const ms = Math.round(clock.monotonicMs() - start)
      steps.push({ name, ms })
      tell(`${seconds(ms).padStart(8)}  ${name}`)
      return value
    },
    steps: () => [...steps],
    total: () => seconds(clock.monotonicMs() - begun),
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`
}
