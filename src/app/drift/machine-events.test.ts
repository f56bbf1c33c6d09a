import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { systemClock } from '../../core/index.ts'
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
  const ends = machineEvents(fleet, systemClock).map((watch) => watch(wake))
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

/** A number that has stayed the same for half a second: events come after what they tell of. */
async function settled(count: () => number): Promise<number> {
  for (let last = count(); ; last = count()) {
    await systemClock.sleep(500)
    if (count() === last) return last
  }
}
