import { expect, it } from 'vitest'
import { memoryFiles } from '../../core/testing/memory-files.ts'
import { hostPlatform } from '../platform.ts'
import { unbuildableImages } from './unbuildable-images.ts'

const here = `linux/${hostPlatform().architecture}`
const runs = (architecture: string) => Promise.resolve(architecture === hostPlatform().architecture)

it.each([
  ['for this host', 'FROM a\nRUN b', {}, undefined],
  ['copying alone', 'FROM a\nCOPY b c', { platforms: [here, 'linux/s390x'] }, undefined],
  ['of several one', 'FROM a\nRUN b', { platforms: [here, 'linux/s390x'] }, 'counter/Dockerfile:2: RUN b: '],
  ['of one', 'FROM a\nRUN b', { platform: 'linux/s390x' }, 'counter/Dockerfile:2: RUN b: '],
  ['what cannot be read is told elsewhere', 'FROM a\nRNU b', { platform: 'linux/s390x' }, undefined],
])('%s', async (_, dockerfile, more, expected) => {
  const entry = { service_name: 'counter', type: 'Docker', version: '1', ...more }
  const files = memoryFiles({ 'images.json': JSON.stringify([entry]), 'counter/Dockerfile': dockerfile })
  const found = await unbuildableImages(files, 'images.json', runs)
  expect(found.map(({ name, why }) => `${name}: ${why.message}`)).toEqual(
    expected === undefined ? [] : [expect.stringContaining(`counter: ${expected}`)],
  )
})
