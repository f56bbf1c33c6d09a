import { expect, it } from 'vitest'
import { digestOf } from '../../core/index.ts'
import { openMemoryStore, openTestStore } from '../../store/testing/index.ts'
import { makeRpm } from '../testing/make-rpm.ts'
import { readRpm, readRpmBytes, rpmInStore, toPackage } from './index.ts'

const rpms = [
  makeRpm({ name: 'small', version: '1' }),
  makeRpm({ name: 'payload', version: '1', files: { '/a': 'x'.repeat(300_000) } }),
  makeRpm({ name: 'header', version: '1', description: 'long '.repeat(40_000) }),
]

it.each([
  ['a store of files', openTestStore],
  ['a store that is no folder of files', openMemoryStore],
])('reads headers in %s', async (_, open) => {
  await using opened = await open()
  const { store, leases } = opened
  const lease = await leases.acquire('test')
  for (const rpm of rpms) {
    const source = await rpmInStore(store, await store.write(lease, rpm), 'one.rpm')
    expect(toPackage(await readRpm(source))).toEqual(toPackage(readRpmBytes(rpm, 'one.rpm')))
  }
  await expect(rpmInStore(store, digestOf(Buffer.from('other')), 'other.rpm')).rejects.toThrow('other.rpm')
})
