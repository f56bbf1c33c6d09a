import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { systemClock } from '../../core/index.ts'
import { createRunStore, type RunStore } from '../../pipeline/index.ts'
import { openDatabase, type State } from '../../state/index.ts'
import type { ControllerContext } from './context.ts'
import { createRunMethods } from './runs.ts'

let state: State
let runs: RunStore
let methods: ReturnType<typeof createRunMethods>
const wake = vi.fn<() => void>()

beforeEach(async () => {
  state = await openDatabase({ path: ':memory:', clock: systemClock })
  runs = createRunStore(state, systemClock)
  const siteHead = { current: () => Promise.resolve({ commit: 'c2' }) }
  methods = createRunMethods({ runs, runner: { wake }, siteHead } as unknown as ControllerContext)
})
afterEach(() => state.close())

const apply = (commit: string) => runs.create({ branch: 'main', commit, goal: 'apply', origin: 'test' })

test('a failed run is tried again, from the first attempt on', async () => {
  const { id } = await apply('c1')
  await runs.start(id)
  await runs.endStep(id, await runs.beginStep(id, 'stage'), {
    state: 'done',
    result: { key: 'k', staged: 'gone by now' },
  })
  await runs.finish(id, { state: 'failed' })
  expect(await methods.retryRun(id)).toMatchObject({ id, state: 'waiting' })
  expect(wake).toHaveBeenCalled()
  expect((await runs.get(id)).attempts).toBe(0)
  // Its lease has ended with it: gc may have taken what it had staged, and the signature grows old.
  expect((await runs.steps(id))[0]?.result).toBeUndefined()
})

test('a failed apply is not tried again after a newer one: that would bring back what was replaced', async () => {
  const { id } = await apply('c1')
  await runs.start(id)
  await runs.finish(id, { state: 'failed' })
  await runs.start((await apply('c2')).id)
  await expect(methods.retryRun(id)).rejects.toMatchObject({ code: 'RUN_STATE', message: expect.stringContaining('2') })
})

test('a run that is under way or has succeeded is not tried again', async () => {
  const { id } = await apply('c1')
  await expect(methods.retryRun(id)).rejects.toMatchObject({ code: 'RUN_STATE' })
})

test('a sync that waits is not asked for twice; one that has begun may have missed the news', async () => {
  const first = await methods.sync()
  expect((await methods.sync()).id).toBe(first.id)
  await runs.start(first.id)
  expect((await methods.sync()).id).not.toBe(first.id)
})
