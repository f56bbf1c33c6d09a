import { expect, test } from 'vitest'
import type { ImageBuild } from './image-builds.ts'
import type { ObservedImage } from './image-change.ts'
import { declaredImage, imageSchema } from './image-schema.ts'
import { planImage } from './plan-image.ts'

function observed(options: {
  version?: string
  isMutable?: boolean
  files?: Record<string, string>
  published?: Partial<ImageBuild>
  previous?: Partial<ImageBuild>
  same?: Partial<ImageBuild>
  bases?: Partial<ObservedImage['bases']>
}): ObservedImage {
  const { version = '1.0', isMutable = false, files = { Dockerfile: 'a' } } = options
  const entry = imageSchema.parse({ service_name: 'counter', type: 'Docker', version, mutable: isMutable })
  const inputs = { identity: JSON.stringify(files), files }
  const { published, previous, same } = options
  return {
    image: declaredImage(entry),
    inputs,
    published: published && build(published),
    previous: (previous ?? published) && build(previous ?? published ?? {}),
    same: same && build(same),
    bases: { changed: [], unknown: [], ...options.bases },
  }
}

function build(some: Partial<ImageBuild>): ImageBuild {
  return {
    id: 1,
    image: 'counter',
    version: '1.0',
    type: 'Docker',
    inputs: '',
    state: 'published',
    digest: undefined,
    commit: '0123456789abcdef0123456789abcdef01234567',
    runId: 1,
    startedAt: new Date(0),
    finishedAt: new Date(0),
    error: undefined,
    detail: { files: {}, baseImages: [] },
    ...some,
  }
}

const plan = (image: ObservedImage) => planImage(image, { builder: undefined })
const detail = (files: Record<string, string>) => ({ detail: { files, baseImages: [] } })

test('what was never built is built', () => {
  const [change] = plan(observed({ files: { Dockerfile: 'a', 'app/main': 'b' } }))
  expect(change).toMatchObject({ subject: 'image counter', action: 'create' })
  expect(change?.summary).toBe('build 1.0 of counter/Dockerfile and 2 files')
})

test('a version that was built of the same is left alone', () => {
  expect(plan(observed({ published: { inputs: JSON.stringify({ Dockerfile: 'a' }) } }))).toEqual([])
})

test('a new version says which files changed since the last', () => {
  const previous = { ...detail({ Dockerfile: 'a', gone: 'x', same: 'y' }), inputs: 'other' }
  const [change] = plan(observed({ version: '1.1', files: { Dockerfile: 'b', same: 'y', added: 'z' }, previous }))
  expect(change).toMatchObject({ action: 'update', detail: { previousVersion: '1.0' } })
  expect(change?.detail.changedFiles).toEqual(['Dockerfile', 'added', 'gone'])
  expect(change?.summary).toBe('build 1.1: Dockerfile, added, gone changed since 1.0')
})

test('another version of the same sources is not built again', () => {
  const same = { inputs: JSON.stringify({ Dockerfile: 'a' }) }
  const [change] = plan(observed({ version: '1.1', previous: same, same }))
  expect(change?.summary).toBe('1.1: the same sources as 1.0, not built again')
})

const asBefore = { ...detail({ Dockerfile: 'a' }), inputs: JSON.stringify({ Dockerfile: 'a' }) }

test.each([
  [{ changed: ['debian:12'] }, 'build 1.1: its base debian:12 changed since 1.0'],
  [{ unknown: ['debian:12'] }, 'build 1.1: its base debian:12 may have changed since 1.0'],
  [{}, 'build 1.1: 1.0 is not in the registry any more'],
])('another version of the same sources: %j', (bases, summary) => {
  const [change] = plan(observed({ version: '1.1', previous: asBefore, bases }))
  expect(change?.summary).toBe(summary)
  expect(change?.detail.changedBases).toEqual(Object.values(bases).flat())
})

test('what it stands on changes a version that may change, and no other', () => {
  const bases = { changed: ['registry.example.org/base:1'] }
  expect(plan(observed({ published: asBefore, bases }))).toEqual([])
  const [change] = plan(observed({ published: asBefore, bases, isMutable: true }))
  expect(change?.summary).toBe('build 1.0: its base registry.example.org/base:1 changed since 1.0')
  expect(plan(observed({ published: asBefore, bases: { unknown: ['debian:12'] }, isMutable: true }))).toEqual([])
})

test('a version never comes to mean other content, unless it may', () => {
  const published = { ...detail({ Dockerfile: 'old' }), inputs: 'other' }
  expect(() => plan(observed({ published }))).toThrow(
    expect.objectContaining({ code: 'IMAGE_VERSION_TAKEN', message: expect.stringContaining('Dockerfile changed') }),
  )
  expect(plan(observed({ published, isMutable: true }))).toHaveLength(1)
})
