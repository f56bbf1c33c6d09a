import { expect, test } from 'vitest'
import { createHousekeeping, type HousekeepingOptions } from './housekeeping.ts'
import { openTestLarder, type TestLarder } from './testing/open-test-larder.ts'

const hourMs = 3600_000

/** What looks every now and then whether something must be signed again. */
const look = async ({ larder: { context } }: TestLarder): Promise<void> => {
  const housekeeping = createHousekeeping({ context, pollEveryMs: 0 } as HousekeepingOptions)
  await housekeeping.reseal()
  await housekeeping.stop()
}

test('a mirror with validDays is signed again when half of them are over, and not before', async () => {
  await using larder = await openTestLarder({ mirror: 'validDays: 2' })
  const { publisher } = larder.larder.context
  const first = (await publisher.current('base'))!
  larder.clockOffsetMs = 23 * hourMs
  await look(larder)
  expect(await publisher.current('base')).toEqual(first)
  larder.clockOffsetMs = 25 * hourMs
  await look(larder)
  const second = (await publisher.current('base'))!
  expect(second).toMatchObject({ generation: 2, snapshotNumber: first.snapshotNumber })
  expect(second.validUntil!.getTime() - second.sealedAt.getTime()).toBe(48 * hourMs)
  expect(second.sealedAt.getTime() - first.sealedAt.getTime()).toBeGreaterThan(24 * hourMs)
  const release = (await publisher.lookup('base', 'dists/stable/Release'))!
  const text = (await larder.larder.context.store.readWhole(release.entry.digest)).toString()
  expect(text).toContain(`Valid-Until: ${second.validUntil!.toUTCString().replace('GMT', 'UTC')}`)
})
