import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { silentLog, systemClock, type Log } from '../../core/index.ts'
import type { Fleet } from '../create-fleet.ts'
import { machineEvents } from './machine-events.ts'

it('a connection that has ended is told of, one that begins is not', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'larder-events-'))
  const socket = join(folder, '0123456789abcdef')
  const fleet = { memory: { list: async () => [{ place: 'ssh' }] }, controlFolder: folder } as unknown as Fleet
  let wakes = 0
  const wake = (): void => {
    wakes++
  }
  const ends = machineEvents(fleet, { clock: systemClock, log: silentLog }).map((watch) => watch(wake))
  try {
    // Nobody tells when the watch has begun.
    await vi.waitFor(
      async () => {
        await writeFile(socket, '')
        await rm(socket)
        await vi.waitFor(() => expect(wakes).toBeGreaterThan(0), { timeout: 200 })
      },
      { timeout: 10_000 },
    )
    const told = await settled(() => wakes)
    await writeFile(socket, '')
    await writeFile(join(folder, 'fedcba9876543210'), '')
    expect(await settled(() => wakes)).toBe(told)
  } finally {
    await Promise.all(ends.map((end) => end()))
    await rm(folder, { recursive: true })
  }
})

it('what cannot be watched is told once, and ends nothing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'larder-events-'))
  await writeFile(join(folder, 'file'), '')
  const list = async () => [{ place: 'ssh' }]
  const fleet = { memory: { list }, controlFolder: join(folder, 'file/within') } as unknown as Fleet
  const told: string[] = []
  const log: Log = { ...silentLog, warn: (message) => void told.push(message) }
  let sleeps = 0
  const clock = {
    ...systemClock,
    sleep: async () => void (await new Promise((resolve) => setImmediate(resolve, sleeps++))),
  }
  const ends = machineEvents(fleet, { clock, log }).map((watch) => watch(() => {}))
  await vi.waitFor(() => expect(sleeps).toBeGreaterThan(10))
  await Promise.all(ends.map((end) => end()))
  expect(told).toEqual([expect.stringContaining('cannot be watched')])
  await rm(folder, { recursive: true })
})

/** A number that has stayed the same for half a second: events come after what they tell of. */
async function settled(count: () => number): Promise<number> {
  for (let last = count(); ; last = count()) {
    await systemClock.sleep(500)
    if (count() === last) return last
  }
}
