import { execFileSync } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { digestOf, isLarderError, systemClock } from '../../src/core/index.ts'
import { collect } from '../../src/core/testing/collect.ts'
import { openDatabase, type State } from '../../src/state/index.ts'
import { collectGarbage, createLeases, openFileBlobStore, sqlLeaseBook } from '../../src/store/index.ts'

const isRoot = process.getuid?.() === 0

/** A real file system that is really full. */
describe.skipIf(!isRoot)('a store on a small tmpfs (needs root to mount it)', () => {
  let folder: string
  let state: State | undefined
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'larder-full-'))
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=32m,mode=700', 'tmpfs', folder])
  })
  afterAll(async () => {
    await state?.close()
    // Lazily: where the test failed, files of the store are still open.
    execFileSync('umount', ['--lazy', folder])
    await rm(folder, { recursive: true })
  })

  it('says DISK_FULL, keeps what it has, leaves nothing by half, and goes on when there is room again', async () => {
    state = await openDatabase({ path: join(folder, 'larder.db'), clock: systemClock })
    const store = await openFileBlobStore({ folder, leaseBook: sqlLeaseBook(state), reserveBytes: 12_000_000 })
    const leases = createLeases(state, store, systemClock)
    const [kept, filling] = [await leases.acquire('kept'), await leases.acquire('filling')]
    const first = await store.write(kept, Buffer.alloc(100_000, 'first'))
    const upload = await store.openUpload(kept, 'key')
    await upload.append(Buffer.from('begin '))
    const written = []
    const errors: unknown[] = []
    for (let index = 0; index < 100 && errors.length < 10; index++) {
      try {
        written.push(
          ...(await store.writeMany(
            filling,
            [1, 2].map((part) => Buffer.alloc(200_000, `${index} ${part} `)),
          )),
        )
      } catch (error) {
        errors.push(error)
      }
    }
    expect(errors.length).toBe(10)
    expect(errors.filter((error) => !isLarderError(error, 'DISK_FULL'))).toEqual([])
    expect(await readdir(join(folder, 'uploads', 'new'))).toEqual([])
    for (const { digest } of await collect(store.list())) expect(digestOf(await store.readWhole(digest))).toBe(digest)
    for (const digest of [first, ...written]) expect(await store.has(digest)).toBe(true)

    await expect(upload.append(Buffer.alloc(30_000_000, 'x'))).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect(upload.offsetBytes).toBe(6)

    await leases.release(filling)
    async function* noRoots() {}
    await collectGarbage({ store, leases, clock: systemClock, roots: noRoots })
    await upload.append(Buffer.from('end'))
    expect((await upload.commit({})).digest).toBe(digestOf('begin end'))
    expect(await store.has(first)).toBe(true)
    await store.write(kept, Buffer.alloc(1_000_000, 'room again'))

    // Something else fills the disk to the last byte: the database can write nothing either.
    await expect(writeFile(join(folder, 'ballast'), Buffer.alloc(32_000_000))).rejects.toMatchObject({ code: 'ENOSPC' })
    await expect(store.write(kept, Buffer.from('no room'))).rejects.toMatchObject({ code: 'DISK_FULL' })
    await expect(leases.acquire('another')).rejects.toMatchObject({ code: 'DISK_FULL' })
    await rm(join(folder, 'ballast'))
    await leases.acquire('another')
    expect(await store.has(await store.write(kept, Buffer.from('room')))).toBe(true)
  })
})
