import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../core/index.ts'
import { openDatabase, setSetting, type State } from '../state/index.ts'
import { createPullRequestStore } from './pull-request-store.ts'
import { createRunStore, type RunStore } from './run-store.ts'

let state: State
let runs: RunStore

beforeEach(async () => {
  state = await openDatabase({ path: ':memory:', clock: systemClock })
  runs = createRunStore(state, systemClock)
})
afterEach(() => state.close())

const apply = () => runs.create({ branch: 'main', commit: 'c0ffee', goal: 'apply', origin: 'test' })

test('an unknown run is an error that says so', async () => {
  await expect(runs.get(7)).rejects.toMatchObject({ code: 'RUN_UNKNOWN' })
})

test('a finished run cannot start', async () => {
  await apply()
  await runs.start(1)
  await runs.finish(1, { state: 'succeeded' })
  await expect(runs.start(1)).rejects.toMatchObject({ code: 'RUN_STATE' })
})

test('only a run that waits is cancelled as one that waits', async () => {
  await apply()
  await apply()
  await runs.start(1)
  expect([await runs.cancelWaiting(1), await runs.cancelWaiting(2), await runs.cancelWaiting(3)]).toEqual([
    false,
    true,
    false,
  ])
  expect((await runs.list({ limit: 9 })).map(({ state: one }) => one)).toEqual(['cancelled', 'running'])
  await expect(runs.start(2)).rejects.toMatchObject({ code: 'RUN_STATE' })
})

test('a start supersedes older applies of its branch that wait, and nothing else', async () => {
  await apply()
  await runs.create({ branch: 'topic', commit: 'c0ffee', goal: 'plan', origin: 'test' })
  await apply()
  await apply()
  await runs.start(3)
  expect((await runs.list({ limit: 9 })).map(({ state: one }) => one)).toEqual([
    'waiting',
    'running',
    'waiting',
    'superseded',
  ])
})

test('what a run is about comes with it, and is known by its number alone', async () => {
  const about = { branch: 'main', commit: 'c0ffee', goal: 'apply', origin: 'test', sections: ['machines'] } as const
  const only = { machines: ['web-1'] }
  expect(await runs.create({ ...about, only })).toMatchObject({ sections: ['machines'], only })
  expect((await apply()).only).toBeUndefined()
  expect(await runs.list({ limit: 9 })).toMatchObject([{ only: undefined }, { only }])
  expect([await runs.limitOf(1), await runs.limitOf(2), await runs.limitOf(3)]).toEqual([only, undefined, undefined])
})

test('what runs of an earlier version are about is kept', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'larder-runs-'))
  try {
    const migrations = join(import.meta.dirname, '../state/migrations')
    const earlier = (path: string): boolean => !/\/00(?:1[5-9]|[2-9])/.test(path)
    await cp(migrations, join(folder, 'migrations'), { recursive: true, filter: earlier })
    const path = join(folder, 'larder.db')
    const old = await openDatabase({ path, clock: systemClock, migrationsFolder: join(folder, 'migrations') })
    const run = {
      branch: 'main',
      commit_id: 'c0ffee',
      goal: 'apply',
      state: 'waiting',
      origin: 'test',
      attempts: 0,
    } as const
    const rows = ['["machines"]', '["services"]', null].map((sections) => ({
      ...run,
      created_at: '2026-01-01',
      sections,
    }))
    await old.db.insertInto('runs').values(rows).execute()
    await setSetting(old, 'machines/limits', '[[1,["web-1","web-2"]]]')
    await setSetting(old, 'services/restarts', '[[2,["counter"]]]')
    await old.close()
    const now = await openDatabase({ path, clock: systemClock })
    const asked = createRunStore(now, systemClock)
    expect(await Promise.all([1, 2, 3].map((id) => asked.limitOf(id)))).toEqual([
      { machines: ['web-1', 'web-2'] },
      { restart: 'counter' },
      undefined,
    ])
    await now.close()
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('steps and log lines are numbered from 1 and come back in order', async () => {
  await apply()
  const step = await runs.beginStep(1, 'plan')
  await runs.endStep(1, step, { state: 'done', result: { staged: [1] } })
  await runs.beginStep(1, 'stage')
  expect(await runs.steps(1)).toMatchObject([
    { number: 1, name: 'plan', state: 'done', result: { staged: [1] } },
    { number: 2, name: 'stage', state: 'running' },
  ])
  await runs.log(1, ['a', 'b'])
  await runs.log(1, [])
  await runs.log(1, ['c'])
  expect((await runs.readLog(1, 1)).map(({ number, message }) => [number, message])).toEqual([
    [2, 'b'],
    [3, 'c'],
  ])
})

test('a log of more lines than one statement can bind is kept whole', async () => {
  await apply()
  await runs.log(
    1,
    Array.from({ length: 12_000 }, (_, index) => `line ${index}`),
  )
  expect(await runs.readLog(1, 0)).toHaveLength(12_000)
})

test('a run of some sections replaces no apply of the whole site, nor stands for one', async () => {
  await apply()
  const sections = ['machines']
  const partial = () => runs.create({ branch: 'main', commit: 'c0ffee', goal: 'apply', origin: 'test', sections })
  expect(await partial()).toMatchObject({ id: 2, sections })
  await runs.start(2)
  expect((await runs.waiting()).map(({ id }) => id)).toEqual([1])
  expect((await runs.latest('main', 'apply'))?.id).toBe(1)
  await partial()
  await apply()
  await runs.start(4)
  expect((await runs.get(3)).state).toBe('superseded')
})

test('recover puts back what was under way and closes its steps', async () => {
  await apply()
  await runs.start(1)
  await runs.beginStep(1, 'plan')
  expect(await runs.recover()).toBe(1)
  expect((await runs.get(1)).state).toBe('waiting')
  expect(await runs.steps(1)).toMatchObject([{ state: 'failed' }])
})

test('prune keeps the newest, and what is not finished', async () => {
  for (let count = 0; count < 5; count++) await apply()
  await runs.log(2, ['gone with its run'])
  for (const id of [1, 2, 4, 5]) await runs.finish(id, { state: 'succeeded' })
  await runs.prune(2)
  expect((await runs.list({ limit: 10 })).map(({ id }) => id)).toEqual([5, 4, 3])
  expect(await runs.readLog(2, 0)).toEqual([])
})

test('prune keeps a run whose preview can be tried', async () => {
  for (let count = 0; count < 4; count++) await apply()
  for (const id of [1, 2, 3, 4]) await runs.finish(id, { state: 'succeeded' })
  const [sealed_at, expires_at] = ['2030-01-01T00:00:00.000Z', '2030-01-08T00:00:00.000Z']
  const about = {
    mirror: 'base',
    format: 'apt',
    key_kind: 'ed25519',
    tree: 'sha256:0',
    meta: '{}',
    size_bytes: 0,
  } as const
  await state.db
    .insertInto('previews')
    .values({ run_id: 2, ...about, sealed_at, expires_at })
    .execute()
  await runs.prune(1)
  expect((await runs.list({ limit: 10 })).map(({ id }) => id)).toEqual([4, 2])
})

test('prune keeps what was done last about a branch or an open pull request', async () => {
  const pulls = createPullRequestStore(state, { forge: 'github', repository: 'campus/site' })
  const about = { title: '', author: '', head: 'topic', headCommit: 'a'.repeat(40), base: 'main', fromFork: false }
  await pulls.put({ ...about, number: 7, state: 'open', updatedAt: new Date(1) })
  await pulls.put({ ...about, number: 8, state: 'merged', updatedAt: new Date(1) })
  const plan = (pullRequest: number) =>
    runs.create({ branch: 'topic', commit: 'c0ffee', goal: 'plan', origin: 'test', pullRequest })
  const develop = () => runs.create({ branch: 'develop', commit: 'c0ffee', goal: 'apply', origin: 'test' })
  for (const create of [() => plan(7), () => plan(8), develop, develop, () => plan(7), apply, apply, apply]) {
    const { id } = await create()
    await runs.start(id)
    await runs.finish(id, { state: 'succeeded' })
  }
  await runs.prune(2)
  expect((await runs.list({ limit: 9 })).map(({ id }) => id)).toEqual([8, 7, 5, 4])
})

test('list pages backwards and filters', async () => {
  for (let count = 0; count < 5; count++) await apply()
  await runs.finish(2, { state: 'failed' })
  expect((await runs.list({ limit: 2, before: 4 })).map(({ id }) => id)).toEqual([3, 2])
  expect((await runs.list({ limit: 9, state: 'failed' })).map(({ id }) => id)).toEqual([2])
})

test('the newest run of each pull request, but for those that were superseded', async () => {
  const plan = (pullRequest: number, branch = `topic${pullRequest}`) =>
    runs.create({ branch, commit: 'c0ffee', goal: 'plan', origin: 'test', pullRequest, baseCommit: 'base' })
  for (const number of [7, 8, 7, 9]) await plan(number)
  await runs.cancelWaiting(3)
  await plan(9)
  await apply()
  const found = await runs.latestOfPullRequests([9, 7, 5, 8])
  expect([...found].map(([number, { id }]) => [number, id]).sort()).toEqual([
    [7, 3],
    [8, 2],
    [9, 5],
  ])
  expect(await runs.latestOfPullRequests([])).toEqual(new Map())
})

test('the next of a scope: what is trusted first, then the oldest, and no more than asked for', async () => {
  const trusts = ['untrusted', 'trusted', 'untrusted', 'trusted'] as const
  for (const [index, trust] of trusts.entries())
    await runs.create({ branch: `b${index}`, commit: 'c0ffee', goal: 'plan', origin: 'test', trust })
  await apply()
  const ids = async (limit: number) => (await runs.next({ goal: 'plan' }, limit)).map(({ id }) => id)
  expect([await ids(9), await ids(1)]).toEqual([[2, 4, 1, 3], [2]])
  await runs.start(2)
  expect(await ids(9)).toEqual([4, 1, 3])
})

test('lanes of branches: each has its own that come next, and takes up its own alone', async () => {
  const of = (branch: string) => runs.create({ branch, commit: 'c0ffee', goal: 'apply', origin: 'test' })
  for (const branch of ['main', 'develop', 'main', 'develop']) await of(branch)
  await runs.create({ branch: 'topic', commit: 'c0ffee', goal: 'plan', origin: 'test' })
  const ids = async (branch: string) => (await runs.next({ goal: 'apply', branch }, 9)).map(({ id }) => id)
  expect((await runs.branchesToApply()).sort()).toEqual(['develop', 'main'])
  expect([await ids('main'), await ids('develop'), await ids('topic')]).toEqual([[1, 3], [2, 4], []])
  await runs.start(1)
  await runs.start(2)
  const step = await runs.beginStep(2, 'stage')
  expect(await runs.recover({ goal: 'apply', branch: 'main' })).toBe(1)
  expect([(await runs.get(1)).state, (await runs.get(2)).state]).toEqual(['waiting', 'running'])
  expect(await runs.steps(2)).toMatchObject([{ number: step, state: 'running' }])
})
