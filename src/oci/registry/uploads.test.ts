import { createHash } from 'node:crypto'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { LeaseId } from '../../store/index.ts'
import { MemoryBlobStore, openMemoryStore, type MemoryStore } from '../../store/testing/index.ts'
import { parseDigest, parseRepositoryName } from '../reference.ts'
import { createRegistry, type Registry } from './registry.ts'

const repository = parseRepositoryName('counter')
const digest = parseDigest(`sha256:${createHash('sha256').update('half rest').digest('hex')}`)

let room: MemoryStore
let registry: Registry

beforeEach(async () => {
  room = await openMemoryStore()
  registry = createRegistry(room)
})
afterEach(async () => {
  await registry.close()
  await room[Symbol.asyncDispose]()
})

async function* once(text: string) {
  yield await Promise.resolve(Buffer.from(text))
}

const finish = (id: string) => registry.finishUpload(repository, id, digest, { body: once(' rest') })

async function beginHalf(): Promise<string> {
  const id = await registry.beginUpload(repository)
  await registry.writeUpload(repository, id, { body: once('half') })
  return id
}

/** Starts again over the same database, with these bytes left of the upload. */
async function restartWith(id: string, left: string): Promise<void> {
  await registry.close()
  const store = new MemoryBlobStore()
  const upload = await store.openUpload('' as LeaseId, `registry/${id}`)
  await upload.append(Buffer.from(left))
  await upload.suspend()
  registry = createRegistry({ ...room, store })
}

it('goes on after a restart', async () => {
  const id = await beginHalf()
  await restartWith(id, 'half')
  expect(await finish(id)).toEqual({ digest, sizeBytes: 9 })
})

it.each(['', 'ha', 'half and more'])('is unknown where “%s” is left of what its client has sent', async (left) => {
  const id = await beginHalf()
  await restartWith(id, left)
  await expect(finish(id)).rejects.toMatchObject({ code: 'OCI_UPLOAD_UNKNOWN', httpStatus: 404 })
  await expect(registry.uploadOffset(repository, id)).rejects.toMatchObject({ code: 'OCI_UPLOAD_UNKNOWN' })
})

it('with the wrong bytes from its first is told so', async () => {
  const id = await registry.beginUpload(repository)
  await expect(finish(id)).rejects.toMatchObject({ code: 'OCI_DIGEST_INVALID' })
})
