import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { LarderError, silentLog, systemClock, type SiteFiles } from '../core/index.ts'
import { memoryFiles } from '../core/testing/memory-files.ts'
import { openDatabase, type State } from '../state/index.ts'
import { createRunner, type Runner, type RunnerOptions } from './runner.ts'
import { createRunStore, type RunStore } from './run-store.ts'
import { createFakeKind, type FakeKind } from './testing/fake-kind.ts'

let state: State
let runs: RunStore
let fake: FakeKind
let runner: Runner

/** What the site says, by commit. */
const commits: Record<string, string> = {
  one: 'site: lab\nwords: [a]\n',
  two: 'site: lab\nwords: [a, b]\n',
  broken: 'site: lab\nwrods: [a]\n',
}

const openCommit = (commit: string): Promise<SiteFiles & { close(): void }> =>
  Promise.resolve(memoryFiles({ 'larder.yaml': commits[commit] ?? '' }))

const start = (options: Partial<RunnerOptions> = {}): Runner =>
  createRunner({
    runs,
    kinds: [fake.kind],
    openFiles: (run) => openCommit(run.commit),
    clock: systemClock,
    log: silentLog,
    ...options,
  })

const apply = (commit: string) => runs.create({ branch: 'main', commit, goal: 'apply', origin: 'test' })

beforeEach(async () => {
  state = await openDatabase({ path: ':memory:', clock: systemClock })
  runs = createRunStore(state, systemClock)
  fake = createFakeKind()
  runner = start()
})

afterEach(async () => {
  await runner.stop()
  await state.close()
})

async function work(): Promise<void> {
  await runner.start()
  await runner.idle()
}

describe('an apply', () => {
  test('stages everything, then switches everything, then verifies', async () => {
    await apply('two')
    await work()
    expect(fake.calls).toEqual(['stage a', 'stage b', 'switch a', 'switch b', 'verify a', 'verify b'])
    expect(await runs.get(1)).toMatchObject({ state: 'succeeded', plan: [{ subject: 'a' }, { subject: 'b' }] })
  })

  test('runs in the order of creation', async () => {
    await apply('one')
    await apply('two')
    await work()
    expect(fake.calls).toEqual(['stage a', 'switch a', 'verify a', 'stage b', 'switch b', 'verify b'])
  })

  test('switches nothing when a stage fails', async () => {
    fake.before = (step, subject) =>
      step === 'stage' && subject === 'b'
        ? Promise.reject(new LarderError('SIGNATURE_BAD', { message: 'forged' }))
        : Promise.resolve()
    await apply('two')
    await work()
    expect(fake.visible.size).toBe(0)
    expect(await runs.get(1)).toMatchObject({ state: 'failed', error: { code: 'SIGNATURE_BAD' }, attempts: 1 })
  })

  test('fails when what was switched is not right', async () => {
    fake.findings = [{ severity: 'error', subject: 'a', message: 'it is not there' }]
    await apply('one')
    await work()
    expect((await runs.get(1)).error).toMatchObject({
      code: 'VERIFY_FAILED',
      message: expect.stringContaining('not there'),
    })
  })

  test('has said all that it says when its end is known, so that who follows it misses nothing', async () => {
    fake.before = () => Promise.reject(new LarderError('SIGNATURE_BAD', { message: 'forged' }))
    const known: string[][] = []
    const finish: RunStore['finish'] = async (id, end) => {
      known.push((await runs.readLog(id, 0)).map(({ message }) => message))
      return runs.finish(id, end)
    }
    runner = start({ runs: { ...runs, finish } })
    await apply('one')
    await work()
    expect(known).toEqual([(await runs.readLog(1, 0)).map(({ message }) => message)])
    expect(known[0]?.at(-1)).toBe('failed: forged.')
  })

  test('tells every problem of an invalid site', async () => {
    await apply('broken')
    await work()
    const { state: outcome, error } = await runs.get(1)
    expect(outcome).toBe('failed')
    expect(error).toMatchObject({ code: 'SITE_INVALID', context: { problems: [{ line: 2, suggestion: 'words' }] } })
  })
})

describe('what may pass', () => {
  test('is tried again, with what was staged kept', async () => {
    let failures = 2
    fake.before = (step, subject) => {
      if (step !== 'stage' || subject !== 'b' || failures-- <= 0) return Promise.resolve()
      return Promise.reject(new LarderError('FETCH_UNREACHABLE', { message: 'no answer' }))
    }
    runner = start({ retryDelayMs: 1 })
    await apply('two')
    await runner.start()
    await expect.poll(async () => (await runs.get(1)).state).toBe('succeeded')
    expect(fake.calls.filter((call) => call === 'stage a')).toHaveLength(1)
    expect(fake.calls.filter((call) => call === 'stage b')).toHaveLength(3)
    expect((await runs.readLog(1, 0)).map((line) => line.message).join('\n')).toContain('Trying again')
  })

  test('is begun ever more seldom while the disk is full, however often somebody wakes it', async () => {
    await apply('one')
    let attempts = 0
    const isFull = (): boolean => attempts < 4
    const begin: RunStore['start'] = (id) => {
      attempts++
      return isFull() ? Promise.reject(new LarderError('DISK_FULL', { message: 'full' })) : runs.start(id)
    }
    const pauses: number[] = []
    const realTimeout = globalThis.setTimeout
    const timeouts = vi.spyOn(globalThis, 'setTimeout').mockImplementation((work: () => void, ms?: number) => {
      if (ms !== undefined && ms >= 1000) pauses.push(ms)
      return realTimeout(work, ms === undefined || ms >= 1000 ? 5 : ms)
    })
    try {
      runner = start({ runs: { ...runs, start: begin }, retryDelayMs: 1000 })
      await runner.start()
      for (let looks = 0; looks < 2000 && fake.visible.size === 0; looks++) {
        for (let wakes = 0; wakes < 10; wakes++) runner.wake()
        await new Promise((resolve) => realTimeout(resolve, 1))
      }
    } finally {
      timeouts.mockRestore()
    }
    expect([attempts, pauses]).toEqual([4, [1000, 2000, 4000]])
  })

  test('is taken up again when its end could not be written down', async () => {
    await apply('one')
    let refusals = 3
    const full = (): Promise<never> => Promise.reject(new LarderError('DISK_FULL', { message: 'full' }))
    const finish: RunStore['finish'] = (...input) => (refusals-- > 0 ? full() : runs.finish(...input))
    const retryDelayMs = 1
    runner = start({ runs: { ...runs, finish }, retryDelayMs })
    await runner.start()
    await expect.poll(async () => (await runs.get(1)).state).toBe('succeeded')
  })

  test('is given up after the last attempt', async () => {
    fake.before = () => Promise.reject(new LarderError('FETCH_UNREACHABLE', { message: 'no answer' }))
    runner = start({ retryDelayMs: 1, attempts: 3 })
    await apply('one')
    await runner.start()
    await expect.poll(async () => (await runs.get(1)).state).toBe('failed')
    expect((await runs.get(1)).attempts).toBe(3)
  })

  test('waits without holding up what comes after it', async () => {
    fake.before = (_step, subject) =>
      subject === 'a'
        ? Promise.reject(new LarderError('FETCH_UNREACHABLE', { message: 'no answer' }))
        : Promise.resolve()
    runner = start({ retryDelayMs: 3600_000 })
    await apply('one')
    fake.visible.add('none')
    await work()
    expect((await runs.get(1)).state).toBe('waiting')
    commits['b-only'] = 'site: lab\nwords: [b]\n'
    await apply('b-only')
    runner.wake()
    await runner.idle()
    expect((await runs.get(2)).state).toBe('succeeded')
  })

  test('is not done after a newer commit, which it would undo', async () => {
    let isDown = true
    fake.before = (step) =>
      isDown && step === 'stage'
        ? Promise.reject(new LarderError('FETCH_UNREACHABLE', { message: 'no answer' }))
        : Promise.resolve()
    runner = start({ retryDelayMs: 3600_000 })
    await apply('one')
    await work()
    expect(await runs.get(1)).toMatchObject({ state: 'waiting', attempts: 1 })
    isDown = false
    await apply('two')
    runner.wake()
    await runner.idle()
    expect((await runs.list({ limit: 9 })).map((run) => run.state)).toEqual(['succeeded', 'superseded'])
  })
})

describe('a run that is cancelled while it waits', () => {
  test('does not start, and does not keep others from starting', async () => {
    await apply('one')
    await apply('two')
    const next = runs.next.bind(runs)
    let first = true
    runs.next = async (scope, limit) => {
      const found = await next(scope, limit)
      if (first && scope.goal === 'apply') await runner.cancel(1)
      first &&= scope.goal !== 'apply'
      return found
    }
    await work()
    expect((await runs.list({ limit: 9 })).map((run) => run.state)).toEqual(['succeeded', 'cancelled'])
  })
})

describe('a run that is interrupted', () => {
  /** Resolves when a stage has begun, which then waits for its end. */
  const holdStage = (): Promise<void> =>
    new Promise((begun) => {
      fake.before = (step, _subject, signal) =>
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
    await apply('one')
    await runner.start()
    await begun
    await runner.cancel(1)
    await runner.idle()
    expect(await runs.get(1)).toMatchObject({ state: 'cancelled', error: { code: 'CANCELLED' } })
    await expect(runner.cancel(1)).rejects.toMatchObject({ code: 'RUN_STATE' })
  })

  test('by cancel ends also while its files are being opened, which are closed when they come', async () => {
    const opening = Promise.withResolvers<undefined>()
    const files = Promise.withResolvers<SiteFiles & { close(): void }>()
    let isClosed = false
    runner = start({
      openFiles: () => {
        opening.resolve(undefined)
        return files.promise
      },
    })
    await apply('one')
    await runner.start()
    await opening.promise
    await runner.cancel(1)
    await runner.idle()
    expect(await runs.get(1)).toMatchObject({ state: 'cancelled', error: { code: 'CANCELLED' } })
    files.resolve({ close: () => (isClosed = true) } as unknown as SiteFiles & { close(): void })
    await expect.poll(() => isClosed).toBe(true)
  })

  test('by a stop waits for the next start', async () => {
    const begun = holdStage()
    await apply('one')
    await runner.start()
    await begun
    await runner.stop()
    expect((await runs.get(1)).state).toBe('waiting')
    fake.before = () => Promise.resolve()
    runner = start()
    await work()
    expect((await runs.get(1)).state).toBe('succeeded')
  })

  test('by a kill goes on at the next start from what it had staged', async () => {
    await apply('two')
    fake.before = (step) => (step === 'switch' ? new Promise(() => {}) : Promise.resolve())
    await runner.start()
    await expect.poll(() => fake.calls).toContain('switch a')
    // The process is gone here; another one starts on the same database.
    fake.calls = []
    fake.before = () => Promise.resolve()
    const second = start()
    await second.start()
    await second.idle()
    expect(fake.calls).toEqual(['switch a', 'switch b', 'verify a', 'verify b'])
    expect((await runs.get(1)).state).toBe('succeeded')
    runner = second
  })

  test('by its time limit fails', async () => {
    const begun = holdStage()
    runner = start({ timeoutMs: 2000 })
    await apply('one')
    await runner.start()
    // A machine that stands still may take longer to begin: then the time is over before.
    await Promise.race([begun, runner.idle()])
    await runner.idle()
    expect(await runs.get(1)).toMatchObject({ state: 'failed', error: { code: 'RUN_TIMEOUT' } })
  })
})

describe('plans', () => {
  const plan = (commit: string) => runs.create({ branch: 'topic', commit, goal: 'plan', origin: 'test' })

  test('change nothing', async () => {
    await plan('two')
    await work()
    expect(fake.calls).toEqual([])
    expect((await runs.get(1)).plan).toHaveLength(2)
  })

  test('that wait are superseded by a newer commit of the branch; applies never are', async () => {
    await apply('one')
    await plan('one')
    await plan('two')
    await apply('two')
    const states = (await runs.list({ limit: 10 })).map((run) => [run.id, run.state])
    expect(states).toEqual([
      [4, 'waiting'],
      [3, 'waiting'],
      [2, 'superseded'],
      [1, 'waiting'],
    ])
  })
})

test('no plan, however long it takes, holds up an apply; and what somebody vouched for is planned first', async () => {
  const begun: number[] = []
  const held = Promise.withResolvers<undefined>()
  runner = start({
    openFiles: async (run) => {
      begun.push(run.id)
      if (run.id === 1) await held.promise
      return openCommit(run.commit)
    },
  })
  const plan = (branch: string, trust: 'trusted' | 'untrusted') =>
    runs.create({
      branch,
      commit: 'two',
      goal: 'plan',
      origin: 'test',
      trust,
      pullRequest: branch.length,
      baseCommit: 'one',
    })
  await plan('a', 'trusted')
  await runner.start()
  await plan('bb', 'untrusted')
  await plan('ccc', 'trusted')
  await apply('two')
  runner.wake()
  while ((await runs.get(4)).state !== 'succeeded') await systemClock.sleep(5)
  expect((await runs.get(1)).state).toBe('running')
  held.resolve(undefined)
  await runner.idle()
  expect(begun).toEqual([1, 4, 3, 2])
  expect((await runs.latestOfPullRequests([2, 9])).get(2)).toMatchObject({ id: 2, state: 'succeeded' })
})
