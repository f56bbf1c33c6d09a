import { expect, test } from 'vitest'
import { digestOf } from '../core/index.ts'
import type { Snapshot } from '../publish/index.ts'
import type { AnyFormat, MirrorPackage } from './format.ts'
import { contentOf, withContent } from './snapshot-content.ts'

const packages = [3, 4].map((sizeBytes): MirrorPackage => ({
  name: `p${sizeBytes}`,
  version: '1',
  architecture: 'all',
  sizeBytes,
  path: `pool/p${sizeBytes}`,
  digest: digestOf(`p${sizeBytes}`),
  upstream: 'debian',
  reason: 'listed',
}))
const formatWith = (read: () => Promise<MirrorPackage[]>) => [{ name: 'apt', packagesOf: read } as unknown as AnyFormat]
const snapshotWith = (meta: unknown): Snapshot => ({
  tree: digestOf('tree'),
  mirror: 'base',
  number: 1,
  createdAt: new Date(0),
  origin: 'test',
  meta,
})

test('a snapshot says how much it holds without being read', async () => {
  const meta = withContent({ format: 'apt', suite: 'bookworm' }, packages)
  expect(meta).toMatchObject({ format: 'apt', suite: 'bookworm' })
  const unread = formatWith(() => Promise.reject(new Error('read')))
  expect(await contentOf(unread, snapshotWith(meta))).toEqual({ packageCount: 2, sizeBytes: 7 })
})

test('one that does not say is read', async () => {
  const read = formatWith(() => Promise.resolve(packages))
  expect(await contentOf(read, snapshotWith({ format: 'apt' }))).toEqual({ packageCount: 2, sizeBytes: 7 })
})
