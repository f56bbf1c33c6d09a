import { createHash } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { digestOf, hexOf, type Digest } from '../core/index.ts'
import { collect } from '../core/testing/collect.ts'
import type { BlobStore, LeaseId } from './blob-store.ts'

/** What every BlobStore must do. `open` makes an empty one, with a lease that it accepts. */
export function blobStoreContract(open: () => Promise<{ store: BlobStore; lease: LeaseId }>): void {
  let store: BlobStore
  let lease: LeaseId
  beforeEach(async () => {
    ;({ store, lease } = await open())
  })
  const text = async (digest: Digest, range?: { start?: number; end?: number }) => {
    const chunks: Buffer[] = []
    for await (const chunk of (await store.read(digest, range)) as AsyncIterable<Buffer>) chunks.push(chunk)
    return Buffer.concat(chunks).toString()
  }
  const noneWanted = async () => new Set<Digest>()
  const sha512 = (bytes: string) => createHash('sha512').update(bytes).digest('hex')

  describe('blobs', () => {
    it('gives back what was written', async () => {
      const digest = await store.write(lease, Buffer.from('hello'))
      expect(digest).toBe(digestOf('hello'))
      expect(await store.stat(digest)).toEqual({ sizeBytes: 5 })
      expect(await store.has(digest)).toBe(true)
      expect((await store.readWhole(digest)).toString()).toBe('hello')
      expect(await text(digest)).toBe('hello')
    })

    it.each([
      [{ start: 0 }, 'hello'],
      [{ start: 2 }, 'llo'],
      [{ end: 2 }, 'he'],
      [{ start: 1, end: 4 }, 'ell'],
      [{ start: 2, end: 2 }, ''],
      [{ start: 5, end: 5 }, ''],
      [{ start: 0, end: 5 }, 'hello'],
    ])('reads the range %j', async (range, expected) => {
      expect(await text(await store.write(lease, Buffer.from('hello')), range)).toBe(expected)
    })

    it('keeps the empty blob', async () => {
      const digest = await store.write(lease, new Uint8Array())
      expect(await store.stat(digest)).toEqual({ sizeBytes: 0 })
      expect(await text(digest)).toBe('')
    })

    it('says which blob is missing', async () => {
      const digest = digestOf('missing')
      expect(await store.stat(digest)).toBeUndefined()
      expect(await store.has(digest)).toBe(false)
      await expect(store.readWhole(digest)).rejects.toMatchObject({ code: 'BLOB_MISSING' })
      await expect(store.read(digest)).rejects.toMatchObject({ code: 'BLOB_MISSING' })
    })

    it('answers writeMany in order, with equal bytes once', async () => {
      const items = ['a', 'b', 'a', 'c'].map((item) => Buffer.from(item))
      expect(await store.writeMany(lease, items)).toEqual(items.map(digestOf))
      expect(await store.writeMany(lease, [])).toEqual([])
      const listed = (await collect(store.list())).sort((a, b) => (a.digest < b.digest ? -1 : 1))
      expect(listed).toEqual(
        ['a', 'b', 'c']
          .map((item) => ({ digest: digestOf(item), sizeBytes: 1 }))
          .sort((a, b) => (a.digest < b.digest ? -1 : 1)),
      )
    })

    it('takes digests that its caller has worked out', async () => {
      const items = ['a', 'b'].map((item) => Buffer.from(item))
      expect(await store.writeMany(lease, items, items.map(digestOf))).toEqual(items.map(digestOf))
      expect(await text(digestOf('b'))).toBe('b')
    })

    it('takes the same bytes from many writers at once', async () => {
      const bytes = Buffer.alloc(100_000, 7)
      const digests = await Promise.all(Array.from({ length: 20 }, () => store.write(lease, bytes)))
      expect(new Set(digests)).toEqual(new Set([digestOf(bytes)]))
      expect((await store.readWhole(digestOf(bytes))).equals(bytes)).toBe(true)
    })

    it('does not share memory with its callers', async () => {
      const bytes = Buffer.from('hello')
      const digest = await store.write(lease, bytes)
      bytes.fill(0)
      ;(await store.readWhole(digest)).fill(0)
      expect((await store.readWhole(digest)).toString()).toBe('hello')
    })

    it('removes what nobody wants, and tells how much', async () => {
      const [a, b] = await store.writeMany(lease, [Buffer.from('aa'), Buffer.from('bbb')])
      const wanted = async () => new Set([a!])
      expect(await store.remove([a!, b!, digestOf('missing')], wanted)).toEqual({ removed: 1, freedBytes: 3 })
      expect(await store.has(a!)).toBe(true)
      expect(await store.has(b!)).toBe(false)
      expect(await store.write(lease, Buffer.from('bbb'))).toBe(b)
      expect(await store.has(b!)).toBe(true)
    })

    it('makes a write of a blob that is being removed wait, and writes it anew', async () => {
      const digest = await store.write(lease, Buffer.from('a'))
      const asked = Promise.withResolvers<undefined>()
      const question = Promise.withResolvers<undefined>()
      const removal = store.remove([digest], async () => {
        asked.resolve(undefined)
        await question.promise
        return new Set()
      })
      await asked.promise
      const look = store.has(digest)
      const write = store.write(lease, Buffer.from('a'))
      question.resolve(undefined)
      expect(await removal).toEqual({ removed: 1, freedBytes: 1 })
      await write
      expect(await store.has(digest)).toBe(true)
      // Whether it saw the blob before or after it was written anew, the look came after the removal.
      expect(typeof (await look)).toBe('boolean')
    })
  })

  describe('uploads', () => {
    it('become blobs', async () => {
      const upload = await store.openUpload(lease, 'key')
      expect([upload.offsetBytes, upload.tag]).toEqual([0, ''])
      await upload.append(Buffer.from('hel'))
      await upload.append(Buffer.from('lo'))
      expect(upload.offsetBytes).toBe(5)
      const sha256 = hexOf(digestOf('hello'))
      const committed = await upload.commit({ sizeBytes: 5, sha256, sha512: sha512('hello') })
      expect(committed).toEqual({ digest: digestOf('hello'), sizeBytes: 5 })
      expect(await text(committed.digest)).toBe('hello')
      const again = await store.openUpload(lease, 'key')
      expect([again.offsetBytes, again.tag]).toEqual([0, ''])
      await again.abort()
    })

    it('go on where they were suspended', async () => {
      const first = await store.openUpload(lease, 'key')
      await first.restart('etag-1')
      await first.append(Buffer.from('hel'))
      await first.suspend()
      const second = await store.openUpload(lease, 'key')
      expect([second.offsetBytes, second.tag]).toEqual([3, 'etag-1'])
      await second.append(Buffer.from('lo'))
      expect((await second.commit({ sha256: hexOf(digestOf('hello')) })).digest).toBe(digestOf('hello'))
    })

    it('start again with another tag', async () => {
      const upload = await store.openUpload(lease, 'key')
      await upload.append(Buffer.from('old bytes'))
      await upload.restart('new')
      expect([upload.offsetBytes, upload.tag]).toEqual([0, 'new'])
      await upload.append(Buffer.from('hello'))
      expect((await upload.commit({})).digest).toBe(digestOf('hello'))
    })

    it.each([
      ['SIZE_MISMATCH', { sizeBytes: 4 }],
      ['DIGEST_MISMATCH', { sha256: hexOf(digestOf('other')) }],
      ['DIGEST_MISMATCH', { sha512: sha512('other') }],
      ['DIGEST_MISMATCH', { sha256: hexOf(digestOf('hello')), sha512: sha512('other') }],
    ])('are thrown away with %s when they are not as %j', async (code, expected) => {
      const upload = await store.openUpload(lease, 'key')
      await upload.append(Buffer.from('hello'))
      await expect(upload.commit(expected)).rejects.toMatchObject({ code })
      expect(await store.has(digestOf('hello'))).toBe(false)
      const again = await store.openUpload(lease, 'key')
      expect(again.offsetBytes).toBe(0)
      await again.abort()
    })

    it('leave nothing when aborted', async () => {
      const upload = await store.openUpload(lease, 'key')
      await upload.append(Buffer.from('hello'))
      await upload.abort()
      await expect(upload.append(Buffer.from('x'))).rejects.toThrow('closed')
      expect(await collect(store.list())).toEqual([])
    })

    it('with the same key wait for each other; others do not', async () => {
      const first = await store.openUpload(lease, 'key')
      const order: string[] = []
      const second = store.openUpload(lease, 'key').then((upload) => {
        order.push('second')
        return upload
      })
      await (await store.openUpload(lease, '../other key')).abort()
      order.push('first')
      await first.append(Buffer.from('hel'))
      await first.suspend()
      expect((await second).offsetBytes).toBe(3)
      expect(order).toEqual(['first', 'second'])
      await (await second).abort()
    })

    it('of a blob that is there already are fine', async () => {
      await store.write(lease, Buffer.from('hello'))
      const upload = await store.openUpload(lease, 'key')
      await upload.append(Buffer.from('hello'))
      expect((await upload.commit({})).digest).toBe(digestOf('hello'))
    })

    it('go when they have expired, unless a lease or a writer holds them', async () => {
      const upload = await store.openUpload(lease, 'key')
      await upload.append(Buffer.from('hello'))
      const unusedSince = new Date('9999-01-01')
      expect(await store.removeLeftovers({ unusedSince, liveLeases: new Set() })).toEqual({ removed: 0, freedBytes: 0 })
      await upload.suspend()
      expect((await store.removeLeftovers({ unusedSince, liveLeases: new Set([lease]) })).removed).toBe(0)
      expect((await store.removeLeftovers({ unusedSince: new Date(0), liveLeases: new Set() })).removed).toBe(0)
      expect(await store.removeLeftovers({ unusedSince, liveLeases: new Set() })).toEqual({ removed: 1, freedBytes: 5 })
      const again = await store.openUpload(lease, 'key')
      expect(again.offsetBytes).toBe(0)
      await again.abort()
      expect(await store.remove([], noneWanted)).toEqual({ removed: 0, freedBytes: 0 })
    })

    it('may end while those that have expired go', async () => {
      const keys = Array.from({ length: 50 }, (_, index) => `key ${index}`)
      for (const key of keys) await (await store.openUpload(lease, key)).suspend()
      const removing = store.removeLeftovers({ unusedSince: new Date(0), liveLeases: new Set() })
      for (const key of keys) await (await store.openUpload(lease, key)).abort()
      expect(await removing).toEqual({ removed: 0, freedBytes: 0 })
    })
  })
}
