import { expect, it } from 'vitest'
import { buildkitArguments } from './buildkit.ts'
import { parseDockerfile } from './dockerfile.ts'
import type { BuildRequest } from './image-builder.ts'

const request: BuildRequest = {
  contextFolder: '/work/context',
  dockerfile: 'sub/Dockerfile.dev',
  target: 'final',
  buildArgs: { word: 'a b; $(c)' },
  platform: 'linux/arm64',
  labels: { z: '1' },
  sourceDateEpoch: new Date(1_700_000_000_000),
  limits: { timeoutMs: 1000, logBytes: 1000 },
  network: 'none',
  cacheFolder: '/work/cache',
  outputFolder: '/work/layout',
  log: () => undefined,
  signal: new AbortController().signal,
}

it('tells BuildKit what to build, values beside their names', () => {
  expect(buildkitArguments(request, parseDockerfile('FROM scratch', 'Dockerfile'))).toEqual([
    'build',
    '--progress=plain',
    '--frontend=dockerfile.v0',
    '--local=context=/work/context',
    '--local=dockerfile=/work/context/sub',
    '--opt=filename=Dockerfile.dev',
    '--opt=target=final',
    '--opt=platform=linux/arm64',
    '--opt=force-network-mode=none',
    '--opt=build-arg:SOURCE_DATE_EPOCH=315532800',
    '--opt=build-arg:word=a b; $(c)',
    '--output=type=oci,tar=false,rewrite-timestamp=true,dest=/work/layout',
  ])
})

it.each([
  ['host', '--allow=network.host'],
  ['bridge', '--opt=force-network-mode=sandbox'],
] as const)('network %s', (network, argument) => {
  const dockerfile = parseDockerfile('FROM scratch', 'Dockerfile')
  expect(buildkitArguments({ ...request, network }, dockerfile)).toContain(argument)
})

it('tells the time of the commit to a Dockerfile that asks for it, and to no other', () => {
  const asking = parseDockerfile('FROM scratch\nARG SOURCE_DATE_EPOCH\n', 'Dockerfile')
  expect(buildkitArguments(request, asking)).toContain('--opt=build-arg:SOURCE_DATE_EPOCH=1700000000')
})
