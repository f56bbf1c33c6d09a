import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { LarderError, silentLog, systemClock, type Clock } from '../../core/index.ts'
import { forgeNamed, prepareBareRepository, resolveRef, type ForgeApi, type PullRequest } from '../../forge/index.ts'
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
import { createSiteNews, type SiteNews } from '../site-source/site-news.ts'

const github = forgeNamed('github')
export const repository = 'campus/site'

interface Opened {
  folder: string
  state: State
  clock: Clock
  runs: RunStore
  events: EventStore
  pulls: PullRequestStore
}

/** A site at a forge that is a folder, what is told of it, and what came of that. */
export class NewsSite implements AsyncDisposable {
  readonly runs: RunStore
  readonly events: EventStore
  readonly pulls: PullRequestStore
  /** Where commits are made: the forge has what is here. */
  readonly work: string
  news: SiteNews
  /** Open pull requests, as the forge answers; and whether it answers. */
  open: PullRequest[] = []
  isAway = false
  /** Pull requests that were told of as closed. */
  closed: number[] = []
  branchesAsked = 0
  /** Login names that the forge was asked about; what it answers instead; and all comments. */
  asked: string[] = []
  answer: 'FORGE_UNREACHABLE' | 'FORGE_REFUSED' | undefined
  said: { number: number; by: string; text: string }[] = []
  count = 0
  readonly #opened: Opened
  readonly #bare: string
  readonly #now: { ms: number }

  static async start(): Promise<NewsSite> {
    const folder = await mkdtemp(join(tmpdir(), 'larder-news-test-'))
    const now = { ms: Date.parse('2026-01-01T00:00:00Z') }
    const clock = { ...systemClock, now: () => new Date(now.ms), monotonicMs: () => 0 }
    const state = await openDatabase({ path: ':memory:', clock })
    const paths = [join(folder, 'one.journal'), join(folder, 'two.journal')] as const
    const site = new NewsSite(
      {
        folder,
        state,
        clock,
        runs: createRunStore(state, clock),
        events: await openEventStore({ state, clock, journal: { paths, fileBytes: 1 << 16 } }),
        pulls: createPullRequestStore(state, { forge: 'github', repository }),
      },
      now,
    )
    await mkdir(site.work)
    site.git('init', '-q', '-b', 'main')
    await prepareBareRepository(site.#bare)
    return site
  }

  private constructor(opened: Opened, now: { ms: number }) {
    this.#opened = opened
    this.#now = now
    this.runs = opened.runs
    this.events = opened.events
    this.pulls = opened.pulls
    this.work = join(opened.folder, 'work')
    this.#bare = join(opened.folder, 'site.git')
    this.news = this.restart()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { state, folder } = this.#opened
    await this.events.close()
    await state.close()
    await rm(folder, { recursive: true, force: true })
  }

  get nowMs(): number {
    return this.#now.ms
  }

  set nowMs(ms: number) {
    this.#now.ms = ms
  }

  /** Another that knows nothing but what is written down. */
  restart(): SiteNews {
    const { state, clock } = this.#opened
    const given = { type: 'github', url: this.work, repository, tokenFile: 'x' }
    const { forge: config } = controllerSchema.parse({ forge: given })
    const context = {
      log: silentLog,
      clock,
      state,
      runs: this.runs,
      runner: { wake: () => {} },
      repository: this.#bare,
      pullRequests: this.pulls,
      stopping: new AbortController().signal,
    } as unknown as ControllerContext
    return createSiteNews({
      context,
      events: this.events,
      connected: {
        config: config!,
        remote: { url: `file://${this.work}`, name: 'forge' },
        hosted: { forge: github, repository, api: this.#api() },
      },
      appliedBranches: () => {
        this.branchesAsked++
        return Promise.resolve(['main', 'develop'])
      },
      appliedHeads: () => this.#heads(['main', 'develop']),
      onCreated: () => Promise.resolve(),
      onClosed: (number) => Promise.resolve(void this.closed.push(number)),
    })
  }

  #api(): ForgeApi {
    return {
      openPullRequests: () =>
        this.isAway
          ? Promise.reject(new LarderError('FORGE_UNREACHABLE', { message: 'away' }))
          : Promise.resolve(this.open),
      mayApprove: (login) => {
        this.asked.push(login)
        return this.answer === undefined
          ? Promise.resolve(login === 'maintainer')
          : Promise.reject(new LarderError(this.answer, { message: 'no answer' }))
      },
      comments: (number) => Promise.resolve(this.said.filter((one) => one.number === number)),
      setStatus: () => Promise.resolve(),
      setComment: () => Promise.resolve(),
      gitLogin: () => Promise.resolve(undefined),
    }
  }

  async #heads(branches: readonly string[]): Promise<Map<string, string>> {
    const heads = new Map<string, string>()
    for (const branch of branches) {
      const commit = await resolveRef(this.#bare, `refs/remotes/forge/heads/${branch}`)
      if (commit !== undefined) heads.set(branch, commit)
    }
    return heads
  }

  git(...args: string[]): string {
    const identity = ['-c', 'user.name=a', '-c', 'user.email=a@example.org']
    const env = { PATH: process.env['PATH'], HOME: this.#opened.folder }
    return execFileSync('git', [...identity, ...args], {
      cwd: this.work,
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  }

  async commit(path: string): Promise<string> {
    await writeFile(join(this.work, path), `${path} ${this.count++}`)
    this.git('add', '-A')
    this.git('commit', '-q', '-m', path)
    return this.git('rev-parse', 'HEAD')
  }

  /** A commit on top of main that only the pull request has. */
  async propose(number: number, path = `p${number}`): Promise<string> {
    this.git('checkout', '-q', '-B', `topic-${number}`, 'main')
    const head = await this.commit(path)
    this.git('update-ref', `refs/pull/${number}/head`, head)
    this.git('checkout', '-q', 'main')
    return head
  }

  merge(number: number): string {
    this.git('merge', '-q', '--no-ff', '-m', `merge ${number}`, `refs/pull/${number}/head`)
    return this.git('rev-parse', 'HEAD')
  }

  async deliver(event: string, payload: object, of = repository): Promise<number> {
    const body = JSON.stringify({ ...payload, repository: { full_name: of } })
    const delivery = { forge: 'github', repository: of, deliveryId: `d-${this.count++}`, event, body }
    const { id } = await this.events.accept(delivery)
    await this.news.settleDeliveries()
    return id
  }

  push(branch: string, of?: string): Promise<number> {
    return this.deliver('push', { ref: `refs/heads/${branch}`, after: 'c'.repeat(40) }, of)
  }

  /** What a payload claims of heads is never true here: nothing depends on it. */
  pullRequest(
    number: number,
    action: string,
    more: { merged?: boolean; fork?: boolean; at?: string; base?: string } = {},
  ): Promise<number> {
    const ofHead = more.fork ? 'eve/site' : repository
    return this.deliver('pull_request', {
      action,
      number,
      pull_request: {
        title: 'Add nmap',
        user: { login: 'alice' },
        updated_at: more.at ?? new Date(this.nowMs + this.count * 1000).toISOString(),
        merged: more.merged ?? false,
        head: { ref: `topic-${number}`, sha: 'd'.repeat(40), repo: { full_name: ofHead } },
        base: { ref: more.base ?? 'main', sha: 'e'.repeat(40), repo: { full_name: repository } },
      },
    })
  }

  polled(number: number, headCommit: string): PullRequest {
    return {
      number,
      title: 'Add nmap',
      author: 'alice',
      head: `topic-${number}`,
      headCommit,
      headRepository: repository,
      base: 'main',
      baseCommit: '',
      fromFork: false,
      updatedAt: new Date(this.nowMs + this.count++ * 1000),
    }
  }

  async row(id: number) {
    const [one] = await this.events.list({ limit: 1, before: id + 1 })
    expect(one?.id).toBe(id)
    return one!
  }

  /** As the runner would. */
  async finish(id: number): Promise<void> {
    await this.runs.start(id)
    await this.runs.finish(id, { state: 'succeeded' })
    await this.news.reconcile({ origin: 'a run', again: false })
  }

  async applied(): Promise<string> {
    const head = await this.commit('larder.yaml')
    await this.news.poll()
    await this.finish(1)
    return head
  }

  async summary() {
    return (await this.runs.list({ limit: 100 }))
      .reverse()
      .map(({ goal, commit: head, pullRequest: number, baseCommit, trust, state: is }) => ({
        goal,
        head,
        number,
        baseCommit,
        trust,
        is,
      }))
  }
}
