import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { LarderError } from '../core/index.ts'
import type { RunStore } from './run-store.ts'
import { RunnerBench } from './testing/runner-bench.ts'

let bench: RunnerBench

beforeEach(async () => {
  bench = await RunnerBench.open()
})

afterEach(() => bench.close())

describe('what may pass', () => {
  test('is tried again, with what was staged kept', async () => {
    let failures = 2
    bench.fake.before = (step, subject) => {
      if (step !== 'stage' || subject !== 'b' || failures-- <= 0) return Promise.resolve()
      return Promise.reject(new LarderError('FETCH_UNREACHABLE', { message: 'no answer' }))
    }
    bench.runner = bench.createRunner({ retryDelayMs: 1 })
    await bench.apply('two')
    await bench.runner.start()
    await expect.poll(async () => (await bench.runs.get(1)).state).toBe('succeeded')
    expect(bench.fake.calls.filter((call) => call === 'stage a')).toHaveLength(1)
    expect(bench.fake.calls.filter((call) => call === 'stage b')).toHaveLength(3)
    expect((await bench.runs.readLog(1, 0)).map((line) => line.message).join('\n')).toContain('Trying again')
  })

  test('is begun ever more seldom while the disk is full, however often somebody wakes it', async () => {
    await bench.apply('one')
    let attempts = 0
    const isFull = (): boolean => attempts < 4
    const begin: RunStore['start'] = (id) => {
      attempts++
      return isFull() ? Promise.reject(new LarderError('DISK_FULL', { message: 'full' })) : bench.runs.start(id)
    }
    const pauses: number[] = []
    const realTimeout = globalThis.setTimeout
    const timeouts = vi.spyOn(globalThis, 'setTimeout').mockImplementation((work: () => void, ms?: number) => {
      if (ms !== undefined && ms >= 1000) pauses.push(ms)
      return realTimeout(work, ms === undefined || ms >= 1000 ? 5 : ms)
    })
    try {
      bench.runner = bench.createRunner({ runs: { ...bench.runs, start: begin }, retryDelayMs: 1000 })
      await bench.runner.start()
      for (let looks = 0; looks < 2000 && bench.fake.visible.size === 0; looks++) {
        for (let wakes = 0; wakes < 10; wakes++) bench.runner.wake()
        await new Promise((resolve) => realTimeout(resolve, 1))
      }
    } finally {
      timeouts.mockRestore()
    }
    expect([attempts, pauses]).toEqual([4, [1000, 2000, 4000]])
  })

  test('is taken up again when its end could not be written down', async () => {
    await bench.apply('one')
    let refusals = 3
    const full = (): Promise<never> => Promise.reject(new LarderError('DISK_FULL', { message: 'full' }))
    const finish: RunStore['finish'] = (...input) => (refusals-- > 0 ? full() : bench.runs.finish(...input))
    const retryDelayMs = 1
    bench.runner = bench.createRunner({ runs: { ...bench.runs, finish }, retryDelayMs })
    await bench.runner.start()
    await expect.poll(async () => (await bench.runs.get(1)).state).toBe('succeeded')
  })

  test('is given up after the last attempt', async () => {
    bench.fake.before = () => Promise.reject(new LarderError('FETCH_UNREACHABLE', { message: 'no answer' }))
    bench.runner = bench.createRunner({ retryDelayMs: 1, attempts: 3 })
    await bench.apply('one')
    await bench.runner.start()
    await expect.poll(async () => (await bench.runs.get(1)).state).toBe('failed')
    expect((await bench.runs.get(1)).attempts).toBe(3)
  })

  test('waits without holding up what comes after it', async () => {
    bench.fake.before = (_step, subject) =>
      subject === 'a'
        ? Promise.reject(new LarderError('FETCH_UNREACHABLE', { message: 'no answer' }))
        : Promise.resolve()
    bench.runner = bench.createRunner({ retryDelayMs: 3600_000 })
    await bench.apply('one')
    bench.fake.visible.add('none')
    await bench.work()
    expect((await bench.runs.get(1)).state).toBe('waiting')
    bench.commits['b-only'] = 'site: lab\nwords: [b]\n'
    await bench.apply('b-only')
    bench.runner.wake()
    await bench.runner.idle()
    expect((await bench.runs.get(2)).state).toBe('succeeded')
  })

  test('is not done after a newer commit, which it would undo', async () => {
    let isDown = true
    bench.fake.before = (step) =>
      isDown && step === 'stage'
        ? Promise.reject(new LarderError('FETCH_UNREACHABLE', { message: 'no answer' }))
        : Promise.resolve()
    bench.runner = bench.createRunner({ retryDelayMs: 3600_000 })
    await bench.apply('one')
    await bench.work()
    expect(await bench.runs.get(1)).toMatchObject({ state: 'waiting', attempts: 1 })
    isDown = false
    await bench.apply('two')
    bench.runner.wake()
    await bench.runner.idle()
    expect((await bench.runs.list({ limit: 9 })).map((run) => run.state)).toEqual(['succeeded', 'superseded'])
  })
})
