import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLog } from '../../core/index.ts'
import { FakeClock } from '../../core/testing/fake-clock.ts'
import { forgeNamed, type ForgeName } from '../../forge/index.ts'
import { fetchSend } from '../../forge/testing/fetch-send.ts'
import { startStandIn, type StandInForge } from '../../forge/testing/stand-in-forge.ts'
import { createOutbox, createRunStore, type Outbox, type Run, type RunStore } from '../../pipeline/index.ts'
import { openDatabase, type State } from '../../state/index.ts'
import { createReporter, reportHandlers, type Reporter } from './reporter.ts'

let state: State
let clock: FakeClock
let runs: RunStore
let forge: StandInForge
let outbox: Outbox
let reporter: Reporter

async function open(name: ForgeName): Promise<string> {
  clock = new FakeClock()
  state = await openDatabase({ path: ':memory:', clock })
  runs = createRunStore(state, clock)
  forge = await startStandIn(name, { now: () => clock.now() })
  const { api: url, repository } = forge.config
  const credentials = { kind: 'token', token: forge.token } as const
  const api = forgeNamed(name).api({ url, repository, credentials, send: fetchSend, now: () => clock.now() })
  outbox = createOutbox({ state, clock, log: silentLog, handlers: reportHandlers(api) })
  outbox.start()
  reporter = createReporter({
    outbox,
    runs,
    previews: () => Promise.resolve([]),
    publishedMirrors: () => Promise.resolve(['base', 'el9']),
    publicUrl: () => 'http://larder.example.org',
    now: () => clock.now(),
  })
  await forge.push({ 'larder.yaml': 'site: test\n' })
  await forge.push({ a: 'a' }, { branch: 'add-nmap' })
  return (await forge.openPull({ branch: 'add-nmap' })).headCommit
}

/** A run of the pull request, which the runner has begun with. */
async function planOf(commit: string): Promise<Run> {
  const about = { pullRequest: 1, baseCommit: 'b'.repeat(40) }
  const run = await runs.create({ branch: 'add-nmap', commit, goal: 'plan', origin: 'test', ...about })
  return runs.start(run.id)
}

const plan = [{ subject: 'mirror base', action: 'update', summary: '+1 package', detail: {} }] as const
const comments = (): string[] => forge.world.comments.map(({ text }) => text)
const states = (): string[] => forge.world.statuses.map((one) => `${one.name} ${one.state}: ${one.description}`)

async function tell(run: Run, moment: 'queued' | 'planned' | 'finished'): Promise<void> {
  await reporter.changed(await runs.get(run.id), moment)
  await outbox.idle()
}

afterEach(async () => {
  await outbox.stop()
  await forge[Symbol.asyncDispose]()
  await state.close()
})

describe.each<ForgeName>(['github', 'gitlab', 'gitea'])('at %s', (name) => {
  let commit: string
  beforeEach(async () => {
    commit = await open(name)
  })

  it('a plan is told from its beginning to its end, in one comment', async () => {
    const run = await planOf(commit)
    await tell(run, 'queued')
    expect(comments()).toEqual([])
    await runs.recordPlan(run.id, plan)
    await tell(run, 'planned')
    expect(comments()).toHaveLength(1)
    await runs.finish(run.id, { state: 'succeeded' })
    await tell(run, 'finished')
    expect(comments()).toHaveLength(1)
    expect(comments()[0]).toContain('Not touched: `mirror el9`')
    expect(comments()[0]).not.toContain('under way')
    expect(forge.world.statuses.at(-1)).toMatchObject({
      name: 'larder',
      state: 'success',
      description: 'mirror base: +1 package',
      url: `http://larder.example.org/runs/${run.id}`,
    })
    expect(forge.world.statuses[0]?.state).toMatch(/^(?:pending|running)$/)
  })

  it('an outage of the forge delays what is said, and only the last of it is said', async () => {
    const run = await planOf(commit)
    forge.server.outage = { status: 503 }
    await tell(run, 'queued')
    await runs.recordPlan(run.id, plan)
    await tell(run, 'planned')
    await runs.finish(run.id, { state: 'failed', error: { code: 'MERGE_CONFLICT', message: 'Both have changed it.' } })
    await tell(run, 'finished')
    expect(states()).toEqual([])
    forge.server.outage = undefined
    clock.advance(3600_000)
    outbox.wake()
    await outbox.idle()
    expect(states()).toEqual([`larder ${name === 'gitlab' ? 'failed' : 'failure'}: Both have changed it.`])
    expect(comments()).toHaveLength(1)
    expect(forge.server.faults).toEqual([])
  })
})

describe('what is told', () => {
  it('of main: that it is applied, and of a sync only how it ended', async () => {
    await open('gitea')
    const commit = (await forge.world.repository.resolve('refs/heads/main')) ?? ''
    const run = await runs.create({ branch: 'main', commit, goal: 'apply', origin: 'push' })
    await tell(run, 'queued')
    await runs.start(run.id)
    await runs.finish(run.id, { state: 'failed', error: { code: 'FETCH_UNREACHABLE', message: 'No answer.' } })
    await tell(run, 'finished')
    const sync = await runs.create({ branch: 'main', commit, goal: 'apply', origin: 'sync' })
    await tell(sync, 'queued')
    await runs.start(sync.id)
    await runs.recordPlan(sync.id, [])
    await runs.finish(sync.id, { state: 'succeeded' })
    await tell(sync, 'finished')
    expect(states()).toEqual([
      'larder/apply pending: Waits for its turn.',
      'larder/apply error: No answer.',
      'larder/apply success: Nothing changes.',
    ])
    expect(comments()).toEqual([])
  })

  it('nothing of branches that nobody has proposed, and of what was superseded', async () => {
    const commit = await open('gitea')
    const branch = await runs.create({ branch: 'topic', commit, goal: 'plan', origin: 'poll' })
    await tell(branch, 'queued')
    const about = { pullRequest: 1, baseCommit: 'b'.repeat(40) }
    const first = await runs.create({ branch: 'x', commit, goal: 'plan', origin: 'test', ...about })
    await runs.create({ branch: 'x', commit, goal: 'plan', origin: 'test', ...about })
    await tell(first, 'finished')
    expect(states()).toEqual([])
  })

  it('of a commit that a newer one replaced before it was planned: that nobody need wait for it', async () => {
    const commit = await open('gitlab')
    const newer = await forge.push({ a: 'b' }, { branch: 'add-nmap' })
    const about = { branch: 'add-nmap', goal: 'plan', origin: 'test', pullRequest: 1 } as const
    await tell(await runs.create({ ...about, commit, baseCommit: 'b'.repeat(40) }), 'queued')
    // Main has moved: the same commit, which still is to be planned.
    await tell(await runs.create({ ...about, commit, baseCommit: 'c'.repeat(40) }), 'queued')
    await tell(await runs.create({ ...about, commit: newer, baseCommit: 'c'.repeat(40) }), 'queued')
    expect(forge.world.statuses.map((one) => [one.commit, one.state])).toEqual([
      [commit, 'running'],
      [commit, 'failed'],
      [newer, 'running'],
    ])
  })

  it('of one that was called off: the state, while the comment stays', async () => {
    const commit = await open('gitea')
    const run = await planOf(commit)
    await runs.finish(run.id, { state: 'cancelled' })
    await tell(run, 'finished')
    expect(states()).toEqual(['larder error: Cancelled.'])
    expect(comments()).toEqual([])
  })

  it('after a kill between the end of a run and its report: the report, once', async () => {
    const commit = await open('gitea')
    const run = await planOf(commit)
    await tell(run, 'queued')
    clock.advance(1000)
    await runs.recordPlan(run.id, plan)
    await runs.finish(run.id, { state: 'succeeded' })
    clock.advance(1000)
    await reporter.catchUp()
    await reporter.catchUp()
    await outbox.idle()
    expect(states()).toEqual(['larder pending: Is being planned.', 'larder success: mirror base: +1 package'])
    expect(await state.db.selectFrom('outbox').selectAll().where('kind', '=', 'status').execute()).toHaveLength(2)
  })
})
