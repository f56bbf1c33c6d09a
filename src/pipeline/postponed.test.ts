import { afterEach, beforeEach, expect, test } from 'vitest'
import { LarderError, silentLog, systemClock, type ErrorCode } from '../core/index.ts'
import { memoryFiles } from '../core/testing/memory-files.ts'
import { openDatabase, type State } from '../state/index.ts'
import { planSite } from './plan-site.ts'
import { createRunner, type Runner } from './runner.ts'
import { createRunStore, type RunStore } from './run-store.ts'
import { createFakeKind, type FakeKind } from './testing/fake-kind.ts'

let state: State
let runs: RunStore
let fake: FakeKind
let runner: Runner
const files = memoryFiles({ 'larder.yaml': 'site: lab\nwords: [a, b, c]\n' })
const failure = (code: ErrorCode): LarderError => new LarderError(code, { message: 'not now.' })

beforeEach(async () => {
  state = await openDatabase({ path: ':memory:', clock: systemClock })
  runs = createRunStore(state, systemClock)
  fake = createFakeKind()
  const openFiles = () => Promise.resolve(files)
  const about = { runs, kinds: [fake.kind], openFiles, clock: systemClock, log: silentLog }
  runner = createRunner({ ...about, retryDelayMs: 1, attempts: 2 })
  await runs.create({ branch: 'main', commit: 'one', goal: 'apply', origin: 'test' })
})
afterEach(async () => {
  await runner.stop()
  await state.close()
})

async function work(): Promise<void> {
  await runner.start()
  while (['waiting', 'running'].includes((await runs.get(1)).state)) {
    await runner.idle()
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** The stage of a word fails so often. */
function failStage(word: string, code: ErrorCode, times: number): void {
  let left = times
  fake.before = (step, subject) =>
    step === 'stage' && subject === word && left-- > 0 ? Promise.reject(failure(code)) : Promise.resolve()
}

test('what cannot be staged now keeps the others from nothing, and is taken up again', async () => {
  failStage('b', 'FETCH_UNREACHABLE', 1)
  await work()
  const first = ['stage a', 'stage b', 'stage c', 'switch a', 'switch c', 'verify a', 'verify c']
  expect(fake.calls).toEqual([...first, 'stage b', 'switch b', 'verify b'])
  const run = await runs.get(1)
  expect(run).toMatchObject({ state: 'succeeded', attempts: 2 })
  // All that it did, by whichever attempt.
  expect(run.plan?.map(({ subject }) => subject)).toEqual(['a', 'c', 'b'])
  const log = (await runs.readLog(1, 0)).map(({ message }) => message)
  expect(log).toContain('b has to wait: not now.')
})

test('what never comes fails the run, and what is switched stays', async () => {
  failStage('a', 'FETCH_TOO_SLOW', 9)
  await work()
  expect([...fake.visible]).toEqual(['b', 'c'])
  const run = await runs.get(1)
  expect(run).toMatchObject({ state: 'failed', error: { code: 'FETCH_TOO_SLOW' }, attempts: 2 })
  expect(run.plan?.map(({ subject }) => subject)).toEqual(['b', 'c', 'a'])
})

test.each(['SIGNATURE_BAD', 'DISK_FULL', 'LEASE_LOST', 'CACHE_DAMAGED'] as const)(
  '%s is of the whole run: nothing is switched',
  async (code) => {
    failStage('c', code, 9)
    await work()
    expect([...fake.visible]).toEqual([])
    expect(await runs.get(1)).toMatchObject({ state: 'failed', error: { code } })
  },
)

test('what could not be looked at is left out of an apply, and fails a plan', async () => {
  const postponed = [{ subject: 'a', error: failure('FETCH_UNREACHABLE') }]
  const kind = { ...fake.kind, postponed: () => postponed }
  const signal = new AbortController().signal
  const progress = { log: () => {}, transfer: () => {} }
  const common = { files, clock: systemClock, progress, signal, runId: '1', freshForMs: 0, trust: 'trusted' } as const
  await expect(planSite(common, [kind])).rejects.toBe(postponed[0]?.error)
  const told: string[] = []
  const { plans } = await planSite(common, [kind], { onPostponed: ({ subject }) => told.push(subject) })
  expect(told).toEqual(['a'])
  expect(plans.flatMap(({ changes }) => changes)).toHaveLength(3)
})
