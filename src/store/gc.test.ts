import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Digest } from '../core/index.ts'
import { collect } from '../core/testing/collect.ts'
import { createCache } from '../state/index.ts'
import { collectGarbage } from './index.ts'
import { openTestStore, type TestStore } from './testing/index.ts'

const dayMs = 86_400_000
let test: TestStore
beforeEach(async () => {
  test = await openTestStore()
})
afterEach(() => test[Symbol.asyncDispose]())

const collectWith = (roots: () => AsyncIterable<Digest>, keepUploadsMs?: number) =>
  collectGarbage({ ...test, roots, ...(keepUploadsMs === undefined ? {} : { keepUploadsMs }) })
async function* none(): AsyncIterable<Digest> {}

describe('collectGarbage', () => {
  it('keeps what a root or a lease needs, and removes the rest', async () => {
    const { store, leases } = test
    const [kept, brief] = [await leases.acquire('kept'), await leases.acquire('brief')]
    const leased = await store.write(kept, Buffer.from('leased'))
    const [rooted, lost] = await store.writeMany(brief, [Buffer.from('rooted'), Buffer.from('lost')])
    await leases.release(brief)
    const roots = async function* () {
      yield rooted!
    }
    expect(await collectWith(roots)).toEqual({ removed: 1, freedBytes: 4, kept: 2 })
    expect(new Set((await collect(store.list())).map((blob) => blob.digest))).toEqual(new Set([leased, rooted]))
    expect(await store.has(lost!)).toBe(false)
  })

  it('lets leases expire', async () => {
    const { store, leases, clock } = test
    await store.write(await leases.acquire('run/1', dayMs), Buffer.from('a'))
    clock.advance(dayMs - 1)
    expect((await collectWith(none)).removed).toBe(0)
    clock.advance(1)
    expect((await collectWith(none)).removed).toBe(1)
  })

  it('leaves no file behind: uploads, temporary files, blobs', async () => {
    const { store, leases, folder } = test
    const lease = await leases.acquire('run/1')
    const upload = await store.openUpload(lease, 'key')
    await upload.append(Buffer.from('half'))
    await upload.suspend()
    await store.write(lease, Buffer.from('a'))
    await mkdir(join(folder, 'uploads', 'f'.repeat(64)))
    await leases.release(lease)
    await collectWith(none, -dayMs * 10_000)
    const files = await readdir(folder, { recursive: true, withFileTypes: true })
    const left = files.filter((file) => file.isFile() && !file.name.startsWith('larder.db')).map((file) => file.name)
    expect(left).toEqual([])
    expect(await readdir(join(folder, 'uploads'))).toEqual(['new'])
  })

  it('removes nothing when a root cannot be read', async () => {
    const { store, leases } = test
    const lease = await leases.acquire('run/1')
    await store.write(lease, Buffer.from('a'))
    await leases.release(lease)
    const broken = async function* (): AsyncIterable<Digest> {
      yield* none()
      throw new Error('a tree is damaged')
    }
    await expect(collectWith(broken)).rejects.toThrow('a tree is damaged')
    expect(await collect(store.list())).toHaveLength(1)
  })

  it('stops when asked', async () => {
    const { store, leases } = test
    const lease = await leases.acquire('run/1')
    await store.write(lease, Buffer.from('a'))
    await leases.release(lease)
    const roots = async function* () {
      yield* (await collect(store.list())).map((blob) => blob.digest)
    }
    await expect(collectGarbage({ ...test, roots, signal: AbortSignal.abort(new Error('stopped')) })).rejects.toThrow(
      'stopped',
    )
  })

  it('ignores files that are no blobs', async () => {
    const { store, folder } = test
    await writeFile(join(folder, 'blobs', 'sha256', 'ab', 'README'), 'put here by someone')
    expect(await collect(store.list())).toEqual([])
  })

  it('never takes what is being written, pinned or committed at the same time', async () => {
    const { store, leases, state, clock } = test
    const cache = createCache(state, clock)
    const contents = Array.from({ length: 12 }, (_, index) => Buffer.from(`content ${index}`))
    const stop = new AbortController()
    const rounds = { writers: 0, collections: 0 }
    /** Writes or pins some blobs, commits a reference, lets go of the lease, looks, and drops the reference. */
    const writer = async (name: string) => {
      // Until there was enough of both: how many collections there are in 25 rounds is for the machine to say.
      for (let round = 0; round < 25 || (rounds.collections < 4 && round < 10_000); round++) {
        const lease = await leases.acquire(`${name}/${round}`)
        const some = contents.filter((_, index) => (index * 7 + round) % 3 === 0)
        const blobs = round % 2 === 0 ? await store.writeMany(lease, some) : await pinOrWrite(lease, some)
        await cache.put('test', name, { value: round, blobs })
        await leases.release(lease)
        await new Promise((resolve) => setTimeout(resolve, round % 4))
        for (const blob of blobs) expect((await store.readWhole(blob)).toString()).toMatch(/^content \d+$/)
        await cache.remove('test', name)
        rounds.writers++
      }
    }
    const pinOrWrite = async (lease: Awaited<ReturnType<typeof leases.acquire>>, some: Buffer[]) => {
      const digests: Digest[] = []
      for (const bytes of some) digests.push(await store.write(lease, bytes))
      await leases.pin(lease, digests)
      return digests
    }
    const collector = async () => {
      while (!stop.signal.aborted) {
        await collectWith(() => cache.roots())
        rounds.collections++
      }
    }
    const collecting = collector()
    try {
      await Promise.all(['a', 'b', 'c'].map(writer))
    } finally {
      stop.abort()
      await collecting
    }
    expect(rounds.writers).toBeGreaterThanOrEqual(75)
    expect(rounds.collections).toBeGreaterThan(3)
    await collectWith(() => cache.roots())
    expect(await collect(store.list())).toEqual([])
  })
})
