import { afterEach, beforeEach, expect, test } from 'vitest'
import { createPublisher, writeTree, type Publisher, type Sealer, type SigningKey } from '../publish/index.ts'
import type { LeaseId } from '../store/index.ts'
import { openMemoryStore, type MemoryStore } from '../store/testing/index.ts'
import type { AnyFormat } from './format.ts'
import { resign } from './republish.ts'

let room: MemoryStore
let publisher: Publisher
let lease: LeaseId
/** What happens while a Release is being signed. */
let meanwhile: () => Promise<unknown>

const sealer: Sealer = {
  seal: ({ snapshot, sealedAt }) => {
    const bytes = Buffer.from(`${snapshot.number} ${sealedAt.toISOString()}`)
    return Promise.resolve({ entries: [{ path: 'InRelease', bytes, stable: false }] })
  },
}
const slowSealer: Sealer = {
  async seal(options) {
    const now = meanwhile
    meanwhile = () => Promise.resolve()
    await now()
    return sealer.seal(options)
  },
}
const formats = [{ name: 'apt', sealer: () => slowSealer } as unknown as AnyFormat]
const signAgain = () =>
  resign({
    mirror: 'base',
    formats,
    publisher,
    signingKey: () => Promise.resolve({} as SigningKey),
    validForMs: undefined,
  })

beforeEach(async () => {
  room = await openMemoryStore()
  publisher = createPublisher(room)
  lease = await room.leases.acquire('test')
  meanwhile = () => Promise.resolve()
  for (const name of ['a', 'b']) {
    const digest = await room.store.write(lease, Buffer.from(name))
    const tree = await writeTree(room.store, lease, [{ path: 'file', sizeBytes: 1, digest, stable: false }])
    await publisher.addSnapshot({ mirror: 'base', tree: tree.digest, origin: 'test', meta: { format: 'apt' } })
  }
  await publisher.promote({ mirror: 'base', number: 1, sealer })
})
afterEach(() => room[Symbol.asyncDispose]())

test('signs anew what is published', async () => {
  expect(await signAgain()).toMatchObject({ generation: 2, snapshotNumber: 1 })
})

test('never brings back what a switch has replaced meanwhile', async () => {
  meanwhile = () => publisher.promote({ mirror: 'base', number: 2, sealer })
  await signAgain()
  expect((await publisher.current('base'))?.snapshotNumber).toBe(2)
})

test('publishes nothing that was withdrawn meanwhile', async () => {
  meanwhile = () => publisher.withdraw('base')
  expect(await signAgain()).toBeUndefined()
  expect(await publisher.current('base')).toBeUndefined()
})
