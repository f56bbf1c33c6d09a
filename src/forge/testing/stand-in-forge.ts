import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ForgeName } from '../forge.ts'
import { forgeNamed } from '../forges.ts'
import { giteaDialect } from './stand-in-gitea.ts'
import { githubDialect } from './stand-in-github.ts'
import { gitlabDialect } from './stand-in-gitlab.ts'
import { createStandInRepository, type FileChanges } from './stand-in-repository.ts'
import { serveStandIn, type StandInServer } from './stand-in-server.ts'
import type { Dialect, HookPayload, PullNews, StandInPull, StandInWorld } from './stand-in-world.ts'

export interface StandInOptions {
  /** Default `campus/site`. */
  repository?: string
  /** Default `stand-in-token`. */
  token?: string
  now?: () => Date
  /** GitHub: an App that may sign in. PEM. */
  app?: { id: string; installation: string; publicKey: string }
}

/**
 * A forge on the loopback with a real bare repository: it answers what Larder asks as the real one is documented to,
 * refuses what that would refuse, and keeps all of it; and it does what people do there, with signed webhooks.
 */
export interface StandInForge extends AsyncDisposable {
  readonly world: StandInWorld
  readonly server: StandInServer
  /** What ForgeConfig takes: type, url, repository, api. */
  readonly config: { type: ForgeName; url: string; repository: string; api: string }
  readonly token: string
  /** Where webhooks go. Undefined: nowhere, as if all were lost. */
  hook: { url: string; secret: string } | undefined
  /** Webhooks that were sent, with the status that they were answered with; 0: nobody answered. */
  readonly deliveries: StandInDelivery[]
  /** Commits to a branch (default main), and pushes it. Answers the commit. */
  push(changes: FileChanges, options?: { branch?: string; fork?: string; message?: string }): Promise<string>
  openPull(options: { branch: string; title?: string; author?: string; fork?: string }): Promise<StandInPull>
  /** Answers the new head of main. */
  merge(number: number, options?: { squash?: boolean; by?: string }): Promise<string>
  close(number: number): Promise<void>
  reopen(number: number): Promise<void>
  comment(number: number, author: string, text: string): Promise<void>
  label(number: number, by: string, label: string): Promise<void>
  /** Sends once more what was sent, with its number. */
  redeliver(delivery: StandInDelivery): Promise<void>
}

export interface StandInDelivery {
  id: string
  event: string
  text: string
  status: number
}

const dialects: Readonly<Record<ForgeName, Dialect>> = {
  github: githubDialect,
  gitlab: gitlabDialect,
  gitea: giteaDialect,
}

export async function startStandIn(name: ForgeName, options: StandInOptions = {}): Promise<StandInForge> {
  const { repository: full = 'campus/site', token = 'stand-in-token', now = () => new Date() } = options
  const folder = await mkdtemp(join(tmpdir(), 'larder-forge-'))
  const repository = await createStandInRepository(join(folder, 'site.git'))
  const dialect = dialects[name]
  let lastId = 0
  const world: StandInWorld = {
    repository,
    name: full,
    now,
    pulls: [],
    comments: [],
    statuses: [],
    checkRuns: [],
    collaborators: new Map([['maintainer', 'admin']]),
    owner: 'larder-bot',
    isTokenOfAdministrator: true,
    pageSize: 100,
    nextId: () => ++lastId,
  }
  const server = await serveStandIn({ dialect, world, token, app: options.app })
  return new RunningStandIn(name, { world, server, dialect, token, folder })
}

type Parts = Pick<StandInForge, 'world' | 'server' | 'token'> & { dialect: Dialect; folder: string }

class RunningStandIn implements StandInForge {
  readonly world: StandInWorld
  readonly server: StandInServer
  readonly config: StandInForge['config']
  readonly token: string
  readonly deliveries: StandInDelivery[] = []
  hook: StandInForge['hook']
  readonly #name: ForgeName
  readonly #dialect: Dialect
  readonly #folder: string

  constructor(name: ForgeName, { world, server, token, dialect, folder }: Parts) {
    this.world = world
    this.server = server
    this.token = token
    this.#name = name
    this.#dialect = dialect
    this.#folder = folder
    const url = `file://${world.repository.folder}`
    this.config = { type: name, url, repository: world.name, api: server.apiUrl }
  }

  async push(changes: FileChanges, options: { branch?: string; fork?: string; message?: string } = {}) {
    const { branch = 'main', fork, message = 'change' } = options
    const { repository } = this.world
    const ref = branchRefOf(branch, fork)
    const before = await repository.resolve(ref)
    const commit = await repository.commit(before ?? (await repository.resolve('refs/heads/main')), changes, message)
    await repository.update(ref, commit)
    if (fork === undefined) await this.#tellPush(branch, before, commit)
    for (const pull of this.world.pulls) {
      if (pull.state !== 'open' || pull.branch !== branch || pull.fork !== fork) continue
      pull.headCommit = commit
      await repository.update(this.#pullRef(pull), commit)
      await this.#tellPull(pull, { action: 'update', by: pull.author })
    }
    return commit
  }

  async openPull({ branch, title = 'A change', author = 'author', fork }: Parameters<StandInForge['openPull']>[0]) {
    const { world } = this
    const headCommit = await world.repository.resolve(branchRefOf(branch, fork))
    const baseCommit = await world.repository.resolve('refs/heads/main')
    if (headCommit === undefined || baseCommit === undefined)
      throw new Error(`there is no branch ${branch}, or no main`)
    const number = world.pulls.length + 1
    const updatedAt = world.now()
    const about = { number, title, author, branch, headCommit, baseCommit, fork }
    const pull: StandInPull = { ...about, state: 'open', labels: [], updatedAt }
    world.pulls.push(pull)
    await world.repository.update(this.#pullRef(pull), headCommit)
    await this.#tellPull(pull, { action: 'open', by: author })
    return pull
  }

  async merge(number: number, { squash = false, by = 'maintainer' }: { squash?: boolean; by?: string } = {}) {
    const pull = this.#pull(number)
    const { repository } = this.world
    const before = await repository.resolve('refs/heads/main')
    const options = { squash, message: `Merge pull request ${number}` }
    const after = await repository.merge(before ?? '', pull.headCommit, options)
    await repository.update('refs/heads/main', after)
    pull.state = 'merged'
    await this.#tellPush('main', before, after)
    await this.#tellPull(pull, { action: 'merge', by })
    return after
  }

  async close(number: number) {
    const pull = this.#pull(number)
    pull.state = 'closed'
    await this.#tellPull(pull, { action: 'close', by: pull.author })
  }

  async reopen(number: number) {
    const pull = this.#pull(number)
    pull.state = 'open'
    await this.#tellPull(pull, { action: 'reopen', by: pull.author })
  }

  async comment(number: number, author: string, text: string) {
    const comment = { id: this.world.nextId(), pull: number, author, text }
    this.world.comments.push(comment)
    const pull = this.#pull(number)
    // Some forges count whole seconds.
    pull.updatedAt = new Date(Math.max(this.world.now().getTime(), pull.updatedAt.getTime() + 1000))
    await this.#deliver(this.#dialect.comment(this.world, comment, pull))
  }

  async label(number: number, by: string, label: string) {
    const pull = this.#pull(number)
    pull.labels.push(label)
    await this.#tellPull(pull, { action: 'label', by })
  }

  async redeliver({ id, event, text }: StandInDelivery) {
    await this.#send({ id, event, text, status: 0 })
  }

  async [Symbol.asyncDispose]() {
    await this.server.close()
    await rm(this.#folder, { recursive: true, force: true })
  }

  #pull(number: number): StandInPull {
    const pull = this.world.pulls.find((one) => one.number === number)
    if (pull === undefined) throw new Error(`there is no pull request ${number}`)
    return pull
  }

  #pullRef({ number }: StandInPull): string {
    return forgeNamed(this.#name).pullRequestRef(number)
  }

  #tellPush(branch: string, before: string | undefined, after: string): Promise<void> {
    return this.#deliver(this.#dialect.push(this.world, { branch, before: before ?? '0'.repeat(40), after }))
  }

  #tellPull(pull: StandInPull, news: PullNews): Promise<void> {
    pull.updatedAt = this.world.now()
    return this.#deliver(this.#dialect.pull(this.world, pull, news))
  }

  async #deliver({ event, value }: HookPayload): Promise<void> {
    await this.#send({ id: randomUUID(), event, text: JSON.stringify(value), status: 0 })
  }

  async #send(delivery: StandInDelivery): Promise<void> {
    if (this.hook === undefined) return
    const { url, secret } = this.hook
    const { id: deliveryId, event, text } = delivery
    const headers = forgeNamed(this.#name).sign({ event, text, deliveryId, secret, now: this.world.now() })
    const answer = await fetch(url, { method: 'POST', headers, body: text }).catch(() => undefined)
    await answer?.arrayBuffer()
    this.deliveries.push({ ...delivery, status: answer?.status ?? 0 })
  }
}

const branchRefOf = (branch: string, fork: string | undefined): string =>
  fork === undefined ? `refs/heads/${branch}` : `refs/forks/${fork}/${branch}`
