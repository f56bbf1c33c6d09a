import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { LarderError, systemClock } from '../core/index.ts'
import type { RunStore } from './run-store.ts'
import { RunnerBench } from './testing/runner-bench.ts'

let bench: RunnerBench

beforeEach(async () => {
  bench = await RunnerBench.open()
})

afterEach(() => bench.close())

describe('an apply', () => {
  test('stages everything, then switches everything, then verifies', async () => {
    await bench.apply('two')
    await bench.work()
    expect(bench.fake.calls).toEqual(['stage a', 'stage b', 'switch a', 'switch b', 'verify a', 'verify b'])
    expect(await bench.runs.get(1)).toMatchObject({ state: 'succeeded', plan: [{ subject: 'a' }, { subject: 'b' }] })
  })

  test('runs in the order of creation', async () => {
    await bench.apply('one')
    await bench.apply('two')
    await bench.work()
    expect(bench.fake.calls).toEqual(['stage a', 'switch a', 'verify a', 'stage b', 'switch b', 'verify b'])
  })

  test('switches nothing when a stage fails', async () => {
    bench.fake.before = (step, subject) =>
      step === 'stage' && subject === 'b'
        ? Promise.reject(new LarderError('SIGNATURE_BAD', { message: 'forged' }))
        : Promise.resolve()
    await bench.apply('two')
    await bench.work()
    expect(bench.fake.visible.size).toBe(0)
    expect(await bench.runs.get(1)).toMatchObject({ state: 'failed', error: { code: 'SIGNATURE_BAD' }, attempts: 1 })
  })

  test('fails when what was switched is not right', async () => {
    bench.fake.findings = [{ severity: 'error', subject: 'a', message: 'it is not there' }]
    await bench.apply('one')
    await bench.work()
    expect((await bench.runs.get(1)).error).toMatchObject({
      code: 'VERIFY_FAILED',
      message: expect.stringContaining('not there'),
    })
  })

  test('has said all that it says when its end is known, so that who follows it misses nothing', async () => {
    bench.fake.before = () => Promise.reject(new LarderError('SIGNATURE_BAD', { message: 'forged' }))
    const known: string[][] = []
    const finish: RunStore['finish'] = async (id, end) => {
      known.push((await bench.runs.readLog(id, 0)).map(({ message }) => message))
      return bench.runs.finish(id, end)
    }
    bench.runner = bench.createRunner({ runs: { ...bench.runs, finish } })
    await bench.apply('one')
    await bench.work()
    expect(known).toEqual([(await bench.runs.readLog(1, 0)).map(({ message }) => message)])
    expect(known[0]?.at(-1)).toBe('failed: forged.')
  })

  test('tells every problem of an invalid site', async () => {
    await bench.apply('broken')
    await bench.work()
    const { state: outcome, error } = await bench.runs.get(1)
    expect(outcome).toBe('failed')
    expect(error).toMatchObject({ code: 'SITE_INVALID', context: { problems: [{ line: 2, suggestion: 'words' }] } })
  })
})

describe('plans', () => {
  const plan = (commit: string) => bench.runs.create({ branch: 'topic', commit, goal: 'plan', origin: 'test' })

  test('change nothing', async () => {
    await plan('two')
    await bench.work()
    expect(bench.fake.calls).toEqual([])
    expect((await bench.runs.get(1)).plan).toHaveLength(2)
  })

  test('that wait are superseded by a newer commit of the branch; applies never are', async () => {
    await bench.apply('one')
    await plan('one')
    await plan('two')
    await bench.apply('two')
    const states = (await bench.runs.list({ limit: 10 })).map((run) => [run.id, run.state])
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
  bench.runner = bench.createRunner({
    openFiles: async (run) => {
      begun.push(run.id)
      if (run.id === 1) await held.promise
      return bench.openCommit(run.commit)
    },
  })
  const plan = (branch: string, trust: 'trusted' | 'untrusted') =>
    bench.runs.create({
      branch,
      commit: 'two',
      goal: 'plan',
      origin: 'test',
      trust,
      pullRequest: branch.length,
      baseCommit: 'one',
    })
  await plan('a', 'trusted')
  await bench.runner.start()
  await plan('bb', 'untrusted')
  await plan('ccc', 'trusted')
  await bench.apply('two')
  bench.runner.wake()
  while ((await bench.runs.get(4)).state !== 'succeeded') await systemClock.sleep(5)
  expect((await bench.runs.get(1)).state).toBe('running')
  held.resolve(undefined)
  await bench.runner.idle()
  expect(begun).toEqual([1, 4, 3, 2])
  expect((await bench.runs.latestOfPullRequests([2, 9])).get(2)).toMatchObject({ id: 2, state: 'succeeded' })
})
