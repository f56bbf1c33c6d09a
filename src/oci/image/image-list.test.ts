import { expect, test } from 'vitest'
import { formatProblem } from '../../core/index.ts'
import { memoryFiles } from '../../core/testing/memory-files.ts'
import { readImageList } from './image-list.ts'

const entry = { service_name: 'counter', type: 'Docker', version: '1.4.0' }
const dockerfiles = { 'counter/Dockerfile': 'FROM scratch\n', 'deep/build/Dockerfile': 'FROM scratch\n' }

async function read(list: unknown, files: Record<string, string> = dockerfiles) {
  const text = typeof list === 'string' ? list : JSON.stringify(list, undefined, 1)
  const { images, problems } = await readImageList(memoryFiles({ ...files, 'images.json': text }), 'images.json')
  return { images, problems: problems.map(formatProblem) }
}

test('the shape that people have needs nothing more', async () => {
  const { images, problems } = await read([entry])
  expect(problems).toEqual([])
  expect(images).toMatchObject([
    { name: 'counter', version: '1.4.0', dockerfile: 'counter/Dockerfile', context: 'counter', isMutable: false },
  ])
})

test.each([
  [{ dockerfile: 'deep/build/Dockerfile' }, 'deep/build'],
  [{ dockerfile: 'deep/build/Dockerfile', context: 'deep' }, 'deep'],
  [{ context: '.' }, ''],
])('with %j the context is %j', async (options, context) => {
  const { images, problems } = await read([{ ...entry, ...options }])
  expect(problems).toEqual([])
  expect(images[0]?.context).toBe(context)
})

test.each([
  ['no list', { images: [entry] }, /a list of images is a list/],
  ['a version that is a number', [{ ...entry, version: 1.4 }], /images\.json:5:\d+: .*quotes/],
  ['a name that no registry takes', [{ ...entry, service_name: 'Counter' }], /small letters/],
  ['a misspelt key', [{ ...entry, verison: '2' }], /verison.*did you mean version/],
  ['no Dockerfile', [{ ...entry, service_name: 'other' }], /no file "other\/Dockerfile" in the site/],
  [
    'a Dockerfile outside of its context',
    [{ ...entry, context: 'deep' }],
    /counter\/Dockerfile is not in the context deep/,
  ],
  ['a context that leads out', [{ ...entry, context: '../other' }], /path within the site/],
  ['platform and platforms', [{ ...entry, platform: 'linux/arm64', platforms: ['linux/amd64'] }], /not both/],
  ['a platform twice', [{ ...entry, platforms: ['linux/arm64', 'linux/arm64/v8'] }], /each platform once/],
  ['a platform without a processor', [{ ...entry, platforms: ['arm64'] }], /as in linux\/arm64/],
  ['a disk for several', [{ ...entry, type: 'AMI', platforms: ['linux/amd64', 'linux/arm64'] }], /one platform/],
  ['the same image twice', [entry, { ...entry, version: '2' }], /counter is in the list twice, first in line 3/],
  ['what is no JSON', '[ {', /images\.json:1/],
])('%s is a problem at its place', async (_what, list, expected) => {
  const { problems } = await read(list)
  expect(problems).toHaveLength(1)
  expect(problems[0]).toMatch(expected)
})

test('every mistake of a list is told at once, and what is right is read', async () => {
  const { images, problems } = await read([{ ...entry, version: '' }, { ...entry, type: 'Podman' }, entry])
  expect(problems).toHaveLength(2)
  expect(images.map(({ version }) => version)).toEqual(['1.4.0'])
})
