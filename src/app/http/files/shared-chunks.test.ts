import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { SharedChunks, type Chunk } from './shared-chunks.ts'

const content = randomBytes(3_000_000)
const stepBytes = 524_288

/** Counts the reads of a file that has this content. */
function sourceOf(key = 'file', bytes = content) {
  const source = {
    key,
    reads: 0,
    read: (into: Buffer, position: number) => {
      source.reads++
      return Promise.resolve(bytes.copy(into, 0, position))
    },
  }
  return source
}

async function takeAll(
  chunks: SharedChunks,
  source: ReturnType<typeof sourceOf>,
  range: { start: number; end: number },
) {
  const taken: Buffer[] = []
  for (let { start } = range; start < range.end;) {
    const chunk = await chunks.take(source, { start, end: range.end })
    if (chunk.bytes.length === 0) break
    taken.push(Buffer.from(chunk.bytes))
    start += chunk.bytes.length
    chunk.release(true)
  }
  return Buffer.concat(taken)
}

describe('SharedChunks', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it.each([
    [0, content.length],
    [0, 1],
    [5, stepBytes],
    [stepBytes - 1, stepBytes + 1],
    [stepBytes, 2 * stepBytes],
    [700_000, 2_900_001],
    [content.length - 1, content.length],
  ])('give bytes %i to %i, alone and beside another', async (start, end) => {
    for (const most of [40, 1, 0]) {
      const chunks = new SharedChunks(most)
      const both = [takeAll(chunks, sourceOf(), { start, end }), takeAll(chunks, sourceOf(), { start, end })]
      for (const bytes of await Promise.all(both)) expect(bytes.equals(content.subarray(start, end))).toBe(true)
    }
  })

  it('are read once for all who send the same file, and for each file', async () => {
    const chunks = new SharedChunks()
    const [one, two] = [sourceOf(), sourceOf('other', randomBytes(3_000_000))]
    const whole = { start: 0, end: content.length }
    await Promise.all([takeAll(chunks, one, whole), takeAll(chunks, one, whole), takeAll(chunks, two, whole)])
    expect([one.reads, two.reads]).toEqual([6, 6])
  })

  it('are read anew after a while without use', async () => {
    const chunks = new SharedChunks()
    const source = sourceOf()
    const whole = { start: 0, end: stepBytes }
    await takeAll(chunks, source, whole)
    vi.advanceTimersByTime(1500)
    await takeAll(chunks, source, whole)
    expect(source.reads).toBe(1)
    vi.advanceTimersByTime(2500)
    await takeAll(chunks, source, whole)
    expect(source.reads).toBe(2)
    expect(vi.getTimerCount()).toBe(1)
    vi.advanceTimersByTime(2500)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('end where the file does, though more was asked for', async () => {
    const short = sourceOf('file', content.subarray(0, 600_000))
    const bytes = await takeAll(new SharedChunks(), short, { start: 0, end: content.length })
    expect(bytes.equals(content.subarray(0, 600_000))).toBe(true)
  })

  it('keep their bytes as long as they are not released, whatever else is read', async () => {
    const chunks = new SharedChunks(4)
    const held: Chunk[] = []
    for (let step = 0; step < 2; step++) {
      held.push(await chunks.take(sourceOf(), { start: step * stepBytes, end: content.length }))
    }
    const other = sourceOf('other', randomBytes(3_000_000))
    for (let round = 0; round < 3; round++) await takeAll(chunks, other, { start: 0, end: 3_000_000 })
    for (const [step, { bytes }] of held.entries()) {
      expect(bytes.equals(content.subarray(step * stepBytes, (step + 1) * stepBytes))).toBe(true)
    }
  })

  it('use no memory again that somebody may be reading', async () => {
    const chunks = new SharedChunks(1)
    const chunk = await chunks.take(sourceOf(), { start: 0, end: content.length })
    chunk.release(false)
    await takeAll(chunks, sourceOf('other', randomBytes(3_000_000)), { start: 0, end: 3_000_000 })
    expect(chunk.bytes.equals(content.subarray(0, stepBytes))).toBe(true)
  })

  it('give back at once what is more than a dozen, and all of it after a while without use', async () => {
    const chunks = new SharedChunks(20)
    const held: Chunk[] = []
    for (let file = 0; file < 20; file++) {
      held.push(await chunks.take(sourceOf(`file ${file}`), { start: 0, end: content.length }))
    }
    for (const chunk of held) chunk.release(true)
    const kept = () => held.filter(({ bytes }) => bytes.buffer.byteLength > 0).length
    expect(kept()).toBeLessThanOrEqual(12)
    vi.advanceTimersByTime(5000)
    expect(kept()).toBe(0)
  })

  it('tell all who wait of a read that fails, and try again for the next', async () => {
    const chunks = new SharedChunks()
    const source = sourceOf()
    const broken = { ...source, read: () => Promise.reject(new Error('EIO')) }
    const range = { start: 0, end: stepBytes }
    const failed = await Promise.allSettled([chunks.take(broken, range), chunks.take(broken, range)])
    expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect((await takeAll(chunks, source, range)).equals(content.subarray(0, stepBytes))).toBe(true)
  })
})
