import { afterEach, beforeEach, expect, test } from 'vitest'
import { LarderError, systemClock } from '../../core/index.ts'
import { openDatabase, type State } from '../../state/index.ts'
import type { OciDigest } from '../reference.ts'
import { createImageBuilds, type ImageBuilds } from './image-builds.ts'

let state: State
let builds: ImageBuilds
beforeEach(async () => {
  state = await openDatabase({ path: ':memory:', clock: systemClock })
  builds = createImageBuilds(state, systemClock)
})
afterEach(() => state.close())

const digest = `sha256:${'1'.repeat(64)}` as OciDigest
const one = (version: string, image = 'counter') => ({
  image,
  version,
  type: 'Docker' as const,
  inputs: `inputs of ${version}`,
  commit: 'c',
  runId: 1,
  files: { Dockerfile: 'a' },
})

test('a build is told from its beginning to its publication', async () => {
  const id = await builds.begin(one('1.0'))
  expect(await builds.latest('counter')).toMatchObject({ id, state: 'building', digest: undefined })
  await builds.built(id, { digest, baseImages: [{ name: 'base:1', digest }] })
  expect(await builds.latest('counter')).toMatchObject({ state: 'built', digest })
  expect(await builds.latest('counter', { state: 'published' })).toBeUndefined()
  await builds.published(id)
  expect(await builds.latest('counter', { version: '1.0', state: 'published' })).toMatchObject({
    detail: { files: { Dockerfile: 'a' }, baseImages: [{ name: 'base:1', digest }] },
  })
})

test('a build that fails keeps its reason, and the one before it stays published', async () => {
  const good = await builds.begin(one('1.0'))
  await builds.built(good, { digest, baseImages: [] })
  await builds.published(good)
  const bad = await builds.begin(one('1.1'))
  await builds.failed(bad, new LarderError('BUILD_FAILED', { message: 'counter/Dockerfile:3: no', hint: 'mend it' }))
  expect(await builds.latest('counter')).toMatchObject({
    state: 'failed',
    error: { code: 'BUILD_FAILED', hint: 'mend it' },
  })
  expect(await builds.latest('counter', { state: 'published' })).toMatchObject({ version: '1.0' })
})

test('what a killed process was building has failed after the start', async () => {
  await builds.begin(one('1.0'))
  await builds.endUnfinished(new LarderError('CANCELLED', { message: 'Larder ended.' }))
  expect(await builds.latest('counter')).toMatchObject({ state: 'failed', error: { message: 'Larder ended.' } })
})

test('old failures are forgotten, publications are not', async () => {
  const published = await builds.begin(one('1.0'))
  await builds.built(published, { digest, baseImages: [] })
  await builds.published(published)
  for (const version of ['1.1', '1.2', '1.3', '1.4']) {
    await builds.failed(await builds.begin(one(version)), new LarderError('BUILD_FAILED', { message: 'no' }))
  }
  await builds.begin(one('1', 'other'))
  await builds.prune(2)
  expect((await builds.list('counter', 10)).map(({ version }) => version)).toEqual(['1.4', '1.3', '1.0'])
  expect(await builds.images()).toEqual(['counter', 'other'])
})
