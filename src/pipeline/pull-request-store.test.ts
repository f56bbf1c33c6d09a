import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../core/index.ts'
import { openDatabase, type State } from '../state/index.ts'
import { createPullRequestStore, type NewsOfPullRequest, type PullRequestStore } from './pull-request-store.ts'
import { createRunStore } from './run-store.ts'

let state: State
let pulls: PullRequestStore
beforeEach(async () => {
  state = await openDatabase({ path: ':memory:', clock: systemClock })
  pulls = createPullRequestStore(state, { forge: 'github', repository: 'campus/site' })
})
afterEach(() => state.close())

const at = (minute: number): Date => new Date(Date.UTC(2026, 0, 1, 0, minute))
const news = (change: Partial<NewsOfPullRequest> = {}): NewsOfPullRequest => ({
  number: 7,
  state: 'open',
  title: 'Add nmap',
  author: 'alice',
  head: 'add-nmap',
  headCommit: 'a'.repeat(40),
  base: 'main',
  fromFork: false,
  updatedAt: at(0),
  ...change,
})
const none = { approvedCommit: undefined, approvedBy: undefined, isLabelled: false, closedAfterRun: 0 }

async function plan(pullRequest: number): Promise<number> {
  const about = { branch: 'add-nmap', commit: 'a'.repeat(40), goal: 'plan', origin: 'test', pullRequest } as const
  return (await createRunStore(state, systemClock).create(about)).id
}

test('what is put is what is known, each of its own number', async () => {
  const other = news({
    number: 8,
    fromFork: true,
    base: 'next',
    title: 'x',
    author: 'bob',
    head: 'b',
    updatedAt: at(3),
  })
  await pulls.put(news())
  await pulls.put(other)
  expect(await pulls.get(7)).toEqual({ ...news(), ...none })
  expect(await pulls.get(8)).toEqual({ ...other, ...none })
  expect(await pulls.get(9)).toBeUndefined()
})

describe('news that come out of order', () => {
  const changed = { title: 'y', head: 'z', headCommit: 'b'.repeat(40), base: 'next', fromFork: true, author: 'bob' }
  test.each<[string, Partial<NewsOfPullRequest>, Partial<NewsOfPullRequest>, boolean]>([
    ['younger', {}, { ...changed, updatedAt: at(1) }, true],
    ['older', { updatedAt: at(1) }, { ...changed, updatedAt: at(0) }, false],
    ['of the same moment, while open', {}, changed, true],
    ['of the same moment, that it is over', {}, { state: 'closed' }, true],
    ['of the same moment, that it is merged', {}, { state: 'merged' }, true],
    ['of the same moment, after it is over', { state: 'closed' }, { ...changed, state: 'open' }, false],
    ['of the same moment, merged after closed', { state: 'closed' }, { state: 'merged' }, false],
    ['older, that it is over', { updatedAt: at(1) }, { state: 'closed', updatedAt: at(0) }, false],
    ['younger, that it is open again', { state: 'closed' }, { ...changed, updatedAt: at(1) }, true],
    ['younger by a millisecond', {}, { ...changed, updatedAt: new Date(at(0).getTime() + 1) }, true],
  ])('%s: taken or not', async (_name, first, second, isTaken) => {
    await pulls.put(news(first))
    await pulls.put(news(second))
    expect(await pulls.get(7)).toEqual({ ...news(isTaken ? second : first), ...none })
  })

  test('whatever the order and however often, the last word is that of the youngest; over before open', async () => {
    const one = fc.record({
      minute: fc.integer({ min: 0, max: 3 }),
      state: fc.constantFrom('open', 'closed', 'merged'),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(one, { minLength: 1, maxLength: 8 }), fc.nat(), async (list, number) => {
        for (const { minute, state: said } of list)
          await pulls.put(news({ number, state: said, updatedAt: at(minute) }))
        const youngest = Math.max(...list.map(({ minute }) => minute))
        const words = list.filter(({ minute }) => minute === youngest).map(({ state: said }) => said)
        const known = await pulls.get(number)
        expect(known?.updatedAt).toEqual(at(youngest))
        expect(known?.state).toBe(words.find((word) => word !== 'open') ?? 'open')
        await state.db.deleteFrom('pull_requests').execute()
      }),
      { numRuns: 60 },
    )
  })

  test('those that name no author, or say nothing of the label, change neither', async () => {
    await pulls.put(news({ labelled: true }))
    await pulls.put(news({ author: '', updatedAt: at(1) }))
    expect(await pulls.get(7)).toMatchObject({ author: 'alice', isLabelled: true, updatedAt: at(1) })
    await pulls.put(news({ author: 'bob', labelled: false, updatedAt: at(2) }))
    expect(await pulls.get(7)).toMatchObject({ author: 'bob', isLabelled: false })
    await pulls.noteLabel(7)
    expect(await pulls.get(7)).toMatchObject({ isLabelled: true, updatedAt: at(2) })
  })
})

describe('approval', () => {
  test('is of one commit, and stays with it whatever comes', async () => {
    await pulls.put(news())
    await pulls.put(news({ number: 8 }))
    expect(await pulls.approve(7, 'a'.repeat(40), 'maintainer')).toBe(true)
    await pulls.put(news({ headCommit: 'b'.repeat(40), updatedAt: at(1) }))
    const approved = { approvedCommit: 'a'.repeat(40), approvedBy: 'maintainer' }
    expect(await pulls.get(7)).toMatchObject({ headCommit: 'b'.repeat(40), ...approved })
    expect(await pulls.get(8)).toMatchObject({ approvedCommit: undefined, approvedBy: undefined })
    await pulls.approve(7, 'b'.repeat(40), 'another')
    expect(await pulls.get(7)).toMatchObject({ approvedCommit: 'b'.repeat(40), approvedBy: 'another' })
  })

  test('comes with the news of the head that it is for, and stays when others come', async () => {
    await pulls.put(news({ headApprovedBy: 'maintainer' }))
    const approved = { approvedCommit: 'a'.repeat(40), approvedBy: 'maintainer' }
    expect(await pulls.get(7)).toMatchObject(approved)
    await pulls.put(news({ headCommit: 'b'.repeat(40), updatedAt: at(1) }))
    expect(await pulls.get(7)).toMatchObject(approved)
    await pulls.put(news({ headCommit: 'b'.repeat(40), headApprovedBy: 'another', updatedAt: at(2) }))
    expect(await pulls.get(7)).toMatchObject({ approvedCommit: 'b'.repeat(40), approvedBy: 'another' })
  })

  test('of what is not known is none', async () => {
    expect(await pulls.approve(7, 'a'.repeat(40), 'maintainer')).toBe(false)
    expect(await pulls.get(7)).toBeUndefined()
    await pulls.noteLabel(7)
    await pulls.close(7, 'closed')
    expect(await pulls.list({ limit: 9 })).toEqual([])
  })
})

describe('closing', () => {
  test('says up to which run it has been planned; those of others do not count', async () => {
    await pulls.put(news())
    await pulls.put(news({ number: 8 }))
    await plan(7)
    const newest = await plan(7)
    await plan(8)
    await pulls.close(7, 'merged')
    expect(await pulls.get(7)).toMatchObject({ state: 'merged', closedAfterRun: newest, updatedAt: at(0) })
    expect(await pulls.get(8)).toMatchObject({ state: 'open', closedAfterRun: 0 })
    await pulls.put(news({ updatedAt: at(1) }))
    expect(await pulls.get(7)).toMatchObject({ state: 'open', closedAfterRun: newest })
  })

  test('by news is the same; news that it is open leave it as it was', async () => {
    await pulls.put(news())
    const first = await plan(7)
    await pulls.put(news({ state: 'closed', updatedAt: at(1) }))
    expect(await pulls.get(7)).toMatchObject({ state: 'closed', closedAfterRun: first })
    await pulls.put(news({ updatedAt: at(2) }))
    await plan(7)
    await pulls.put(news({ updatedAt: at(3) }))
    expect(await pulls.get(7)).toMatchObject({ state: 'open', closedAfterRun: first })
    // Older news that it was closed come late.
    await pulls.put(news({ state: 'closed', updatedAt: at(2) }))
    expect(await pulls.get(7)).toMatchObject({ state: 'open', closedAfterRun: first })
  })
})

describe('lists', () => {
  beforeEach(async () => {
    for (const number of [3, 11, 7, 5]) await pulls.put(news({ number }))
    await pulls.close(7, 'closed')
    await pulls.close(5, 'merged')
  })
  const numbers = (list: { number: number }[]): number[] => list.map(({ number }) => number)

  test('open ones in order of number, others newest first and no more than asked for', async () => {
    expect(numbers(await pulls.open())).toEqual([3, 11])
    expect(numbers(await pulls.list({ limit: 9 }))).toEqual([11, 7, 5, 3])
    expect(numbers(await pulls.list({ limit: 2 }))).toEqual([11, 7])
    expect(numbers(await pulls.list({ limit: 9, state: 'open' }))).toEqual([11, 3])
    expect(numbers(await pulls.list({ limit: 9, state: 'closed' }))).toEqual([7])
    expect(numbers(await pulls.list({ limit: 9, state: 'merged' }))).toEqual([5])
  })

  test('those of another repository or forge are others', async () => {
    for (const of of [
      { forge: 'github', repository: 'campus/other' },
      { forge: 'gitea', repository: 'campus/site' },
    ]) {
      const others = createPullRequestStore(state, of)
      expect([await others.open(), await others.list({ limit: 9 }), await others.get(3)]).toEqual([[], [], undefined])
      expect(await others.approve(3, 'a'.repeat(40), 'x')).toBe(false)
      await others.close(3, 'closed')
      await others.noteLabel(3)
      await others.put(news({ number: 3, title: 'theirs', updatedAt: at(9) }))
      expect(numbers(await others.open())).toEqual([3])
    }
    expect(await pulls.get(3)).toEqual({ ...news({ number: 3 }), ...none })
  })

  test('those that were over before then are forgotten, the open never', async () => {
    await pulls.put(news({ number: 20, state: 'closed', updatedAt: at(5) }))
    await pulls.put(news({ number: 21, state: 'closed', updatedAt: at(4) }))
    expect(await pulls.prune(at(0))).toBe(0)
    expect(await pulls.prune(at(5))).toBe(3)
    expect(numbers(await pulls.list({ limit: 9 }))).toEqual([20, 11, 3])
  })
})
