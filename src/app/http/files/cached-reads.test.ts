import { open, rm, writeFile, mkdtemp, type FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { CachedReads } from './cached-reads.ts'

let folder: string
let handle: FileHandle
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-reads-test-'))
  await writeFile(join(folder, 'file'), '0123456789')
  handle = await open(join(folder, 'file'))
})
afterAll(async () => {
  await handle.close()
  await rm(folder, { recursive: true, force: true })
})

it('go through the thread pool at first, and again after each that was slow', async () => {
  let clockMs = 0
  const took = [0.1, 0.1, 7, 7, 0.1, 0.1]
  const times = took.flatMap((ms) => [clockMs, (clockMs += ms)])
  const pooled = vi.spyOn(handle, 'read')
  const reads = new CachedReads(handle, () => times.shift()!)
  const ways: string[] = []
  for (const position of took.keys()) {
    const into = Buffer.alloc(3)
    const before = pooled.mock.calls.length
    expect(await reads.read(into, position)).toBe(3)
    expect(into.toString()).toBe('0123456789'.slice(position, position + 3))
    ways.push(pooled.mock.calls.length > before ? 'pool' : 'here')
  }
  expect(ways).toEqual(['pool', 'here', 'here', 'pool', 'pool', 'here'])
})

it('end where the file does', async () => {
  const reads = new CachedReads(handle, () => 0)
  const into = Buffer.alloc(8)
  for (const expected of [4, 4]) expect(await reads.read(into, 6)).toBe(expected)
  expect(await reads.read(into, 10)).toBe(0)
})

it('tell of a read that fails, in either way', async () => {
  const closed = await open(join(folder, 'file'))
  const reads = new CachedReads(closed, () => 0)
  await reads.read(Buffer.alloc(1), 0)
  await closed.close()
  await expect(reads.read(Buffer.alloc(1), 0)).rejects.toThrow()
  await expect(new CachedReads(closed, () => 0).read(Buffer.alloc(1), 0)).rejects.toThrow()
})
