import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { SiteFiles } from '../core/index.ts'
import { RunnerBench } from './testing/runner-bench.ts'

let bench: RunnerBench

beforeEach(async () => {
  bench = await RunnerBench.open()
})

afterEach(() => bench.close())

describe('a run that is cancelled while it waits', () => {
  test('does not start, and does not keep others from starting', async () => {
    await bench.apply('one')
    await bench.apply('two')
    const next = bench.runs.next.bind(bench.runs)
    let first = true
    bench.runs.next = async (scope, limit) => {
      const found = await next(scope, limit)
      if (first && scope.goal === 'apply') await bench.runner.cancel(1)
      first &&= scope.goal !== 'apply'
      return found
    }
    await bench.work()
    expect((await bench.runs.list({ limit: 9 })).map((run) => run.state)).toEqual(['succeeded', 'cancelled'])
  })
})

describe('a run that is interrupted', () => {
  /** Resolves when a stage has begun, which then waits for its end. */
  const holdStage = (): Promise<void> =>
    new Promise((begun) => {
      bench.fake.before = (step, _subject, signal) =>
        new Promise((resolve, reject) => {
          if (step !== 'stage') {
            resolve()
            return
          }
          signal.addEventListener('abort', () => reject(signal.reason as Error))
          begun()
        })
    })

  test('by cancel ends as cancelled', async () => {
    const begun = holdStage()
    await bench.apply('one')
    await bench.runner.start()
    await begun
    await bench.runner.cancel(1)
    await bench.runner.idle()
    expect(await bench.runs.get(1)).toMatchObject({ state: 'cancelled', error: { code: 'CANCELLED' } })
    await expect(bench.runner.cancel(1)).rejects.toMatchObject({ code: 'RUN_STATE' })
  })

  test('by cancel ends also while its files are being opened, which are closed when they come', async () => {
    const opening = Promise.withResolvers<undefined>()
    const files = Promise.withResolvers<SiteFiles & { close(): void }>()
    let isClosed = false
    bench.runner = bench.createRunner({
      openFiles: () => {
        opening.resolve(undefined)
        return files.promise
      },
    })
    await bench.apply('one')
    await bench.runner.start()
    await opening.promise
    await bench.runner.cancel(1)
    await bench.runner.idle()
    expect(await bench.runs.get(1)).toMatchObject({ state: 'cancelled', error: { code: 'CANCELLED' } })
    files.resolve({ close: () => (isClosed = true) } as unknown as SiteFiles & { close(): void })
    await expect.poll(() => isClosed).toBe(true)
  })

  test('by a stop waits for the next start', async () => {
    const begun = holdStage()
    await bench.apply('one')
    await bench.runner.start()
    await begun
    await bench.runner.stop()
    expect((await bench.runs.get(1)).state).toBe('waiting')
    bench.fake.before = () => Promise.resolve()
    bench.runner = bench.createRunner()
    await bench.work()
    expect((await bench.runs.get(1)).state).toBe('succeeded')
  })

  test('by a kill goes on at the next start from what it had staged', async () => {
    await bench.apply('two')
    bench.fake.before = (step) => (step === 'switch' ? new Promise(() => {}) : Promise.resolve())
    await bench.runner.start()
    await expect.poll(() => bench.fake.calls).toContain('switch a')
    // The process is gone here; another one starts on the same database.
    bench.fake.calls = []
    bench.fake.before = () => Promise.resolve()
    const second = bench.createRunner()
    await second.start()
    await second.idle()
    expect(bench.fake.calls).toEqual(['switch a', 'switch b', 'verify a', 'verify b'])
    expect((await bench.runs.get(1)).state).toBe('succeeded')
    bench.runner = second
  })

  test('by its time limit fails', async () => {
    const begun = holdStage()
    bench.runner = bench.createRunner({ timeoutMs: 2000 })
    await bench.apply('one')
    await bench.runner.start()
    // A machine that stands still may take longer to begin: then the time is over before.
    await Promise.race([begun, bench.runner.idle()])
    await bench.runner.idle()
    expect(await bench.runs.get(1)).toMatchObject({ state: 'failed', error: { code: 'RUN_TIMEOUT' } })
  })
})
