import { afterEach, beforeEach, expect, test } from 'vitest'
import { silentLog, systemClock } from '../core/index.ts'
import { createRunStore, type RunStore } from '../pipeline/index.ts'
import { openDatabase, type State } from '../state/index.ts'
import type { ControllerContext } from './controller/context.ts'
import { createHousekeeping, type HousekeepingOptions } from './housekeeping.ts'

let state: State
let runs: RunStore

beforeEach(async () => {
  state = await openDatabase({ path: ':memory:', clock: systemClock })
  runs = createRunStore(state, systemClock)
})
afterEach(() => state.close())

const housekeeping = (context: object, head?: string) =>
  createHousekeeping({
    context: { runs, runner: { wake: () => {} }, log: silentLog, ...context } as unknown as ControllerContext,
    cache: { prune: () => Promise.resolve(), roots: async function* () {} } as unknown as HousekeepingOptions['cache'],
    mainCommit: () => Promise.resolve(head),
    fetchMain: undefined,
  })
const apply = (commit: string) => runs.create({ branch: 'main', commit, goal: 'apply', origin: 'test' })

test('a head that nothing told of is applied', async () => {
  await apply('c1')
  await housekeeping({}, 'c2').reconcile()
  expect(await runs.waiting()).toMatchObject([{ commit: 'c1' }, { commit: 'c2', origin: 'reconciliation' }])
})

test('a run that was cancelled stays so', async () => {
  await apply('c1')
  await runs.cancelWaiting((await apply('c2')).id)
  await housekeeping({}, 'c2').reconcile()
  expect(await runs.waiting()).toMatchObject([{ commit: 'c1' }])
})

test.each([
  ['FETCH_UNREACHABLE', 1],
  ['DISK_FULL', 1],
  ['SIGNATURE_BAD', 0],
  ['CLOSURE_UNSATISFIABLE', 0],
  ['OF_ANOTHER_VERSION', 0],
])('a head whose run failed with %s is taken up again %i times', async (code, times) => {
  const { id } = await apply('c1')
  await runs.start(id)
  await runs.finish(id, { state: 'failed', error: { code, message: 'it failed' } })
  await housekeeping({}, 'c1').reconcile()
  expect(await runs.waiting()).toHaveLength(times)
})

test('nothing is forgotten while the site cannot be read that says how much is to be kept', async () => {
  const pruned: string[] = []
  const publisher = {
    mirrorsWithSnapshots: () => Promise.resolve(['base']),
    prune: ({ mirror }: { mirror: string }) => Promise.resolve(pruned.push(mirror)),
    roots: async function* () {},
  }
  const store = {
    list: async function* () {},
    removeLeftovers: () => Promise.resolve({ removed: 0, freedBytes: 0 }),
  }
  const leases = {
    duringCollection: (work: () => Promise<unknown>) => work(),
    roots: async function* () {},
    live: () => Promise.resolve(new Set()),
  }
  const common = { publisher, store, leases, formats: [], clock: systemClock }
  const { signal } = new AbortController()
  const unreadable = { current: () => Promise.resolve(undefined) }
  await housekeeping({ ...common, siteHead: unreadable }, 'c1').collect(signal)
  expect(pruned).toEqual([])
  const readable = { current: () => Promise.resolve({ site: { sections: { mirrors: {} } } }) }
  await housekeeping({ ...common, siteHead: readable }, 'c1').collect(signal)
  expect(pruned).toEqual(['base'])
})
