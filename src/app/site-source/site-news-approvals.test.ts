import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { NewsSite, repository } from '../testing/news-site.ts'

let site: NewsSite
beforeEach(async () => {
  site = await NewsSite.start()
})
afterEach(() => site[Symbol.asyncDispose]())

describe('a pull request of a fork', () => {
  const say = (body: string, login: string) =>
    site.deliver('issue_comment', {
      action: 'created',
      issue: { number: 7, pull_request: {} },
      comment: { body, user: { login }, author_association: 'OWNER' },
    })

  test('is not trusted until somebody who may merge says so, and only as it was then', async () => {
    await site.applied()
    const head = await site.propose(7)
    await site.pullRequest(7, 'opened', { fork: true })
    expect(await site.row(await say('/larder ok', 'eve'))).toMatchObject({
      state: 'ignored',
      reason: 'eve may not merge, and so may not approve',
    })
    await shown(2)
    await say('I like this\n/larder ok\n', 'maintainer')
    const later = await site.propose(7, 'evil')
    await site.pullRequest(7, 'synchronize', { fork: true })
    expect((await site.summary()).slice(1)).toMatchObject([
      { head, trust: 'untrusted' },
      { head, trust: 'trusted' },
      { head: later, trust: 'untrusted' },
    ])
  })

  /** Its plan is there to be read. */
  const shown = async (run: number): Promise<void> => {
    await site.runs.start(run)
    await site.runs.finish(run, { state: 'failed' })
  }

  test.each([
    ['not known yet', () => Promise.resolve()],
    ['being planned', () => site.pullRequest(7, 'synchronize', { fork: true })],
  ])('a push between the report and the word, %s, is not covered by it', async (_when, tell) => {
    await site.applied()
    await site.propose(7)
    await site.pullRequest(7, 'opened', { fork: true })
    await shown(2)
    const later = await site.propose(7, 'evil')
    await tell()
    await say('/larder ok', 'maintainer')
    expect((await site.summary()).at(-1)).toMatchObject({ head: later, trust: 'untrusted' })
    await say(`/larder ok ${later}`, 'maintainer')
    expect((await site.summary()).at(-1)).toMatchObject({ head: later, trust: 'trusted' })
  })

  test('a word for what nobody could have read counts for nothing', async () => {
    await site.applied()
    await site.propose(7)
    await site.pullRequest(7, 'opened', { fork: true })
    expect(await site.row(await say('/larder ok', 'maintainer'))).toMatchObject({
      state: 'ignored',
      reason: 'pull request 7 has no plan yet that anybody could have read: /larder ok COMMIT names what is meant',
    })
  })

  test('a forge that does not say who may approve holds up nothing else, and is asked once', async () => {
    await site.applied()
    const head = await site.propose(7)
    await site.pullRequest(7, 'opened', { fork: true })
    await shown(2)
    site.answer = 'FORGE_UNREACHABLE'
    const words = [await say('/larder ok', 'maintainer'), await say('/larder ok', 'eve')]
    site.asked = []
    const other = await site.push('main')
    expect(await site.row(other)).toMatchObject({ state: 'ignored', reason: 'run 1 is for the same commit' })
    expect(site.asked).toEqual(['maintainer'])
    expect(await Promise.all(words.map(async (id) => (await site.row(id)).state))).toEqual(['waiting', 'waiting'])
    site.answer = undefined
    await site.news.settleDeliveries()
    expect(await Promise.all(words.map(async (id) => (await site.row(id)).state))).toEqual(['done', 'ignored'])
    expect((await site.summary()).at(-1)).toMatchObject({ head, trust: 'trusted' })
  })

  test('more words than are settled at once hold up nothing else', async () => {
    await site.applied()
    await site.propose(7)
    await site.pullRequest(7, 'opened', { fork: true })
    site.answer = 'FORGE_UNREACHABLE'
    const meaning = { kind: 'approval', number: 7, by: 'eve', mayApprove: undefined, commit: undefined } as const
    for (let number = 0; number < 500; number++) {
      const delivery = { forge: 'github', repository, deliveryId: `word-${number}`, event: 'issue_comment', body: '{}' }
      site.news.understood(delivery, meaning)
      await site.events.accept(delivery)
    }
    const head = await site.commit('more')
    await site.push('main')
    await site.news.settleDeliveries()
    expect((await site.summary()).at(-1)).toMatchObject({ goal: 'apply', head })
  })

  test('a word that the forge does not answer about for a day is given up', async () => {
    await site.applied()
    await site.propose(7)
    await site.pullRequest(7, 'opened', { fork: true })
    site.answer = 'FORGE_UNREACHABLE'
    const id = await say('/larder ok', 'maintainer')
    site.nowMs += 25 * 3600_000
    await site.news.settleDeliveries()
    expect(await site.row(id)).toMatchObject({ state: 'ignored', reason: 'no answer' })
  })

  test('a token that may not ask who may approve is told of, and holds up nothing', async () => {
    await site.applied()
    await site.propose(7)
    await site.pullRequest(7, 'opened', { fork: true })
    site.answer = 'FORGE_REFUSED'
    expect(await site.row(await say('/larder ok', 'maintainer'))).toMatchObject({
      state: 'ignored',
      reason: 'the forge does not say whether maintainer may approve: no answer',
    })
  })

  describe('with no webhook', () => {
    const look = async (headCommit: string): Promise<string> => {
      site.open = [{ ...site.polled(7, headCommit), fromFork: true }]
      await site.news.poll()
      return (await site.summary()).at(-1)?.trust ?? ''
    }

    test('a comment that names the commit is heard, of somebody who may merge', async () => {
      await site.applied()
      const head = await site.propose(7)
      expect(await look(head)).toBe('untrusted')
      site.said = [
        { number: 7, by: 'eve', text: `/larder ok ${head}` },
        { number: 7, by: 'maintainer', text: '/larder ok' },
        { number: 7, by: 'maintainer', text: `/larder ok ${'0'.repeat(12)}` },
        { number: 8, by: 'maintainer', text: `/larder ok ${head}` },
      ]
      expect(await look(head)).toBe('untrusted')
      site.said.push({ number: 7, by: 'maintainer', text: `Fine.\n/larder ok ${head.slice(0, 12)}` })
      expect(await look(head)).toBe('trusted')
      expect(await site.pulls.get(7)).toMatchObject({ approvedBy: 'maintainer', approvedCommit: head })
      expect(await look(await site.propose(7, 'evil'))).toBe('untrusted')
    })

    test('is looked for where something has changed alone', async () => {
      await site.applied()
      const head = await site.propose(7)
      site.said = [{ number: 7, by: 'maintainer', text: `/larder ok ${head}` }]
      expect(await look(head)).toBe('trusted')
      site.asked = []
      await site.news.poll()
      await look(head)
      expect(site.asked).toEqual([])
    })

    test('a forge that does not answer is asked again at the next look', async () => {
      await site.applied()
      const head = await site.propose(7)
      await look(head)
      site.said = [{ number: 7, by: 'maintainer', text: `/larder ok ${head}` }]
      site.answer = 'FORGE_UNREACHABLE'
      expect(await look(head)).toBe('untrusted')
      site.answer = undefined
      await site.news.poll()
      expect((await site.summary()).at(-1)).toMatchObject({ trust: 'trusted' })
    })

    test('a token that may not read comments keeps no pull request from being planned', async () => {
      await site.applied()
      site.answer = 'FORGE_REFUSED'
      const head = await site.propose(7)
      site.said = [{ number: 7, by: 'maintainer', text: `/larder ok ${head}` }]
      expect(await look(head)).toBe('untrusted')
    })
  })

  test('a word for a commit that is not the head counts for nothing', async () => {
    await site.applied()
    await site.propose(7)
    await site.pullRequest(7, 'opened', { fork: true })
    expect(await site.row(await say('/larder ok 0123456789', 'maintainer'))).toMatchObject({ state: 'ignored' })
    expect(await site.summary()).toHaveLength(2)
  })

  /** Of a forge that tells which labels there are, not which one was set. */
  const labelled = async (by: string, commit: string) => {
    const delivery = { forge: 'github', repository, deliveryId: `d-${site.count++}`, event: 'label', body: '{}' }
    site.news.understood(delivery, { kind: 'approval', number: 7, by, mayApprove: undefined, labelled: true, commit })
    const { id } = await site.events.accept(delivery)
    await site.news.settleDeliveries()
    return site.row(id)
  }

  test('a label is somebody’s word for the commit at which it was set, not whenever another one changes', async () => {
    await site.applied()
    const head = await site.propose(7)
    await site.pullRequest(7, 'opened', { fork: true })
    expect(await labelled('maintainer', head)).toMatchObject({ state: 'done' })
    const later = await site.propose(7, 'evil')
    await site.pullRequest(7, 'synchronize', { fork: true })
    expect(await labelled('maintainer', later)).toMatchObject({
      state: 'ignored',
      reason: 'the label was there before: it holds for the commit that it was set at',
    })
    expect((await site.summary()).slice(1)).toMatchObject([
      { head, trust: 'untrusted' },
      { head, trust: 'trusted' },
      { head: later, trust: 'untrusted' },
    ])
    const [known] = await site.pulls.list({ limit: 1 })
    await site.pulls.put({ ...known!, labelled: false, updatedAt: new Date(site.nowMs + 3600_000) })
    expect(await labelled('maintainer', later)).toMatchObject({ state: 'done' })
    expect((await site.summary()).at(-1)).toMatchObject({ head: later, trust: 'trusted' })
  })

  test('a label that a stranger set is not made good by a maintainer who changes another', async () => {
    await site.applied()
    const head = await site.propose(7)
    await site.pullRequest(7, 'opened', { fork: true })
    expect(await labelled('eve', head)).toMatchObject({ reason: 'eve may not merge, and so may not approve' })
    expect(await labelled('maintainer', head)).toMatchObject({ state: 'ignored' })
    expect((await site.pulls.get(7))?.approvedCommit).toBeUndefined()
  })
})
