import { afterEach, beforeEach, expect, test } from 'vitest'
import { createRandom } from '../../test/e2e/support/random.ts'
import { LarderError, silentLog, systemClock, type SiteFiles } from '../core/index.ts'
import { memoryFiles } from '../core/testing/memory-files.ts'
import { openDatabase, type State } from '../state/index.ts'
import { createRunner, type Runner, type RunnerOptions } from './runner.ts'
import { createRunStore, type RunStore } from './run-store.ts'
import { createFakeKind, type FakeKind } from './testing/fake-kind.ts'

let state: State
let runs: RunStore
/** Follow main. */
let packages: FakeKind
/** Follow the branch that their first word names. */
let images: FakeKind
let runner: Runner

/** A commit says what is on each branch: `develop=a,b`. */
const openCommit = ({ commit }: { commit: string }): Promise<SiteFiles & { close(): void }> => {
  const [branch = '', words = ''] = commit.split('=')
  return Promise.resolve(
    memoryFiles({ 'larder.yaml': `site: lab\npackages: [${words}]\nimages: [${branch},${words}]\n` }),
  )
}

const start = (options: Partial<RunnerOptions> = {}): Runner =>
  createRunner({
    runs,
    kinds: [packages.kind, images.kind],
    openFiles: openCommit,
    clock: systemClock,
    log: silentLog,
    retryDelayMs: 1,
    ...options,
  })

const apply = (branch: string, words: string, imagesOn = 'develop') =>
  runs.create({ branch, commit: `${imagesOn}=${words}`, goal: 'apply', origin: 'test' })

const stateOf = async (id: number): Promise<string> => (await runs.get(id)).state

beforeEach(async () => {
  state = await openDatabase({ path: ':memory:', clock: systemClock })
  runs = createRunStore(state, systemClock)
  packages = createFakeKind({ section: 'packages' })
  images = createFakeKind({ section: 'images', branchOf: ([branch = 'main']) => branch })
  runner = start()
})
afterEach(async () => {
  await runner.stop()
  await state.close()
})

/** The next stage of an image waits for what is answered; `begun` is when it does. */
function holdImages(): { begun: Promise<undefined>; release: () => void } {
  const [begun, held] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()]
  images.before = async (step, _subject, signal) => {
    if (step !== 'stage') return
    begun.resolve(undefined)
    signal.addEventListener('abort', () => held.reject(signal.reason as Error))
    await held.promise
  }
  return { begun: begun.promise, release: () => held.resolve(undefined) }
}

test('a long build of develop holds up nothing that is merged to main, and is not disturbed by it', async () => {
  const { begun, release } = holdImages()
  await apply('develop', 'counter')
  await runner.start()
  await begun
  for (const [id, words] of ['a', 'a,b', 'a,b,c'].entries()) {
    await apply('main', words)
    runner.wake()
    await expect.poll(() => stateOf(id + 2)).toBe('succeeded')
  }
  expect([...packages.visible]).toEqual(['a', 'b', 'c'])
  expect(await runs.get(1)).toMatchObject({ state: 'running', attempts: 1 })
  await apply('develop', 'counter,store')
  runner.wake()
  expect(await stateOf(5)).toBe('waiting')
  release()
  await runner.idle()
  expect(images.calls.filter((call) => call.startsWith('stage'))).toEqual([
    'stage develop',
    'stage counter',
    'stage store',
  ])
  expect([await stateOf(1), await stateOf(5)]).toEqual(['succeeded', 'succeeded'])
})

test('a kind that two branches are about is worked at by one of them at a time', async () => {
  const { begun, release } = holdImages()
  await apply('develop', 'counter')
  await runner.start()
  await begun
  await apply('main', 'counter', 'main')
  runner.wake()
  await expect
    .poll(async () => (await runs.readLog(2, 0)).map(({ message }) => message))
    .toContain('waits for the end of run 1')
  expect(packages.calls).toEqual([])
  release()
  await runner.idle()
  expect([await stateOf(1), await stateOf(2)]).toEqual(['succeeded', 'succeeded'])
  expect(images.calls.filter((call) => call === 'stage counter')).toHaveLength(1)
})

test.each([
  ['cancelled', () => runner.cancel(2), 'cancelled'],
  ['stopped', () => runner.stop(), 'waiting'],
])('a run that waits for a kind and is %s gives up its place', async (_how, end, expected) => {
  const { begun } = holdImages()
  await apply('develop', 'counter')
  await runner.start()
  await begun
  await apply('main', 'counter', 'main')
  runner.wake()
  await expect.poll(async () => (await runs.readLog(2, 0)).length).toBeGreaterThan(0)
  await end()
  await expect.poll(() => stateOf(2)).toBe(expected)
})

test('what the end of one branch could not be written down for leaves the other branch alone', async () => {
  const { begun, release } = holdImages()
  let refusals = 2
  const finish: RunStore['finish'] = (id, outcome) =>
    id === 2 && refusals-- > 0
      ? Promise.reject(new LarderError('DISK_FULL', { message: 'full' }))
      : runs.finish(id, outcome)
  runner = start({ runs: { ...runs, finish } })
  await apply('develop', 'counter')
  await runner.start()
  await begun
  await apply('main', 'a')
  runner.wake()
  await expect.poll(() => stateOf(2)).toBe('succeeded')
  expect(await runs.get(1)).toMatchObject({ state: 'running', attempts: 1 })
  release()
  await runner.idle()
  expect(await stateOf(1)).toBe('succeeded')
})

test('what is to be applied and cannot be read is looked for again', async () => {
  let refusals = 2
  const branchesToApply = (): Promise<string[]> =>
    refusals-- > 0 ? Promise.reject(new LarderError('DISK_FULL', { message: 'full' })) : runs.branchesToApply()
  runner = start({ runs: { ...runs, branchesToApply } })
  await apply('main', 'a')
  await runner.start()
  await expect.poll(() => stateOf(1)).toBe('succeeded')
})

test('killed again and again, with failures that pass: the order of each branch is kept, and no kind is shared', async () => {
  const random = createRandom(5)
  const total = 60
  let life = 0
  const atWork = new Map<FakeKind, number>()
  const switches = new Map<FakeKind, string[]>([
    [packages, []],
    [images, []],
  ])
  /** In a life that is over nothing ever happens again. */
  const untilDeath = (mine: number): Promise<unknown> | undefined => (mine === life ? undefined : new Promise(() => {}))
  const storeOf = (mine: number): RunStore =>
    new Proxy(runs, {
      get:
        (store, name: keyof RunStore) =>
        async (...input: never[]) => {
          await untilDeath(mine)
          const answer: unknown = await (store[name] as (...given: never[]) => Promise<unknown>)(...input)
          await untilDeath(mine)
          return answer
        },
    })
  for (const kind of [packages, images]) {
    kind.before = async (step, subject) => {
      const mine = life
      atWork.set(kind, (atWork.get(kind) ?? 0) + 1)
      expect(atWork.get(kind)).toBe(1)
      await systemClock.sleep(random.below(3))
      await untilDeath(mine)
      atWork.set(kind, 0)
      if (step === 'stage' && random.below(6) === 0) throw new LarderError('DISK_FULL', { message: 'not now' })
      if (step === 'switch') switches.get(kind)?.push(subject)
    }
  }
  const made = new Map([
    ['main', ''],
    ['develop', ''],
  ])
  const begin = async (): Promise<void> => {
    atWork.clear()
    runner = start({ attempts: 1000, runs: storeOf(life) })
    await runner.start()
  }
  await begin()
  for (let count = 1; count <= total; count++) {
    const branch = random.below(2) === 0 ? 'main' : 'develop'
    const words = `${made.get(branch) ?? ''}${branch}${count},`
    made.set(branch, words)
    await apply(branch, words)
    runner.wake()
    await systemClock.sleep(random.below(6))
    if (count % 10 !== 0) continue
    life++
    await begin()
  }
  await expect.poll(async () => (await runs.waiting()).length, { timeout: 20_000 }).toBe(0)
  await runner.idle()
  for (const [branch, kind] of [
    ['main', packages],
    ['develop', images],
  ] as const) {
    const wanted = (made.get(branch) ?? '').split(',').filter((word) => word !== '')
    const numbers = switches.get(kind)?.filter((word) => word !== 'develop')
    // Each once, in the order of the commits; a switch whose end was not seen may come twice in a row.
    expect([...new Set(numbers)]).toEqual(wanted)
    expect([...kind.visible].filter((word) => word !== 'develop')).toEqual(wanted)
  }
  expect((await runs.list({ limit: 200 })).every(({ state: one }) => one === 'succeeded' || one === 'superseded')).toBe(
    true,
  )
})
