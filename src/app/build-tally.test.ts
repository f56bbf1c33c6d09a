import { expect, it } from 'vitest'
import { LarderError } from '../core/index.ts'
import { createImageBuilds } from '../oci/index.ts'
import { openMemoryStore } from '../store/testing/index.ts'
import { tallyBuilds } from './build-tally.ts'

it('counts how builds end, and how long they take', async () => {
  await using room = await openMemoryStore()
  const builds = tallyBuilds(createImageBuilds(room.state, room.clock), room.clock)
  const begin = (version: string) =>
    builds.begin({ image: 'a', version, type: 'Docker', inputs: 'i', commit: undefined, runId: 1, files: {} })
  const first = await begin('1')
  room.clock.advance(4000)
  await builds.built(first, { digest: `sha256:${'0'.repeat(64)}` as never, baseImages: [] })
  const [second, third] = [await begin('2'), await begin('3')]
  room.clock.advance(500)
  await builds.failed(second, new LarderError('BUILD_FAILED', { message: 'No.' }))
  await builds.failed(third, new LarderError('BUILD_FAILED', { message: 'No.' }))
  expect([...builds.tally()]).toEqual([
    ['built', { count: 1, seconds: 4 }],
    ['failed', { count: 2, seconds: 1 }],
  ])
  expect(await builds.latest('a')).toMatchObject({ version: '3', state: 'failed' })
})
