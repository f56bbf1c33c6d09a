import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { silentLog, systemClock } from '../../core/index.ts'
import { prepareBareRepository, resolveRef } from '../../forge/index.ts'
import { createRunStore, type RunStore } from '../../pipeline/index.ts'
import { openDatabase, type State } from '../../state/index.ts'
import { pollBranches } from './poll-branches.ts'
import type { NewsContext } from './site-news.ts'

let folder: string
let bare: string
let state: State
let runs: RunStore
let count: number

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-poll-test-'))
  bare = join(folder, 'site.git')
  await mkdir(join(folder, 'work'))
  git('init', '-q', '-b', 'main')
  await prepareBareRepository(bare)
  state = await openDatabase({ path: ':memory:', clock: systemClock })
  runs = createRunStore(state, systemClock)
  count = 0
})
afterEach(async () => {
  await state.close()
  await rm(folder, { recursive: true, force: true })
})

function git(...args: string[]): string {
  const identity = ['-c', 'user.name=a', '-c', 'user.email=a@example.org']
  const env = { PATH: process.env['PATH'], HOME: folder }
  return execFileSync('git', [...identity, ...args], {
    cwd: join(folder, 'work'),
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim()
}

async function commitTo(branch: string): Promise<string> {
  git('checkout', '-q', '-B', branch)
  await writeFile(join(folder, 'work', 'file'), String(count++))
  git('add', '-A')
  git('commit', '-q', '-m', 'change')
  return git('rev-parse', 'HEAD')
}

const poll = (): Promise<void> =>
  pollBranches({
    context: { state, runs, repository: bare, log: silentLog, stopping: new AbortController().signal },
    connected: { remote: { url: `file://${join(folder, 'work')}`, name: 'forge' } },
    onCreated: () => Promise.resolve(),
    appliedBranches: () => Promise.resolve(['main']),
  } as unknown as NewsContext)

const planned = async () =>
  (await runs.list({ limit: 20 })).map(({ branch, commit, goal }) => [branch, commit, goal]).reverse()
const here = (branch: string) => resolveRef(bare, `refs/remotes/forge/heads/${branch}`)

test('what was there at the first look is not planned; what is pushed later is, once', async () => {
  await commitTo('main')
  await commitTo('old')
  await poll()
  expect(await here('main')).toBe(git('rev-parse', 'main'))
  expect(await planned()).toEqual([])
  const pushed = await commitTo('topic/one')
  await poll()
  await poll()
  expect(await planned()).toEqual([['topic/one', pushed, 'plan']])
  const main = await commitTo('main')
  await poll()
  expect(await here('main')).toBe(main)
  expect(await planned()).toHaveLength(1)
})

test('a branch that is deleted and pushed again with the same commit is not planned again', async () => {
  await commitTo('main')
  await poll()
  const commit = await commitTo('topic')
  await poll()
  git('checkout', '-q', 'main')
  git('branch', '-q', '-D', 'topic')
  await poll()
  expect(await here('topic')).toBeUndefined()
  git('branch', '-q', 'topic', commit)
  await poll()
  expect(await planned()).toEqual([['topic', commit, 'plan']])
})

test('a branch goes, and another takes its name as a folder', async () => {
  await commitTo('main')
  await poll()
  await commitTo('topic')
  await poll()
  git('checkout', '-q', 'main')
  git('branch', '-q', '-D', 'topic')
  const below = await commitTo('topic/below')
  const main = await commitTo('main')
  await poll()
  expect(await here('main')).toBe(main)
  expect((await planned()).at(-1)).toEqual(['topic/below', below, 'plan'])
  git('checkout', '-q', 'main')
  git('branch', '-q', '-D', 'topic/below')
  const again = await commitTo('topic')
  await poll()
  expect((await planned()).at(-1)).toEqual(['topic', again, 'plan'])
})

test('a branch that cannot be fetched keeps main from nothing, and is looked at again', async () => {
  await commitTo('main')
  await poll()
  const topic = await commitTo('topic')
  // What is in its way is not of this remote's making.
  execFileSync('git', ['--git-dir', bare, 'update-ref', 'refs/remotes/forge/heads/topic/x', (await here('main')) ?? ''])
  const main = await commitTo('main')
  await poll()
  expect(await here('main')).toBe(main)
  expect(await planned()).toEqual([])
  execFileSync('git', ['--git-dir', bare, 'update-ref', '-d', 'refs/remotes/forge/heads/topic/x'])
  await poll()
  expect(await planned()).toEqual([['topic', topic, 'plan']])
})

test('a repository that is gone is told of', async () => {
  await commitTo('main')
  await poll()
  await rm(join(folder, 'work'), { recursive: true })
  await expect(poll()).rejects.toMatchObject({ code: 'GIT_FAILED' })
})
