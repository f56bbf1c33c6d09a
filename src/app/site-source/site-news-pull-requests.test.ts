import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { NewsSite } from '../testing/news-site.ts'

let site: NewsSite
beforeEach(async () => {
  site = await NewsSite.start()
})
afterEach(() => site[Symbol.asyncDispose]())

describe('a pull request', () => {
  test('is planned on main, as it is there and not as the payload says', async () => {
    const base = await site.applied()
    const head = await site.propose(7)
    const id = await site.pullRequest(7, 'opened')
    await site.pullRequest(7, 'synchronize')
    site.open = [site.polled(7, head)]
    await site.news.poll()
    expect(await site.summary()).toMatchObject([
      { goal: 'apply' },
      { goal: 'plan', head, number: 7, baseCommit: base, trust: 'trusted' },
    ])
    expect(await site.row(id)).toMatchObject({ state: 'done', runId: 2 })
  })

  test('is planned again when it was pushed to, instead of the plan that waits', async () => {
    await site.applied()
    await site.propose(7)
    await site.pullRequest(7, 'opened')
    const head = await site.propose(7, 'more')
    await site.pullRequest(7, 'synchronize')
    expect(await site.summary()).toMatchObject([{}, { is: 'superseded' }, { head, is: 'waiting' }])
  })

  test('is planned again when another was merged, once main is applied', async () => {
    await site.applied()
    await site.propose(7)
    const head = await site.propose(8)
    await site.pullRequest(7, 'opened')
    await site.pullRequest(8, 'opened')
    const merged = site.merge(7)
    await site.pullRequest(7, 'closed', { merged: true })
    await site.push('main')
    expect(site.closed).toEqual([7])
    expect(await site.summary()).toMatchObject([{}, { number: 7 }, { number: 8 }, { goal: 'apply', head: merged }])
    await site.finish(4)
    expect((await site.summary()).slice(4)).toMatchObject([{ goal: 'plan', head, number: 8, baseCommit: merged }])
  })

  test('news that come in the wrong order change nothing', async () => {
    await site.applied()
    await site.propose(7)
    await site.pullRequest(7, 'closed', { at: '2026-01-01T02:00:00Z' })
    const late = await site.pullRequest(7, 'opened', { at: '2026-01-01T01:00:00Z' })
    expect(await site.row(late)).toMatchObject({ state: 'ignored', reason: 'later news came before it' })
    expect(await site.summary()).toHaveLength(1)
  })

  test('that is opened again is planned again', async () => {
    await site.applied()
    await site.propose(7)
    await site.pullRequest(7, 'opened')
    await site.runs.cancelWaiting(2)
    await site.news.poll()
    expect(await site.summary()).toHaveLength(2)
    await site.pullRequest(7, 'closed')
    await site.pullRequest(7, 'reopened')
    expect((await site.summary()).slice(1)).toMatchObject([{ is: 'cancelled' }, { number: 7, is: 'waiting' }])
  })

  test('that is opened again while its plan is called off is planned again', async () => {
    await site.applied()
    await site.propose(7)
    await site.pullRequest(7, 'opened')
    await site.runs.start(2)
    await site.pullRequest(7, 'closed')
    await site.pullRequest(7, 'reopened')
    expect((await site.summary()).slice(1)).toMatchObject([{ is: 'running' }, { number: 7, is: 'waiting' }])
  })

  test('that was opened again when Larder was killed is planned again after the start', async () => {
    await site.applied()
    const headCommit = await site.propose(7)
    await site.pullRequest(7, 'opened')
    await site.runs.cancelWaiting(2)
    await site.pullRequest(7, 'closed')
    const [known] = await site.pulls.list({ limit: 1 })
    await site.pulls.put({ ...known!, state: 'open', updatedAt: new Date(site.nowMs + 3600_000) })
    site.open = [{ ...site.polled(7, headCommit), updatedAt: new Date(site.nowMs + 3600_000) }]
    await site.restart().poll()
    await site.restart().poll()
    expect((await site.summary()).slice(1)).toMatchObject([{ is: 'cancelled' }, { number: 7, is: 'waiting' }])
  })

  test('whose title changes while it is planned is not planned again, and keeps its author', async () => {
    await site.applied()
    await site.propose(7)
    await site.pullRequest(7, 'opened')
    await site.runs.start(2)
    const [known] = await site.pulls.list({ limit: 1 })
    await site.pulls.put({
      ...known!,
      title: 'Add nmap, really',
      author: '',
      updatedAt: new Date(site.nowMs + 3600_000),
    })
    await site.news.reconcile({ origin: 'a test', again: false })
    expect((await site.summary()).slice(1)).toMatchObject([{ is: 'running' }])
    expect(await site.pulls.get(7)).toMatchObject({ title: 'Add nmap, really', author: 'alice' })
  })

  test('for another branch than main is known, and not planned', async () => {
    await site.applied()
    await site.propose(7)
    expect(await site.row(await site.pullRequest(7, 'opened', { base: 'next' }))).toMatchObject({
      state: 'ignored',
      reason: 'it is for next, not for main',
    })
  })

  test('comes and goes by polling alone', async () => {
    await site.applied()
    const head = await site.propose(7)
    site.open = [site.polled(7, head)]
    await site.news.poll()
    expect((await site.summary())[1]).toMatchObject({ goal: 'plan', head, number: 7 })
    site.isAway = true
    await site.news.poll()
    expect(await site.pulls.get(7)).toMatchObject({ state: 'open' })
    site.isAway = false
    site.open = []
    site.merge(7)
    await site.news.poll()
    expect(await site.pulls.get(7)).toMatchObject({ state: 'merged' })
    expect(site.closed).toEqual([7])
    expect((await site.summary())[2]).toMatchObject({ goal: 'apply' })
  })
})

describe('a pull request that was closed', () => {
  test('and is opened again is planned again, though nothing of it has changed: by polling', async () => {
    await site.applied()
    const head = await site.propose(7)
    const pull = site.polled(7, head)
    site.open = [pull]
    await site.news.poll()
    await site.runs.start(2)
    await site.runs.finish(2, { state: 'succeeded' })
    site.open = []
    await site.news.poll()
    expect(await site.pulls.get(7)).toMatchObject({ state: 'closed' })
    site.open = [site.polled(7, head)]
    await site.news.poll()
    await site.news.poll()
    expect((await site.summary()).slice(1)).toMatchObject([{ is: 'succeeded' }, { head, is: 'waiting' }])
  })

  test('stays so when late news of the same moment come', async () => {
    await site.applied()
    const head = await site.propose(7)
    const pull = site.polled(7, head)
    site.open = [pull]
    await site.news.poll()
    site.open = []
    await site.news.poll()
    await site.pullRequest(7, 'opened', { at: pull.updatedAt.toISOString() })
    expect(await site.pulls.get(7)).toMatchObject({ state: 'closed' })
  })

  test('is forgotten after a while', async () => {
    await site.applied()
    await site.propose(7)
    await site.pullRequest(7, 'opened')
    expect(await site.pulls.prune(new Date('2027-01-01'))).toBe(0)
    await site.pullRequest(7, 'closed')
    expect(await site.pulls.prune(new Date('2025-01-01'))).toBe(0)
    expect(await site.pulls.prune(new Date('2027-01-01'))).toBe(1)
    expect(await site.pulls.get(7)).toBeUndefined()
  })
})
