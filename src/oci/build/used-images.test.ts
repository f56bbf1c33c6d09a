import { mkdtemp, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { BuildTurns } from './build-turns.ts'
import { UsedImages } from './used-images.ts'

let folder: string
let used: UsedImages
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-used-'))
  used = new UsedImages(join(folder, 'used'))
})
afterEach(() => rm(folder, { recursive: true }))

const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(64)) as [string, string, string, string]

/** The first was used an hour ago, the next a minute less. */
async function usedInTurn(...ids: string[]): Promise<void> {
  await used.use(ids)
  for (const [index, id] of ids.entries()) {
    const time = Date.now() / 1000 - 3600 + 60 * index
    await utimes(join(folder, 'used', id), time, time)
  }
}

test('what was not used for longest goes first, until the rest is within bounds; what is in use stays', async () => {
  await usedInTurn(b, a, d, c)
  const sizes = new Map([a, b, c, d].map((id) => [id, 10]))
  const asked: string[] = []
  const remove = (id: string): Promise<boolean> => {
    asked.push(id)
    return Promise.resolve(id !== a && sizes.delete(id))
  }
  const sizeBytes = (): Promise<number> => Promise.resolve([...sizes.values()].reduce((sum, size) => sum + size, 0))
  const about = { maxBytes: 20, sizeBytes, remove, mayGoOn: () => true }
  expect(await used.forgetOldest(about)).toBe(2)
  expect([asked, await used.oldestFirst()]).toEqual([
    [b, a, d],
    [a, c],
  ])
  expect(await used.forgetOldest({ ...about, maxBytes: 0, mayGoOn: () => false })).toBe(0)
})

test('what an engine has is known, as used now when it is new, and what it has no more is forgotten', async () => {
  await usedInTurn(a, b)
  await used.sync([`sha256:${b}`, `sha256:${c}`, '', 'sha256:../../etc', 'REPOSITORY'])
  expect(await used.oldestFirst()).toEqual([b, c])
  await used.use([`sha256:${b}`])
  await used.sync([b])
  expect(await used.oldestFirst()).toEqual([b])
  expect(await new UsedImages(join(folder, 'none')).oldestFirst()).toEqual([])
})

test('builds go on side by side; forgetting waits for none, and a build that begins has it end', async () => {
  const turns = new BuildTurns()
  const order: string[] = []
  const [first, second] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()]
  const building = [turns.build(() => first.promise), turns.build(() => second.promise)]
  expect(await turns.forget(() => Promise.resolve(9))).toBe(0)
  first.resolve(undefined)
  second.reject(new Error('broken'))
  await expect(building[1]).rejects.toThrow('broken')
  const forgetting = turns.forget(async (mayGoOn) => {
    while (mayGoOn()) await new Promise((resolve) => setImmediate(resolve))
    order.push('forgotten')
    throw new Error('the engine is away')
  })
  expect(await turns.forget(() => Promise.resolve(9))).toBe(0)
  const built = turns.build(() => Promise.resolve(order.push('built')))
  await expect(forgetting).rejects.toThrow('away')
  await built
  expect(order).toEqual(['forgotten', 'built'])
})
