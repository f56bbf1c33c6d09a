import { beforeEach, describe, expect, it } from 'vitest'
import { digestOf, type Clock } from '../core/index.ts'
import type { BlobStore, LeaseId } from '../store/index.ts'
import { MemoryBlobStore } from '../store/testing/index.ts'
import { WriteBatcher } from './write-batcher.ts'

const lease = 'a' as LeaseId
/** What each call of writeMany was given, as text. */
let batches: string[][]
let store: BlobStore
/** Ends the sleep that the batcher is in. */
let wake: () => void
let sleeps: number

const clock: Clock = {
  now: () => new Date(0),
  monotonicMs: () => 0,
  sleep: (_, signal) => {
    sleeps++
    return new Promise((resolve, reject) => {
      wake = resolve
      signal?.addEventListener('abort', () => reject(new Error('aborted')))
    })
  },
}

beforeEach(() => {
  batches = []
  sleeps = 0
  const memory = new MemoryBlobStore()
  const writeMany = memory.writeMany.bind(memory)
  store = Object.assign(memory, {
    writeMany: (under: LeaseId, items: readonly Uint8Array[]) => {
      batches.push(items.map((bytes) => Buffer.from(bytes).toString()))
      return writeMany(under, items)
    },
  })
})

const write = (arrival: ReturnType<WriteBatcher['expect']>, text: string): Promise<void> =>
  arrival.write(Buffer.from(text), digestOf(text))

describe('WriteBatcher', () => {
  it('writes at once when nothing else is on its way', async () => {
    await write(new WriteBatcher(store, clock).expect(lease), 'a')
    expect([batches, sleeps]).toEqual([[['a']], 0])
  })

  it('waits for what is on its way, and writes all of it together', async () => {
    const batcher = new WriteBatcher(store, clock)
    const [a, b, c] = [batcher.expect(lease), batcher.expect(lease), batcher.expect(lease)] as const
    const first = write(a, 'a')
    const second = write(b, 'b')
    expect(batches).toEqual([])
    await Promise.all([first, second, write(c, 'c')])
    expect(batches).toEqual([['a', 'b', 'c']])
    expect(await store.has(digestOf('b'))).toBe(true)
  })

  it('waits no more for what has failed', async () => {
    const batcher = new WriteBatcher(store, clock)
    const [a, b] = [batcher.expect(lease), batcher.expect(lease)] as const
    const written = write(a, 'a')
    b.end()
    b.end()
    await written
    a.end()
    expect(batches).toEqual([['a']])
  })

  it('waits for no upstream that stands still', async () => {
    const batcher = new WriteBatcher(store, clock)
    batcher.expect(lease)
    const written = write(batcher.expect(lease), 'a')
    expect(batches).toEqual([])
    wake()
    await written
    expect(batches).toEqual([['a']])
  })

  it('writes what is enough for a batch while more is on its way', async () => {
    const batcher = new WriteBatcher(store, clock)
    batcher.expect(lease)
    const texts = Array.from({ length: 128 }, (_, index) => `${index}`)
    await Promise.all(texts.map((text) => write(batcher.expect(lease), text)))
    expect(batches).toEqual([texts])
  })

  it('tells each lease of its own failure, and goes on', async () => {
    const other = 'b' as LeaseId
    const { writeMany } = store
    store.writeMany = (under, items) => (under === other ? Promise.reject(new Error('lost')) : writeMany(under, items))
    const batcher = new WriteBatcher(store, clock)
    const [a, b] = [batcher.expect(lease), batcher.expect(other)] as const
    const ended = await Promise.allSettled([write(a, 'a'), write(b, 'b')])
    expect(ended.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    await write(batcher.expect(lease), 'c')
    expect(batches).toEqual([['a'], ['c']])
  })
})
