import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { LarderError, silentLog, systemClock } from '../../core/index.ts'
import { forgeNamed, prepareBareRepository, resolveRef, type PullRequest } from '../../forge/index.ts'
import {
  openEventStore,
  createPullRequestStore,
  createRunStore,
  type EventStore,
  type PullRequestStore,
  type RunStore,
} from '../../pipeline/index.ts'
import { openDatabase, type State } from '../../state/index.ts'
import { controllerSchema } from '../config/controller-config.ts'
import type { ControllerContext } from '../controller/context.ts'
import { createSiteNews, type SiteNews } from './site-news.ts'

const github = forgeNamed('github')
const repository = 'campus/site'

let folder: string
let work: string
let bare: string
let state: State
let runs: RunStore
let events: EventStore
let pulls: PullRequestStore
let news: SiteNews
let nowMs: number
let open: PullRequest[]
let closed: number[]
let isAway: boolean
let branchesAsked: number
/** Login names that the forge was asked about; what it answers instead; and all comments. */
let asked: string[]
let answer: 'FORGE_UNREACHABLE' | 'FORGE_REFUSED' | undefined
let said: { number: number; by: string; text: string }[]
let count: number

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-news-test-'))
  work = join(folder, 'work')
  bare = join(folder, 'site.git')
  await mkdir(work)
  git('init', '-q', '-b', 'main')
  await prepareBareRepository(bare)
  nowMs = Date.parse('2026-01-01T00:00:00Z')
  const clock = { ...systemClock, now: () => new Date(nowMs), sleep: systemClock.sleep, monotonicMs: () => 0 }
  state = await openDatabase({ path: ':memory:', clock })
  runs = createRunStore(state, clock)
  const paths = [join(folder, 'one.journal'), join(folder, 'two.journal')] as const
  events = await openEventStore({ state, clock, journal: { paths, fileBytes: 1 << 16 } })
  pulls = createPullRequestStore(state, { forge: 'github', repository })
  news = start()
  open = []
  closed = []
  isAway = false
  branchesAsked = 0
  asked = []
  answer = undefined
  said = []
  count = 0
})
afterEach(async () => {
  await events.close()
  await state.close()
  await rm(folder, { recursive: true, force: true })
})

function start(): SiteNews {
  const { forge: config } = controllerSchema.parse({ forge: { type: 'github', url: work, repository, tokenFile: 'x' } })
  const context = {
    log: silentLog,
    clock: { ...systemClock, now: () => new Date(nowMs) },
    state,
    runs,
    runner: { wake: () => {} },
    repository: bare,
    pullRequests: pulls,
    stopping: new AbortController().signal,
  } as unknown as ControllerContext
  const api = {
    openPullRequests: () =>
      isAway ? Promise.reject(new LarderError('FORGE_UNREACHABLE', { message: 'away' })) : Promise.resolve(open),
    mayApprove: (login: string) => {
      asked.push(login)
      return answer === undefined
        ? Promise.resolve(login === 'maintainer')
        : Promise.reject(new LarderError(answer, { message: 'no answer' }))
    },
    comments: (number: number) => Promise.resolve(said.filter((one) => one.number === number)),
    setStatus: () => Promise.resolve(),
    setComment: () => Promise.resolve(),
    gitLogin: () => Promise.resolve(undefined),
  }
  return createSiteNews({
    context,
    events,
    connected: {
      config: config!,
      remote: { url: `file://${work}`, name: 'forge' },
      hosted: { forge: github, repository, api },
    },
    appliedBranches: () => {
      branchesAsked++
      return Promise.resolve(['main', 'develop'])
    },
    appliedHeads: async () => {
      const heads = new Map<string, string>()
      for (const branch of ['main', 'develop']) {
        const commit = await resolveRef(bare, `refs/remotes/forge/heads/${branch}`)
        if (commit !== undefined) heads.set(branch, commit)
      }
      return heads
    },
    onCreated: () => Promise.resolve(),
    onClosed: (number) => Promise.resolve(void closed.push(number)),
  })
}

function git(...args: string[]): string {
  const identity = ['-c', 'user.name=a', '-c', 'user.email=a@example.org']
  const env = { PATH: process.env['PATH'], HOME: folder }
  return execFileSync('git', [...identity, ...args], {
    cwd: work,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim()
}

async function commit(path: string): Promise<string> {
  await writeFile(join(work, path), `${path} ${count++}`)
  git('add', '-A')
  git('commit', '-q', '-m', path)
  return git('rev-parse', 'HEAD')
}

/** A commit on top of main that only the pull request has. */
async function propose(number: number, path = `p${number}`): Promise<string> {
  git('checkout', '-q', '-B', `topic-${number}`, 'main')
  const head = await commit(path)
  git('update-ref', `refs/pull/${number}/head`, head)
  git('checkout', '-q', 'main')
  return head
}

function merge(number: number): string {
  git('merge', '-q', '--no-ff', '-m', `merge ${number}`, `refs/pull/${number}/head`)
  return git('rev-parse', 'HEAD')
}

async function deliver(event: string, payload: object, of = repository): Promise<number> {
  const body = JSON.stringify({ ...payload, repository: { full_name: of } })
  const delivery = { forge: 'github', repository: of, deliveryId: `d-${count++}`, event, body }
  const { id } = await events.accept(delivery)
  await news.settleDeliveries()
  return id
}

const push = (branch: string, of?: string) =>
  deliver('push', { ref: `refs/heads/${branch}`, after: 'c'.repeat(40) }, of)

/** What a payload claims of heads is never true here: nothing depends on it. */
const pullRequest = (
  number: number,
  action: string,
  more: { merged?: boolean; fork?: boolean; at?: string; base?: string } = {},
) =>
  deliver('pull_request', {
    action,
    number,
    pull_request: {
      title: 'Add nmap',
      user: { login: 'alice' },
      updated_at: more.at ?? new Date(nowMs + count * 1000).toISOString(),
      merged: more.merged ?? false,
      head: { ref: `topic-${number}`, sha: 'd'.repeat(40), repo: { full_name: more.fork ? 'eve/site' : repository } },
      base: { ref: more.base ?? 'main', sha: 'e'.repeat(40), repo: { full_name: repository } },
    },
  })

const polled = (number: number, headCommit: string): PullRequest => ({
  number,
  title: 'Add nmap',
  author: 'alice',
  head: `topic-${number}`,
  headCommit,
  headRepository: repository,
  base: 'main',
  baseCommit: '',
  fromFork: false,
  updatedAt: new Date(nowMs + count++ * 1000),
})

async function row(id: number) {
  const [one] = await events.list({ limit: 1, before: id + 1 })
  expect(one?.id).toBe(id)
  return one!
}

/** As the runner would. */
async function finish(id: number): Promise<void> {
  await runs.start(id)
  await runs.finish(id, { state: 'succeeded' })
  await news.reconcile({ origin: 'a run', again: false })
}

async function applied(): Promise<string> {
  const head = await commit('larder.yaml')
  await news.poll()
  await finish(1)
  return head
}

const summary = async () =>
  (await runs.list({ limit: 100 }))
    .reverse()
    .map(({ goal, commit: head, pullRequest: number, baseCommit, trust, state: is }) => ({
      goal,
      head,
      number,
      baseCommit,
      trust,
      is,
    }))

describe('main', () => {
  test('a push is applied once, whatever tells of it', async () => {
    const head = await commit('larder.yaml')
    const first = await push('main')
    const second = await push('main')
    await news.poll()
    await start().poll()
    expect(await summary()).toMatchObject([{ goal: 'apply', head, number: undefined }])
    expect(await row(first)).toMatchObject({ state: 'done', runId: 1 })
    expect(await row(second)).toMatchObject({ state: 'ignored', reason: 'run 1 is for the same commit' })
  })

  test.each([
    ['another branch', () => push('topic'), 'only main is applied, and pull requests planned: not topic'],
    ['another repository', () => push('main', 'eve/site'), 'the site is in campus/site, not in eve/site'],
    ['another event', () => deliver('watch', {}), 'Nothing depends on the event watch.'],
    [
      'a payload of an older version',
      () => deliver('push', { ref: 1 }),
      /^The payload of "push" is not as GitHub documents it/,
    ],
  ])('%s is ignored, and the reason kept', async (_name, send, reason) => {
    await applied()
    expect(await row(await send())).toMatchObject({
      state: 'ignored',
      reason: typeof reason === 'string' ? reason : expect.stringMatching(reason),
    })
    expect(await summary()).toHaveLength(1)
  })

  test('a branch that was pushed back is applied again', async () => {
    const first = await applied()
    await commit('x')
    await push('main')
    git('reset', '-q', '--hard', first)
    await push('main')
    expect((await summary()).map(({ head }) => head === first)).toEqual([true, false, true])
  })

  test('a head that is here already is not fetched again', async () => {
    const head = await applied()
    await rename(work, `${work}.away`)
    const id = await deliver('push', { ref: 'refs/heads/main', after: head })
    expect(await row(id)).toMatchObject({ state: 'ignored', reason: 'run 1 is for the same commit' })
    const other = await push('main')
    expect(await row(other)).toMatchObject({ state: 'waiting' })
  })

  test('what a delivery means is not read again, and after a restart it is', async () => {
    const head = await applied()
    const delivery = { forge: 'github', repository, deliveryId: 'once', event: 'push', body: '{}' }
    news.understood(delivery, { kind: 'push', branch: 'main', commit: head })
    const { id } = await events.accept(delivery)
    await news.settleDeliveries()
    expect(await row(id)).toMatchObject({ state: 'ignored', reason: 'run 1 is for the same commit' })
    const later = await events.accept({ ...delivery, deliveryId: 'later' })
    await start().settleDeliveries()
    expect(await row(later.id)).toMatchObject({ state: 'ignored', reason: expect.stringMatching('not as GitHub') })
  })

  test('which branches are applied is looked up once for all that are settled together', async () => {
    const after = await applied()
    branchesAsked = 0
    for (let number = 1; number <= 20; number++) {
      const body = JSON.stringify({ ref: 'refs/heads/main', after, repository: { full_name: repository } })
      await events.accept({ forge: 'github', repository, deliveryId: `together-${number}`, event: 'push', body })
    }
    await news.settleDeliveries()
    expect(branchesAsked).toBe(1)
  })

  test('what cannot be fetched waits, and is not lost', async () => {
    const head = await commit('larder.yaml')
    await rename(work, `${work}.away`)
    const id = await push('main')
    expect(await row(id)).toMatchObject({ state: 'waiting' })
    await rename(`${work}.away`, work)
    await start().settleDeliveries()
    expect(await row(id)).toMatchObject({ state: 'done' })
    expect(await summary()).toMatchObject([{ head }])
  })

  test('what cannot be fetched for a day is given up', async () => {
    const id = await push('main')
    await rename(work, `${work}.away`)
    const other = await push('main')
    nowMs += 25 * 3600_000
    await news.settleDeliveries()
    expect([(await row(id)).state, (await row(other)).state]).toEqual(['ignored', 'ignored'])
  })

  test('a branch that was deleted meanwhile keeps no other delivery from being settled', async () => {
    await applied()
    await propose(3)
    git('update-ref', '-d', 'refs/pull/3/head')
    const gone = await pullRequest(3, 'opened')
    await propose(4)
    await pullRequest(4, 'opened')
    expect(await row(gone)).toMatchObject({ state: 'ignored' })
    expect(await summary()).toMatchObject([{ goal: 'apply' }, { number: 4 }])
  })
})

describe('a pull request', () => {
  test('is planned on main, as it is there and not as the payload says', async () => {
    const base = await applied()
    const head = await propose(7)
    const id = await pullRequest(7, 'opened')
    await pullRequest(7, 'synchronize')
    open = [polled(7, head)]
    await news.poll()
    expect(await summary()).toMatchObject([
      { goal: 'apply' },
      { goal: 'plan', head, number: 7, baseCommit: base, trust: 'trusted' },
    ])
    expect(await row(id)).toMatchObject({ state: 'done', runId: 2 })
  })

  test('is planned again when it was pushed to, instead of the plan that waits', async () => {
    await applied()
    await propose(7)
    await pullRequest(7, 'opened')
    const head = await propose(7, 'more')
    await pullRequest(7, 'synchronize')
    expect(await summary()).toMatchObject([{}, { is: 'superseded' }, { head, is: 'waiting' }])
  })

  test('is planned again when another was merged, once main is applied', async () => {
    await applied()
    await propose(7)
    const head = await propose(8)
    await pullRequest(7, 'opened')
    await pullRequest(8, 'opened')
    const merged = merge(7)
    await pullRequest(7, 'closed', { merged: true })
    await push('main')
    expect(closed).toEqual([7])
    expect(await summary()).toMatchObject([{}, { number: 7 }, { number: 8 }, { goal: 'apply', head: merged }])
    await finish(4)
    expect((await summary()).slice(4)).toMatchObject([{ goal: 'plan', head, number: 8, baseCommit: merged }])
  })

  test('news that come in the wrong order change nothing', async () => {
    await applied()
    await propose(7)
    await pullRequest(7, 'closed', { at: '2026-01-01T02:00:00Z' })
    const late = await pullRequest(7, 'opened', { at: '2026-01-01T01:00:00Z' })
    expect(await row(late)).toMatchObject({ state: 'ignored', reason: 'later news came before it' })
    expect(await summary()).toHaveLength(1)
  })

  test('that is opened again is planned again', async () => {
    await applied()
    await propose(7)
    await pullRequest(7, 'opened')
    await runs.cancelWaiting(2)
    await news.poll()
    expect(await summary()).toHaveLength(2)
    await pullRequest(7, 'closed')
    await pullRequest(7, 'reopened')
    expect((await summary()).slice(1)).toMatchObject([{ is: 'cancelled' }, { number: 7, is: 'waiting' }])
  })

  test('that is opened again while its plan is called off is planned again', async () => {
    await applied()
    await propose(7)
    await pullRequest(7, 'opened')
    await runs.start(2)
    await pullRequest(7, 'closed')
    await pullRequest(7, 'reopened')
    expect((await summary()).slice(1)).toMatchObject([{ is: 'running' }, { number: 7, is: 'waiting' }])
  })

  test('that was opened again when Larder was killed is planned again after the start', async () => {
    await applied()
    const headCommit = await propose(7)
    await pullRequest(7, 'opened')
    await runs.cancelWaiting(2)
    await pullRequest(7, 'closed')
    const [known] = await pulls.list({ limit: 1 })
    await pulls.put({ ...known!, state: 'open', updatedAt: new Date(nowMs + 3600_000) })
    open = [{ ...polled(7, headCommit), updatedAt: new Date(nowMs + 3600_000) }]
    await start().poll()
    await start().poll()
    expect((await summary()).slice(1)).toMatchObject([{ is: 'cancelled' }, { number: 7, is: 'waiting' }])
  })

  test('whose title changes while it is planned is not planned again, and keeps its author', async () => {
    await applied()
    await propose(7)
    await pullRequest(7, 'opened')
    await runs.start(2)
    const [known] = await pulls.list({ limit: 1 })
    await pulls.put({ ...known!, title: 'Add nmap, really', author: '', updatedAt: new Date(nowMs + 3600_000) })
    await news.reconcile({ origin: 'a test', again: false })
    expect((await summary()).slice(1)).toMatchObject([{ is: 'running' }])
    expect(await pulls.get(7)).toMatchObject({ title: 'Add nmap, really', author: 'alice' })
  })

  test('for another branch than main is known, and not planned', async () => {
    await applied()
    await propose(7)
    expect(await row(await pullRequest(7, 'opened', { base: 'next' }))).toMatchObject({
      state: 'ignored',
      reason: 'it is for next, not for main',
    })
  })

  test('comes and goes by polling alone', async () => {
    await applied()
    const head = await propose(7)
    open = [polled(7, head)]
    await news.poll()
    expect((await summary())[1]).toMatchObject({ goal: 'plan', head, number: 7 })
    isAway = true
    await news.poll()
    expect(await pulls.get(7)).toMatchObject({ state: 'open' })
    isAway = false
    open = []
    merge(7)
    await news.poll()
    expect(await pulls.get(7)).toMatchObject({ state: 'merged' })
    expect(closed).toEqual([7])
    expect((await summary())[2]).toMatchObject({ goal: 'apply' })
  })
})

describe('a pull request that was closed', () => {
  test('and is opened again is planned again, though nothing of it has changed: by polling', async () => {
    await applied()
    const head = await propose(7)
    const pull = polled(7, head)
    open = [pull]
    await news.poll()
    await runs.start(2)
    await runs.finish(2, { state: 'succeeded' })
    open = []
    await news.poll()
    expect(await pulls.get(7)).toMatchObject({ state: 'closed' })
    open = [polled(7, head)]
    await news.poll()
    await news.poll()
    expect((await summary()).slice(1)).toMatchObject([{ is: 'succeeded' }, { head, is: 'waiting' }])
  })

  test('stays so when late news of the same moment come', async () => {
    await applied()
    const head = await propose(7)
    const pull = polled(7, head)
    open = [pull]
    await news.poll()
    open = []
    await news.poll()
    await pullRequest(7, 'opened', { at: pull.updatedAt.toISOString() })
    expect(await pulls.get(7)).toMatchObject({ state: 'closed' })
  })

  test('is forgotten after a while', async () => {
    await applied()
    await propose(7)
    await pullRequest(7, 'opened')
    expect(await pulls.prune(new Date('2027-01-01'))).toBe(0)
    await pullRequest(7, 'closed')
    expect(await pulls.prune(new Date('2025-01-01'))).toBe(0)
    expect(await pulls.prune(new Date('2027-01-01'))).toBe(1)
    expect(await pulls.get(7)).toBeUndefined()
  })
})

describe('a pull request of a fork', () => {
  const say = (body: string, login: string) =>
    deliver('issue_comment', {
      action: 'created',
      issue: { number: 7, pull_request: {} },
      comment: { body, user: { login }, author_association: 'OWNER' },
    })

  test('is not trusted until somebody who may merge says so, and only as it was then', async () => {
    await applied()
    const head = await propose(7)
    await pullRequest(7, 'opened', { fork: true })
    expect(await row(await say('/larder ok', 'eve'))).toMatchObject({
      state: 'ignored',
      reason: 'eve may not merge, and so may not approve',
    })
    await shown(2)
    await say('I like this\n/larder ok\n', 'maintainer')
    const later = await propose(7, 'evil')
    await pullRequest(7, 'synchronize', { fork: true })
    expect((await summary()).slice(1)).toMatchObject([
      { head, trust: 'untrusted' },
      { head, trust: 'trusted' },
      { head: later, trust: 'untrusted' },
    ])
  })

  /** Its plan is there to be read. */
  const shown = async (run: number): Promise<void> => {
    await runs.start(run)
    await runs.finish(run, { state: 'failed' })
  }

  test.each([
    ['not known yet', () => Promise.resolve()],
    ['being planned', () => pullRequest(7, 'synchronize', { fork: true })],
  ])('a push between the report and the word, %s, is not covered by it', async (_when, tell) => {
    await applied()
    await propose(7)
    await pullRequest(7, 'opened', { fork: true })
    await shown(2)
    const later = await propose(7, 'evil')
    await tell()
    await say('/larder ok', 'maintainer')
    expect((await summary()).at(-1)).toMatchObject({ head: later, trust: 'untrusted' })
    await say(`/larder ok ${later}`, 'maintainer')
    expect((await summary()).at(-1)).toMatchObject({ head: later, trust: 'trusted' })
  })

  test('a word for what nobody could have read counts for nothing', async () => {
    await applied()
    await propose(7)
    await pullRequest(7, 'opened', { fork: true })
    expect(await row(await say('/larder ok', 'maintainer'))).toMatchObject({
      state: 'ignored',
      reason: 'pull request 7 has no plan yet that anybody could have read: /larder ok COMMIT names what is meant',
    })
  })

  test('a forge that does not say who may approve holds up nothing else, and is asked once', async () => {
    await applied()
    const head = await propose(7)
    await pullRequest(7, 'opened', { fork: true })
    await shown(2)
    answer = 'FORGE_UNREACHABLE'
    const words = [await say('/larder ok', 'maintainer'), await say('/larder ok', 'eve')]
    asked = []
    const other = await push('main')
    expect(await row(other)).toMatchObject({ state: 'ignored', reason: 'run 1 is for the same commit' })
    expect(asked).toEqual(['maintainer'])
    expect(await Promise.all(words.map(async (id) => (await row(id)).state))).toEqual(['waiting', 'waiting'])
    answer = undefined
    await news.settleDeliveries()
    expect(await Promise.all(words.map(async (id) => (await row(id)).state))).toEqual(['done', 'ignored'])
    expect((await summary()).at(-1)).toMatchObject({ head, trust: 'trusted' })
  })

  test('more words than are settled at once hold up nothing else', async () => {
    await applied()
    await propose(7)
    await pullRequest(7, 'opened', { fork: true })
    answer = 'FORGE_UNREACHABLE'
    const meaning = { kind: 'approval', number: 7, by: 'eve', mayApprove: undefined, commit: undefined } as const
    for (let number = 0; number < 500; number++) {
      const delivery = { forge: 'github', repository, deliveryId: `word-${number}`, event: 'issue_comment', body: '{}' }
      news.understood(delivery, meaning)
      await events.accept(delivery)
    }
    const head = await commit('more')
    await push('main')
    await news.settleDeliveries()
    expect((await summary()).at(-1)).toMatchObject({ goal: 'apply', head })
  })

  test('a word that the forge does not answer about for a day is given up', async () => {
    await applied()
    await propose(7)
    await pullRequest(7, 'opened', { fork: true })
    answer = 'FORGE_UNREACHABLE'
    const id = await say('/larder ok', 'maintainer')
    nowMs += 25 * 3600_000
    await news.settleDeliveries()
    expect(await row(id)).toMatchObject({ state: 'ignored', reason: 'no answer' })
  })

  test('a token that may not ask who may approve is told of, and holds up nothing', async () => {
    await applied()
    await propose(7)
    await pullRequest(7, 'opened', { fork: true })
    answer = 'FORGE_REFUSED'
    expect(await row(await say('/larder ok', 'maintainer'))).toMatchObject({
      state: 'ignored',
      reason: 'the forge does not say whether maintainer may approve: no answer',
    })
  })

  describe('with no webhook', () => {
    const look = async (headCommit: string): Promise<string> => {
      open = [{ ...polled(7, headCommit), fromFork: true }]
      await news.poll()
      return (await summary()).at(-1)?.trust ?? ''
    }

    test('a comment that names the commit is heard, of somebody who may merge', async () => {
      await applied()
      const head = await propose(7)
      expect(await look(head)).toBe('untrusted')
      said = [
        { number: 7, by: 'eve', text: `/larder ok ${head}` },
        { number: 7, by: 'maintainer', text: '/larder ok' },
        { number: 7, by: 'maintainer', text: `/larder ok ${'0'.repeat(12)}` },
        { number: 8, by: 'maintainer', text: `/larder ok ${head}` },
      ]
      expect(await look(head)).toBe('untrusted')
      said.push({ number: 7, by: 'maintainer', text: `Fine.\n/larder ok ${head.slice(0, 12)}` })
      expect(await look(head)).toBe('trusted')
      expect(await pulls.get(7)).toMatchObject({ approvedBy: 'maintainer', approvedCommit: head })
      expect(await look(await propose(7, 'evil'))).toBe('untrusted')
    })

    test('is looked for where something has changed alone', async () => {
      await applied()
      const head = await propose(7)
      said = [{ number: 7, by: 'maintainer', text: `/larder ok ${head}` }]
      expect(await look(head)).toBe('trusted')
      asked = []
      await news.poll()
      await look(head)
      expect(asked).toEqual([])
    })

    test('a forge that does not answer is asked again at the next look', async () => {
      await applied()
      const head = await propose(7)
      await look(head)
      said = [{ number: 7, by: 'maintainer', text: `/larder ok ${head}` }]
      answer = 'FORGE_UNREACHABLE'
      expect(await look(head)).toBe('untrusted')
      answer = undefined
      await news.poll()
      expect((await summary()).at(-1)).toMatchObject({ trust: 'trusted' })
    })

    test('a token that may not read comments keeps no pull request from being planned', async () => {
      await applied()
      answer = 'FORGE_REFUSED'
      const head = await propose(7)
      said = [{ number: 7, by: 'maintainer', text: `/larder ok ${head}` }]
      expect(await look(head)).toBe('untrusted')
    })
  })

  test('a word for a commit that is not the head counts for nothing', async () => {
    await applied()
    await propose(7)
    await pullRequest(7, 'opened', { fork: true })
    expect(await row(await say('/larder ok 0123456789', 'maintainer'))).toMatchObject({ state: 'ignored' })
    expect(await summary()).toHaveLength(2)
  })

  /** Of a forge that tells which labels there are, not which one was set. */
  const labelled = async (by: string, commit: string) => {
    const delivery = { forge: 'github', repository, deliveryId: `d-${count++}`, event: 'label', body: '{}' }
    news.understood(delivery, { kind: 'approval', number: 7, by, mayApprove: undefined, labelled: true, commit })
    const { id } = await events.accept(delivery)
    await news.settleDeliveries()
    return row(id)
  }

  test('a label is somebody’s word for the commit at which it was set, not whenever another one changes', async () => {
    await applied()
    const head = await propose(7)
    await pullRequest(7, 'opened', { fork: true })
    expect(await labelled('maintainer', head)).toMatchObject({ state: 'done' })
    const later = await propose(7, 'evil')
    await pullRequest(7, 'synchronize', { fork: true })
    expect(await labelled('maintainer', later)).toMatchObject({
      state: 'ignored',
      reason: 'the label was there before: it holds for the commit that it was set at',
    })
    expect((await summary()).slice(1)).toMatchObject([
      { head, trust: 'untrusted' },
      { head, trust: 'trusted' },
      { head: later, trust: 'untrusted' },
    ])
    const [known] = await pulls.list({ limit: 1 })
    await pulls.put({ ...known!, labelled: false, updatedAt: new Date(nowMs + 3600_000) })
    expect(await labelled('maintainer', later)).toMatchObject({ state: 'done' })
    expect((await summary()).at(-1)).toMatchObject({ head: later, trust: 'trusted' })
  })

  test('a label that a stranger set is not made good by a maintainer who changes another', async () => {
    await applied()
    const head = await propose(7)
    await pullRequest(7, 'opened', { fork: true })
    expect(await labelled('eve', head)).toMatchObject({ reason: 'eve may not merge, and so may not approve' })
    expect(await labelled('maintainer', head)).toMatchObject({ state: 'ignored' })
    expect((await pulls.get(7))?.approvedCommit).toBeUndefined()
  })
})
