import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import type { LeaseId } from '../../store/index.ts'
import { MemoryBlobStore } from '../../store/testing/index.ts'
import { makeDeb } from '../deb/testing/make-deb.ts'
import { createFileLists } from './file-lists.ts'
import { memoryCache } from '../../pieces/testing/memory-cache.ts'

const lease = 'lease' as LeaseId

test('each .deb is unpacked once; a list that is gone is made again', async () => {
  const store = new MemoryBlobStore()
  const digest = await store.write(lease, makeDeb({ files: [{ path: './usr/b' }, { path: './usr/a' }] }))
  const empty = await store.write(lease, makeDeb({}))
  let reads = 0
  const counting = Object.create(store, {
    read: { value: (...given: Parameters<MemoryBlobStore['read']>) => (reads++, store.read(...given)) },
    has: { value: store.has.bind(store) },
    stat: { value: store.stat.bind(store) },
    write: { value: store.write.bind(store) },
    readWhole: { value: store.readWhole.bind(store) },
  }) as MemoryBlobStore
  const options = {
    store: counting,
    lease,
    cache: memoryCache(),
    folder: tmpdir(),
    signal: new AbortController().signal,
  }
  expect(await createFileLists(options).of({ name: 'a', digest })).toEqual(['usr/a', 'usr/b'])
  expect(await createFileLists(options).of({ name: 'b', digest: empty })).toEqual([])
  const before = reads
  expect(before).toBeGreaterThan(0)
  expect(await createFileLists(options).of({ name: 'a', digest })).toEqual(['usr/a', 'usr/b'])
  expect(await createFileLists(options).of({ name: 'b', digest: empty })).toEqual([])
  expect(reads).toBe(before)

  const elsewhere = new MemoryBlobStore()
  await elsewhere.write(lease, await store.readWhole(digest))
  expect(await createFileLists({ ...options, store: elsewhere }).of({ name: 'a', digest })).toEqual(['usr/a', 'usr/b'])
})
