import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../core/index.ts'
import { createRunStore, type Run, type RunStore } from '../../pipeline/index.ts'
import { openDatabase, type State } from '../../state/index.ts'
import type { ControllerContext } from '../controller/context.ts'
import { reconcileRuns } from './reconcile-runs.ts'

let state: State
let runs: RunStore
let created: Run[]

beforeEach(async () => {
  state = await openDatabase({ path: ':memory:', clock: systemClock })
  runs = createRunStore(state, systemClock)
  created = []
})
afterEach(() => state.close())

const apply = (commit: string) => runs.create({ branch: 'main', commit, goal: 'apply', origin: 'test' })
const reconcile = (head: string | undefined, whileHeadsAreRead?: () => Promise<unknown>) =>
  reconcileRuns({
    context: { runs, runner: { wake: () => {} }, repository: '/nonexistent' } as unknown as ControllerContext,
    appliedHeads: async () => {
      await whileHeadsAreRead?.()
      return new Map(head === undefined ? [] : [['main', head]])
    },
    pulls: undefined,
    origin: 'reconciliation',
    again: true,
    onCreated: (run) => Promise.resolve(void created.push(run)),
  })

test('a head that nothing told of is applied', async () => {
  await apply('c1')
  await reconcile('c2')
  expect(await runs.waiting()).toMatchObject([{ commit: 'c1' }, { commit: 'c2', origin: 'reconciliation' }])
  expect(created).toMatchObject([{ commit: 'c2' }])
})

test('a head that is replaced while heads are read is not applied after what replaces it', async () => {
  await apply('c1')
  await reconcile('c1', () => apply('c2'))
  expect(await runs.waiting()).toMatchObject([{ commit: 'c1' }, { commit: 'c2' }])
  expect(created).toEqual([])
})

test('a run that was cancelled stays so', async () => {
  await apply('c1')
  await runs.cancelWaiting((await apply('c2')).id)
  await reconcile('c2')
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
  await reconcile('c1')
  expect(await runs.waiting()).toHaveLength(times)
})
