import { execFileSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { resolveRef } from '../forge/index.ts'
import { problemsOf, type NewRun, type Run } from '../pipeline/index.ts'
import { openTestLarder, type TestLarder } from './testing/open-test-larder.ts'

let larder: TestLarder
let base: string
let head: string

beforeEach(async () => {
  larder = await openTestLarder()
  base = await mainOf()
  head = await branch({ 'packages.json': '["alpha", "beta"]\n' })
})
afterEach(() => larder[Symbol.asyncDispose]())

/** A commit on top of main that main does not have. */
async function branch(files: Record<string, string>): Promise<string> {
  const before = await mainOf()
  await larder.commit(files, { apply: false })
  const commit = await mainOf()
  execFileSync('git', ['--git-dir', larder.dataFolder.siteRepository, 'update-ref', 'refs/heads/main', before])
  return commit
}

async function mainOf(): Promise<string> {
  const commit = await resolveRef(larder.dataFolder.siteRepository, 'refs/heads/main')
  if (commit === undefined) throw new Error('there is no main')
  return commit
}

/** What a pull request of the head asks for, to its end. */
async function propose(more: Partial<NewRun> = {}): Promise<Run> {
  const { runs, runner } = larder.larder.context
  const about = {
    branch: 'topic',
    commit: head,
    goal: 'plan',
    origin: 'test',
    pullRequest: 7,
    baseCommit: base,
  } as const
  const { id } = await runs.create({ ...about, ...more })
  runner.wake()
  await larder.settle()
  return runs.get(id)
}

async function read(run: number, path: string): Promise<string | undefined> {
  const file = await larder.larder.controller.previewed(run, 'apt', 'base', path)
  if (file === undefined) return undefined
  const chunks: Buffer[] = []
  for await (const chunk of file.open()) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

const packages = 'dists/stable/main/binary-amd64/Packages'
const logOf = async (run: Run) => (await larder.larder.context.runs.readLog(run.id, 0)).map(({ message }) => message)

test('what a pull request would publish is there for its clients, and nothing else has changed', async () => {
  const { controller, context } = larder.larder
  const before = await context.publisher.current('base')
  const run = await propose()
  expect(run).toMatchObject({ state: 'succeeded' })
  expect(await read(run.id, packages)).toMatch(/Package: alpha[^]*Package: beta/)
  expect(await context.publisher.current('base')).toEqual(before)
  expect(await context.publisher.snapshots('base')).toHaveLength(1)
  expect(await controller.previews(run.id)).toMatchObject([
    { run: run.id, pullRequest: 7, mirror: 'base', format: 'apt' },
  ])
  const setup = await controller.previewSetup(run.id, 'base', 'http://larder.example.org/preview/2')
  expect(setup).toMatchObject({
    format: 'apt',
    deb822: expect.stringContaining('URIs: http://larder.example.org/preview/2/apt/base'),
  })
  expect(await controller.previewKey(run.id, 'base')).not.toBe(await controller.publicKey('base'))
})

test('what was fetched for it need not be fetched when it is merged', async () => {
  await propose()
  const before = larder.upstream.requests.length
  await larder.commit({ 'packages.json': '["alpha", "beta"]\n', again: 'x' })
  const debs = larder.upstream.requests.slice(before).filter(({ path }) => path.endsWith('.deb'))
  expect(debs).toEqual([])
  expect((await larder.larder.controller.packages('base')).map(({ name }) => name)).toEqual(['alpha', 'beta'])
  expect(await larder.larder.controller.verify('base')).toEqual([])
})

test('gc leaves it its files, and takes them when it has expired', async () => {
  const { controller, context } = larder.larder
  const run = await propose()
  await controller.collectGarbage()
  expect(await read(run.id, packages)).toContain('beta')
  larder.clockOffsetMs = 8 * 24 * 3600_000
  expect(await read(run.id, packages)).toBeUndefined()
  await expect(controller.previewKey(run.id, 'base')).rejects.toMatchObject({ code: 'PREVIEW_UNKNOWN' })
  expect(await context.previews.expire(context.previewQuota)).toBe(1)
  const { removed } = await controller.collectGarbage()
  expect(removed).toBeGreaterThan(0)
  expect(await controller.verify('base')).toEqual([])
})

test('a newer plan of the pull request takes its place; more than are allowed go', async () => {
  const { controller, context } = larder.larder
  const first = await propose()
  const second = await propose()
  expect(await controller.previews()).toMatchObject([{ run: second.id }])
  const other = await propose({ pullRequest: 8 })
  expect((await controller.previews()).map(({ run }) => run)).toEqual([other.id, second.id])
  expect(await context.previews.expire({ runs: 1, bytes: 1e9 })).toBe(1)
  expect((await controller.previews()).map(({ run }) => run)).toEqual([other.id])
  expect(await context.previews.expire({ runs: 9, bytes: 1 })).toBe(1)
  expect(await read(first.id, packages)).toBeUndefined()
})

test('of an untrusted one, none is made unless a forge says what it may take', async () => {
  const run = await propose({ trust: 'untrusted' })
  expect(run).toMatchObject({ state: 'succeeded', plan: [{ subject: 'mirror base' }] })
  expect(await logOf(run)).toContain('no preview of mirror base: a maintainer has to say /larder ok first')
  expect(await larder.larder.controller.previews()).toEqual([])
})

test('an untrusted one that names another address is not looked up', async () => {
  const text = String(await (await larder.larder.context.openCommit(base)).read('larder.yaml'))
  head = await branch({ 'larder.yaml': text.replace(/url: "[^"]*"/, 'url: "http://127.0.0.1:9/"') })
  expect((await propose({ trust: 'untrusted' })).error).toMatchObject({
    code: 'FORK_NEEDS_APPROVAL',
    message: expect.stringContaining('the upstream test is not as main has it'),
  })
})

test('an untrusted one that names another key is not looked up', async () => {
  head = await branch({ 'keys/test.asc': larder.upstream.key.replace(/\n/, '\nComment: x\n') })
  const before = larder.upstream.requests.length
  expect((await propose({ trust: 'untrusted' })).error).toMatchObject({
    code: 'FORK_NEEDS_APPROVAL',
    message: expect.stringContaining('keys/test.asc is not as main has it'),
  })
  expect(larder.upstream.requests.length).toBe(before)
})

test('what cannot be merged is told, with the paths', async () => {
  await larder.commit({ 'packages.json': '["beta"]\n' }, { apply: false })
  const other = await mainOf()
  execFileSync('git', ['-C', larder.clone, 'checkout', '--quiet', base])
  head = await branch({ 'packages.json': '["alpha", "gamma"]\n' })
  expect((await propose({ baseCommit: other })).error).toMatchObject({
    code: 'MERGE_CONFLICT',
    message: 'It cannot be merged into main: both have changed "packages.json".',
  })
})

test('a list of 100,000 names is answered, in bounds', async () => {
  const names = Array.from({ length: 100_000 }, (_, index) => `package-${index}`)
  head = await branch({ 'packages.json': JSON.stringify(names) })
  const run = await propose()
  expect(run.state).toBe('failed')
  const { error } = run
  expect(problemsOf(run)).toHaveLength(1000)
  expect(error?.message).toContain('99000 more are not kept')
  expect(problemsOf(run)[0]).toMatchObject({ file: 'packages.json', line: 1 })
})

test.each(['trusted', 'untrusted'] as const)(
  'images of a pull request, %s, are planned and not built',
  async (trust) => {
    head = await branch({
      'larder.yaml': `${await readFile(join(larder.clone, 'larder.yaml'), 'utf8')}images: { list: images.json }\n`,
      'images.json': JSON.stringify([{ service_name: 'counter', type: 'Docker', version: '1.0' }]),
      'counter/Dockerfile': 'FROM scratch\nCOPY Dockerfile /\n',
    })
    const run = await propose({ trust })
    expect(run).toMatchObject({ state: 'succeeded' })
    const { plan } = await larder.larder.controller.run(run.id)
    expect(plan?.map(({ subject }) => subject)).toContain('image counter')
    expect(await larder.larder.controller.images()).toEqual([])
    expect(await larder.larder.context.images.builds.images()).toEqual([])
  },
)
