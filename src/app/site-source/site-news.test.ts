import { rename } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { NewsSite, repository } from '../testing/news-site.ts'

let site: NewsSite
beforeEach(async () => {
  site = await NewsSite.start()
})
afterEach(() => site[Symbol.asyncDispose]())

describe('main', () => {
  test('a push is applied once, whatever tells of it', async () => {
    const head = await site.commit('larder.yaml')
    const first = await site.push('main')
    const second = await site.push('main')
    await site.news.poll()
    await site.restart().poll()
    expect(await site.summary()).toMatchObject([{ goal: 'apply', head, number: undefined }])
    expect(await site.row(first)).toMatchObject({ state: 'done', runId: 1 })
    expect(await site.row(second)).toMatchObject({ state: 'ignored', reason: 'run 1 is for the same commit' })
  })

  test.each([
    ['another branch', () => site.push('topic'), 'only main is applied, and pull requests planned: not topic'],
    ['another repository', () => site.push('main', 'eve/site'), 'the site is in campus/site, not in eve/site'],
    ['another event', () => site.deliver('watch', {}), 'Nothing depends on the event watch.'],
    [
      'a payload of an older version',
      () => site.deliver('push', { ref: 1 }),
      /^The payload of "push" is not as GitHub documents it/,
    ],
  ])('%s is ignored, and the reason kept', async (_name, send, reason) => {
    await site.applied()
    expect(await site.row(await send())).toMatchObject({
      state: 'ignored',
      reason: typeof reason === 'string' ? reason : expect.stringMatching(reason),
    })
    expect(await site.summary()).toHaveLength(1)
  })

  test('a branch that was pushed back is applied again', async () => {
    const first = await site.applied()
    await site.commit('x')
    await site.push('main')
    site.git('reset', '-q', '--hard', first)
    await site.push('main')
    expect((await site.summary()).map(({ head }) => head === first)).toEqual([true, false, true])
  })

  test('a head that is here already is not fetched again', async () => {
    const head = await site.applied()
    await rename(site.work, `${site.work}.away`)
    const id = await site.deliver('push', { ref: 'refs/heads/main', after: head })
    expect(await site.row(id)).toMatchObject({ state: 'ignored', reason: 'run 1 is for the same commit' })
    const other = await site.push('main')
    expect(await site.row(other)).toMatchObject({ state: 'waiting' })
  })

  test('what a delivery means is not read again, and after a restart it is', async () => {
    const head = await site.applied()
    const delivery = { forge: 'github', repository, deliveryId: 'once', event: 'push', body: '{}' }
    site.news.understood(delivery, { kind: 'push', branch: 'main', commit: head })
    const { id } = await site.events.accept(delivery)
    await site.news.settleDeliveries()
    expect(await site.row(id)).toMatchObject({ state: 'ignored', reason: 'run 1 is for the same commit' })
    const later = await site.events.accept({ ...delivery, deliveryId: 'later' })
    await site.restart().settleDeliveries()
    expect(await site.row(later.id)).toMatchObject({ state: 'ignored', reason: expect.stringMatching('not as GitHub') })
  })

  test('which branches are applied is looked up once for all that are settled together', async () => {
    const after = await site.applied()
    site.branchesAsked = 0
    for (let number = 1; number <= 20; number++) {
      const body = JSON.stringify({ ref: 'refs/heads/main', after, repository: { full_name: repository } })
      await site.events.accept({ forge: 'github', repository, deliveryId: `together-${number}`, event: 'push', body })
    }
    await site.news.settleDeliveries()
    expect(site.branchesAsked).toBe(1)
  })

  test('what cannot be fetched waits, and is not lost', async () => {
    const head = await site.commit('larder.yaml')
    await rename(site.work, `${site.work}.away`)
    const id = await site.push('main')
    expect(await site.row(id)).toMatchObject({ state: 'waiting' })
    await rename(`${site.work}.away`, site.work)
    await site.restart().settleDeliveries()
    expect(await site.row(id)).toMatchObject({ state: 'done' })
    expect(await site.summary()).toMatchObject([{ head }])
  })

  test('what cannot be fetched for a day is given up', async () => {
    const id = await site.push('main')
    await rename(site.work, `${site.work}.away`)
    const other = await site.push('main')
    site.nowMs += 25 * 3600_000
    await site.news.settleDeliveries()
    expect([(await site.row(id)).state, (await site.row(other)).state]).toEqual(['ignored', 'ignored'])
  })

  test('a branch that was deleted meanwhile keeps no other delivery from being settled', async () => {
    await site.applied()
    await site.propose(3)
    site.git('update-ref', '-d', 'refs/pull/3/head')
    const gone = await site.pullRequest(3, 'opened')
    await site.propose(4)
    await site.pullRequest(4, 'opened')
    expect(await site.row(gone)).toMatchObject({ state: 'ignored' })
    expect(await site.summary()).toMatchObject([{ goal: 'apply' }, { number: 4 }])
  })
})
