import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { resolveRef } from '../../forge/index.ts'
import { openTestLarder, type TestLarder } from '../testing/open-test-larder.ts'

let larder: TestLarder
beforeEach(async () => {
  larder = await openTestLarder()
})
afterEach(() => larder[Symbol.asyncDispose]())

/** A push of what is committed now, as the gate tells of it before it is accepted. */
async function check(branch: string): Promise<{ accepted: boolean; push: () => Promise<void> }> {
  const { controller } = larder.larder
  const after = (await resolveRef(larder.dataFolder.siteRepository, 'refs/heads/main'))!
  const push = { updates: [{ ref: `refs/heads/${branch}`, before: '0'.repeat(40), after }], environment: {} }
  const { accepted } = await controller.checkPush(push, () => {})
  return { accepted, push: () => controller.pushed(push, () => {}) }
}

const fetched = (): string[] =>
  larder.upstream.requestsFor(/\.deb$/).map(({ path }) => path.split('/').at(-1)!.split('_')[0]!)

test('what a valid push asks for is fetched before its run is there, and not again', async () => {
  await larder.commit({ 'packages.json': '["alpha", "beta"]\n' }, { apply: false })
  const { accepted, push } = await check('main')
  expect(accepted).toBe(true)
  await expect.poll(fetched).toEqual(['alpha', 'beta'])
  expect((await larder.larder.context.publisher.publications('base')).length).toBe(1)
  await push()
  await larder.settle()
  expect(fetched()).toEqual(['alpha', 'beta'])
  expect(await larder.larder.controller.packages('base')).toHaveLength(2)
})

test.each([
  ['to a branch that is not applied', 'topic', '["alpha", "beta"]', true],
  ['that is refused', 'main', '["alpha", "gamma"]', false],
])('nothing is begun for a push %s', async (_, branch, packages, accepted) => {
  const begun = larder.larder.context.kinds.flatMap((kind) => (kind.anticipate ? [vi.spyOn(kind, 'anticipate')] : []))
  expect(begun).not.toEqual([])
  await larder.commit({ 'packages.json': packages }, { apply: false })
  expect((await check(branch)).accepted).toBe(accepted)
  for (const anticipate of begun) expect(anticipate).not.toHaveBeenCalled()
})

test('a push whose commit was found by a look at all heads before it told of itself is applied once', async () => {
  const { runs } = larder.larder.context
  const applied = async () => (await runs.list({ limit: 50 })).filter(({ goal }) => goal === 'apply')
  const before = (await applied()).length
  await larder.commit({ 'packages.json': '["alpha", "beta"]\n' }, { apply: false })
  const { push } = await check('main')
  await larder.larder.news.reconcile({ origin: 'reconciliation', again: false })
  await push()
  expect(await applied()).toHaveLength(before + 1)
  await larder.settle()
  // It has ended: who pushes it once more asks for it once more.
  await push()
  expect(await applied()).toHaveLength(before + 2)
})
