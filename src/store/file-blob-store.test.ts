import { readFile, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { digestOf } from '../core/index.ts'
import { openFileBlobStore, sqlLeaseBook, type LeaseId } from './index.ts'
import { blobStoreContract } from './blob-store.contract.ts'
import { openTestStore, type TestStore } from './testing/index.ts'

const opened: TestStore[] = []
const open = async () => {
  const test = await openTestStore()
  opened.push(test)
  return { ...test, lease: await test.leases.acquire('test') }
}
afterEach(async () => {
  for (const test of opened.splice(0)) await test[Symbol.asyncDispose]()
})

describe('FileBlobStore', () => {
  blobStoreContract(open)

  it('records the lease of what it writes', async () => {
    const { store, state, lease } = await open()
    const written = await store.write(lease, Buffer.from('a'))
    const upload = await store.openUpload(lease, 'key')
    await upload.append(Buffer.from('b'))
    const { digest } = await upload.commit({})
    const rows = await state.db.selectFrom('lease_blobs').selectAll().execute()
    expect(new Set(rows)).toEqual(new Set([written, digest].map((one) => ({ lease_id: lease, digest: one }))))
  })

  it('writes nothing under a lease that is gone', async () => {
    const { store, leases, lease } = await open()
    const live = await leases.acquire('other')
    await leases.release(lease)
    const [lost, kept] = await Promise.allSettled([
      store.write(lease, Buffer.from('a')),
      store.write(live, Buffer.from('b')),
    ])
    expect(lost).toMatchObject({ status: 'rejected', reason: { code: 'LEASE_LOST' } })
    expect(kept.status).toBe('fulfilled')
    expect(await store.has(digestOf('a'))).toBe(false)
  })

  it('keeps blobs as files that nobody may write', async () => {
    const { store, lease } = await open()
    const digest = await store.write(lease, Buffer.from('hello'))
    const upload = await store.openUpload(lease, 'key')
    await upload.append(Buffer.from('bye'))
    await upload.commit({})
    for (const [one, content] of [
      [digest, 'hello'],
      [digestOf('bye'), 'bye'],
    ] as const) {
      expect(await readFile(store.localPath(one), 'utf8')).toBe(content)
      expect((await stat(store.localPath(one))).mode & 0o777).toBe(0o444)
    }
  })

  it('replaces a blob that has lost bytes', async () => {
    const { store, lease } = await open()
    const digest = await store.write(lease, Buffer.from('hello'))
    await truncate(store.localPath(digest), 2)
    await store.write(lease, Buffer.from('hello'))
    expect((await store.readWhole(digest)).toString()).toBe('hello')
  })

  it('reads in steps of 120 KiB', async () => {
    const { store, lease } = await open()
    const digest = await store.write(lease, Buffer.alloc(3_000_000))
    const sizes: number[] = []
    for await (const chunk of (await store.read(digest)) as AsyncIterable<Buffer>) sizes.push(chunk.length)
    expect(sizes).toEqual([...Array<number>(24).fill(122_880), 50_880])
  })

  it('clears away what a killed writer has left, and believes no upload', async () => {
    const { folder, state, store, lease } = await open()
    await writeFile(join(folder, 'uploads', 'new', 'half-written'), 'x')
    const upload = await store.openUpload(lease, 'key')
    await upload.restart('etag')
    await upload.append(Buffer.from('hel'))
    // Closes the file, and does nothing else that a kill would not.
    await upload.suspend()
    const reopened = await openFileBlobStore({ folder, leaseBook: sqlLeaseBook(state) })
    expect(await readdir(join(folder, 'uploads', 'new'))).toEqual([])
    const resumed = await reopened.openUpload(lease, 'key')
    expect([resumed.offsetBytes, resumed.tag]).toEqual([3, 'etag'])
    await resumed.append(Buffer.from('lo'))
    expect((await resumed.commit({})).digest).toBe(digestOf('hello'))
    for (const tag of ['', '{"tag":', '[]', 'null']) {
      const damaged = await reopened.openUpload(lease, 'key')
      await damaged.append(Buffer.from('x'))
      await damaged.suspend()
      const [name] = (await readdir(join(folder, 'uploads'))).filter((one) => one !== 'new')
      await writeFile(join(folder, 'uploads', name!, 'tag'), tag)
      const again = await reopened.openUpload(lease, 'key')
      expect(again.tag).toBe('')
      await again.abort()
    }
  })

  it('fails for a folder that is gone, without hanging', async () => {
    const { folder, store, lease } = await open()
    await rm(join(folder, 'blobs'), { recursive: true })
    await expect(store.write(lease, Buffer.from('a'))).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(store.write('none' as LeaseId, Buffer.from('a'))).rejects.toMatchObject({ code: 'LEASE_LOST' })
    expect(await readdir(join(folder, 'uploads', 'new'))).toEqual([])
  })
})
