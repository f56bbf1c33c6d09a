import { chmod, rm, truncate } from 'node:fs/promises'
import { expect, it } from 'vitest'
import type { Digest } from '../../../core/index.ts'
import { parseDigest, parseRepositoryName } from '../../../oci/index.ts'
import { found, useTestLarder } from '../../testing/doctored-larder.ts'
import type { TestLarder } from '../../testing/open-test-larder.ts'
import { judgeAbsent, type BlobOrigin } from './registry.ts'

const start = useTestLarder()
const repository = parseRepositoryName('team/app')
const digests = ['a', 'b'].map((digit) => parseDigest(`sha256:${digit.repeat(64)}`))

it.each<[BlobOrigin, number, boolean, string[], string, RegExp]>([
  ['pushed', 1, true, ['1.0'], 'error', /^The blob \S+ of team\/app is missing .*: team\/app:1\.0 cannot be pulled\.$/],
  [
    'built',
    2,
    true,
    ['1', '2', '3', '4', '5', '6', '7'],
    'error',
    /^2 blobs .* are missing .*: team\/app:1, 2, 3, 4, 5 and 2 more cannot/,
  ],
  ['pushed', 1, true, [], 'error', /pulled by its digest/],
  ['pushed', 1, false, [], 'warning', /no manifest needs it/],
  ['read through', 1, true, ['1.0'], 'warning', /the next pull fetches it again/],
])('%s, %d blobs, named %s', (origin, count, isNamed, tags, severity, message) => {
  const absent = { repository, digests: digests.slice(0, count), isNamed, tags }
  expect(judgeAbsent(absent, origin)).toMatchObject({ severity, message: expect.stringMatching(message) })
})

async function* once(bytes: Buffer) {
  yield await Promise.resolve(bytes)
}

async function push({ larder }: TestLarder, digest: Digest, bytes: Buffer): Promise<void> {
  const { registry } = larder.context
  const id = await registry.beginUpload(repository)
  await registry.finishUpload(repository, id, parseDigest(digest), { body: once(bytes) })
}

it('what is lost, or cut, is told until it is pushed again', async () => {
  const larder = await start()
  const { store, leases } = larder.larder.context
  const bytes = Buffer.from('a layer')
  const digest = await store.write(await leases.acquire('test'), bytes)
  const path = store.localPath(digest)
  await push(larder, digest, bytes)
  expect(await found(larder, 'registry')).toEqual([])
  await rm(path)
  expect(await found(larder, 'registry')).toMatchObject([{ subject: 'image team/app', fixable: false }])
  await push(larder, digest, bytes)
  expect(await found(larder, 'registry')).toEqual([])
  await chmod(path, 0o644)
  await truncate(path, 3)
  expect(await found(larder, 'registry')).toHaveLength(1)
  const deep = { deep: true, fix: true }
  expect(await found(larder, 'blobs', deep)).toMatchObject([
    { severity: 'error', message: expect.stringContaining('a part of the image team/app'), fixed: true },
  ])
  await push(larder, digest, bytes)
  expect(await found(larder, 'registry')).toEqual([])
})
