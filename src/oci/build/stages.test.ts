import { expect, it } from 'vitest'
import { hostPlatform, platformName } from '../platform.ts'
import { parseDockerfile } from './dockerfile.ts'
import { requireEmulation } from './require-emulation.ts'
import { resolveStages, stageBases } from './stages.ts'

const here = platformName(hostPlatform())
const read = (text: string) => parseDockerfile(text, 'Dockerfile')

it.each([
  ['FROM a', undefined, ['1 a linux/s390x']],
  ['FROM a AS x\nFROM X AS y\nFROM y', undefined, ['1 a linux/s390x', '1 a linux/s390x', '1 a linux/s390x']],
  [
    'ARG v=1\nFROM --platform=$BUILDPLATFORM a:$v AS x\nFROM scratch',
    undefined,
    [`2 a:1 ${here}`, '3 scratch linux/s390x'],
  ],
  ['FROM --platform=linux/arm64/v8 a AS x\nFROM b AS y\nFROM c', 'Y', ['1 a linux/arm64', '2 b linux/s390x']],
  ['FROM --platform=$NOWHERE a\nFROM b', '0', ['1 a linux/s390x']],
])('stages of %j', (text, target, expected) => {
  const stages = resolveStages(read(text), { buildArgs: {}, platform: 'linux/s390x', target })
  expect(stages.map(({ root, line, platform }) => `${line} ${root} ${platformName(platform)}`)).toEqual(expected)
})

it('bases are what comes from elsewhere, once for each platform', () => {
  const text = 'FROM a AS x\nFROM x\nFROM a\nFROM --platform=linux/arm64 a\nFROM scratch'
  const bases = stageBases(resolveStages(read(text), { buildArgs: {}, platform: 'linux/s390x' }))
  expect(bases.map(({ image, platform }) => `${image} ${platform}`)).toEqual(['a linux/s390x', 'a linux/arm64'])
})

const asked = (platforms: (string | undefined)[], target?: string) => ({
  platforms,
  buildArgs: {},
  target,
  runs: (architecture: string) => Promise.resolve(architecture === hostPlatform().architecture),
})

it.each([
  ['FROM a\nRUN x', [undefined], undefined],
  ['FROM a\nCOPY x y', [undefined, 'linux/s390x'], undefined],
  ['FROM --platform=$BUILDPLATFORM a AS b\nRUN x\nFROM scratch\nCOPY --from=b x x', ['linux/s390x'], undefined],
  ['FROM a AS one\nCOPY x y\nFROM a\nRUN x', ['linux/s390x'], 'one'],
])('%j needs no emulator for %j', async (text, platforms, target) => {
  await expect(requireEmulation(read(text), 'Dockerfile', asked(platforms, target))).resolves.toBeUndefined()
})

it('what needs one is refused at its line, with what to install', async () => {
  const refused = requireEmulation(read('FROM a\n\nRUN make it'), 'app/Dockerfile', asked([undefined, 'linux/s390x']))
  await expect(refused).rejects.toMatchObject({
    code: 'BUILD_PLATFORM_UNSUPPORTED',
    message: 'app/Dockerfile:3: RUN make it: this host runs no programs for linux/s390x.',
    hint: expect.stringMatching(/^apt-get install qemu-user-static binfmt-support; /) as string,
    context: { line: 3, platform: 'linux/s390x' },
  })
})
