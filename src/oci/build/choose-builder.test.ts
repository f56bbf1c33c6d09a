import { expect, it } from 'vitest'
import { chooseBuilder } from './choose-builder.ts'
import type { BuilderState, ImageBuilder } from './image-builder.ts'

const builder = (name: ImageBuilder['name'], state: BuilderState): ImageBuilder => ({
  name,
  hasEmulators: false,
  probe: () => Promise.resolve(state),
  build: () => Promise.reject(new Error('nobody builds')),
})
const absent = { usable: false, isInstalled: false, reason: 'it is not installed.', hint: 'Install it.' } as const
const refused = { usable: false, isInstalled: true, reason: 'permission denied.', hint: 'Join the group.' } as const
const good = { usable: true, version: '1' } as const

it('takes the first that can be used, or the one that is asked for', async () => {
  const builders = [builder('buildkit', absent), builder('buildah', good), builder('docker', good)]
  expect((await chooseBuilder(builders, undefined)).name).toBe('buildah')
  expect((await chooseBuilder(builders, 'docker')).name).toBe('docker')
})

it.each([
  ['what is there and is refused is nearest', undefined, 'Join the group.'],
  ['of the one that is asked for', 'buildkit', 'Install it.'],
] as const)('tells of each why not, and a remedy: %s', async (_which, preferred, hint) => {
  const builders = [builder('buildkit', absent), builder('buildah', absent), builder('docker', refused)]
  const chosen = chooseBuilder(builders, preferred)
  await expect(chosen).rejects.toMatchObject({ code: 'BUILD_ENGINE_MISSING', hint })
  const others = preferred === undefined ? ' buildah: it is not installed. docker: permission denied.' : ''
  await expect(chosen).rejects.toThrow(`No image can be built here. buildkit: it is not installed.${others}`)
})

it('where nothing is there, what is easiest to have', async () => {
  const chosen = chooseBuilder([builder('buildkit', absent), builder('docker', absent)], undefined)
  await expect(chosen).rejects.toMatchObject({ hint: expect.stringMatching(/^apt-get install buildah/) })
})
