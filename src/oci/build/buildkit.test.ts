import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { buildkitArguments, createBuildkitBuilder } from './buildkit.ts'
import { parseDockerfile } from './dockerfile.ts'
import type { BuildRequest, ImageBuilder } from './image-builder.ts'

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

describe('by the reference of buildctl, with a program in its place that has its options and says what it says', () => {
  let folder: string
  let builder: ImageBuilder
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'larder-buildkit-'))
    const standIn = fileURLToPath(new URL('../testing/stand-in-buildctl.ts', import.meta.url))
    const program = join(folder, 'buildctl')
    await writeFile(program, `#!/bin/sh\nexec '${process.execPath}' '${standIn}' "$@"\n`)
    await chmod(program, 0o755)
    builder = createBuildkitBuilder({ program, host: 'unix:///run/buildkit/buildkitd.sock' })
    for (const name of ['context', 'layout']) await mkdir(join(folder, name))
  })
  afterEach(() => rm(folder, { recursive: true }))

  const build = async (text: string, more: Partial<BuildRequest> = {}) => {
    await writeFile(join(folder, 'context/Dockerfile'), text)
    const folders = {
      contextFolder: join(folder, 'context'),
      outputFolder: join(folder, 'layout'),
      cacheFolder: join(folder, 'cache'),
    }
    const limits = { timeoutMs: 60_000, logBytes: 10_000 }
    return builder.build({ ...request, ...folders, dockerfile: 'Dockerfile', limits, ...more })
  }

  it('it is found, with its version', async () => {
    expect(await builder.probe()).toEqual({ usable: true, version: '0.13.2' })
  })

  it.each(['none', 'host', 'bridge'] as const)(
    'network %s: what it writes is the image, dated and labelled',
    async (network) => {
      const lines: string[] = []
      const { manifest, baseImages } = await build('FROM base.example.org/a:1\n', {
        network,
        log: (line) => lines.push(line),
      })
      const read = async (digest: string) =>
        JSON.parse(await readFile(join(folder, 'layout/blobs', ...digest.split(':')), 'utf8')) as never
      const { config } = (await read(manifest.digest)) as { config: { digest: string } }
      expect(await read(config.digest)).toMatchObject({
        created: '2023-11-14T22:13:20Z',
        config: { Labels: { z: '1' } },
      })
      expect(baseImages).toEqual([{ name: 'base.example.org/a:1', digest: undefined }])
      expect(lines).toContain('#2 0.123 built')
      expect(await readdir(join(folder, 'cache/buildkit'))).toEqual([])
    },
  )

  it('a failure is at its line, with its status', async () => {
    await expect(build('FROM scratch\n\nRUN exit 7\n')).rejects.toMatchObject({
      code: 'BUILD_FAILED',
      message: 'Dockerfile:3: RUN exit 7: it ended with status 7.',
      context: { line: 3, exitCode: 7 },
    })
  })

  it('a daemon that ends in the middle is no failure of the Dockerfile', async () => {
    await writeFile(
      join(folder, 'buildctl'),
      '#!/bin/sh\necho "error: failed to receive status: rpc error" >&2\nexit 1\n',
    )
    await expect(build('FROM scratch\nRUN echo\n')).rejects.toMatchObject({ code: 'BUILD_ENGINE_FAILED' })
  })
})
