import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { allBuildArgs } from './build-args.ts'
import { authsOf } from './auths.ts'
import { baseImagesOf } from './base-images.ts'
import { watchDisk } from './disk-watch.ts'
import { unpackDockerArchive } from './docker-archive.ts'
import type { Dockerfile } from './dockerfile.ts'
import { openSession, type RunCommand } from './engine-session.ts'
import { finishLayout } from './finish-layout.ts'
import type { BuilderState, BuildRequest, BuildResult, ImageBuilder } from './image-builder.ts'
import { enginePath, probeProgram } from './probe-program.ts'
import { readContext } from './read-context.ts'

export interface DockerOptions {
  /** Where the engine listens: `unix:///run/docker.sock`. Default: what the client takes by itself. */
  host?: string | undefined
}

const program = 'docker'
const packageName = 'docker.io'
const periodUs = 100_000

/**
 * Builds by the Docker engine's own builder, which every engine has. Memory and processors are limited by the engine;
 * certificates of registries are looked for where it looks for them. Source: docker build and docker save, reference.
 */
export function createDockerBuilder({ host }: DockerOptions = {}): ImageBuilder {
  const common = host === undefined ? [] : ['--host', host]
  return {
    name: 'docker',
    probe: async () => explained(await probeProgram(program, [...common, ...versionArguments], probing)),
    build: (request) => build(request, common),
  }
}

const versionArguments = ['version', '--format', 'engine {{.Server.Version}}']
const probing = { package: packageName, version: /engine (\d\S*)/ }

function explained(state: BuilderState): BuilderState {
  if (state.usable || state.hint !== '') return state
  const isRefused = /permission denied/i.test(state.reason)
  const hint = isRefused ? 'Add the user that Larder runs as to the group docker.' : 'Start it: systemctl start docker'
  return { ...state, hint }
}

async function build(request: BuildRequest, common: readonly string[]): Promise<BuildResult> {
  const dockerfile = await readContext(request)
  const folder = join(request.cacheFolder, 'docker')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const workFolder = await mkdtemp(join(folder, 'work-'))
  try {
    return await buildIn(workFolder, request, { dockerfile, common })
  } finally {
    await rm(workFolder, { recursive: true, force: true })
  }
}

async function buildIn(
  workFolder: string,
  request: BuildRequest,
  { dockerfile, common }: { dockerfile: Dockerfile; common: readonly string[] },
): Promise<BuildResult> {
  const { limits, outputFolder } = request
  const auths = authsOf(request.registries ?? [])
  await writeFile(join(workFolder, 'config.json'), JSON.stringify({ auths }), { mode: 0o600 })
  const environment = {
    PATH: enginePath,
    LC_ALL: 'C.UTF-8',
    HOME: workFolder,
    DOCKER_CONFIG: workFolder,
    DOCKER_BUILDKIT: '0',
  }
  const session = { program, package: packageName, common, environment }
  const asking = openSession(request, dockerfile, { ...session, refuse: () => Promise.resolve(undefined) })
  const [root = ''] = await linesOf(asking, ['info', '--format', '{{.DockerRootDir}}'])
  const layers = join(root, 'overlay2')
  const refuse = await watchDisk({ layers, own: [workFolder, outputFolder], limitBytes: limits.diskBytes })
  const run = openSession(request, dockerfile, { ...session, refuse })
  const idFile = join(workFolder, 'image-id')
  await run(buildArguments(request, dockerfile, idFile))
  const image = (await readFile(idFile, 'utf8')).trim()
  const bases = await describeBases(baseImagesOf(dockerfile, request.buildArgs), run)
  const archive = join(workFolder, 'image.tar')
  await run(['save', '--output', archive, image])
  const given = new Set(bases.flatMap(({ layers: ofBase }) => ofBase))
  await unpackDockerArchive(archive, { outputFolder, workFolder, given })
  const { manifest } = await finishLayout(outputFolder, request)
  return { manifest, baseImages: bases.map(({ name, digest }) => ({ name, digest })) }
}

function buildArguments(request: BuildRequest, dockerfile: Dockerfile, idFile: string): string[] {
  const { target, platform, network, limits } = request
  const quota = Math.ceil((limits.cpus ?? 0) * periodUs)
  return [
    'build',
    '--force-rm',
    `--network=${network}`,
    `--iidfile=${idFile}`,
    `--file=${join(request.contextFolder, request.dockerfile)}`,
    ...(target === undefined ? [] : [`--target=${target}`]),
    ...(platform === undefined ? [] : [`--platform=${platform}`]),
    ...(limits.memoryBytes === undefined
      ? []
      : [`--memory=${Math.floor(limits.memoryBytes)}`, `--memory-swap=${Math.floor(limits.memoryBytes)}`]),
    ...(limits.cpus === undefined ? [] : [`--cpu-period=${periodUs}`, `--cpu-quota=${quota}`]),
    ...Object.entries(allBuildArgs(request, dockerfile)).map(([key, value]) => `--build-arg=${key}=${value}`),
    '--',
    request.contextFolder,
  ]
}

interface Base {
  name: string
  digest: string | undefined
  /** Digests of its layers, unpacked. */
  layers: string[]
}

async function describeBases(names: readonly string[], run: RunCommand): Promise<Base[]> {
  const bases: Base[] = []
  for (const name of names) {
    const form = '{{json .RootFS.Layers}} {{json .RepoDigests}}'
    const [line = ''] = await linesOf(run, ['image', 'inspect', '--format', form, '--', name])
    const [layers = '[]', digests = '[]'] = line.split(' ')
    const [first] = JSON.parse(digests) as string[]
    bases.push({ name, digest: first?.split('@')[1], layers: (JSON.parse(layers) as string[] | null) ?? [] })
  }
  return bases
}

async function linesOf(run: RunCommand, args: readonly string[]): Promise<string[]> {
  const lines: string[] = []
  const onLine = (line: string): void => {
    lines.push(line)
  }
  await run(args, { onLine })
  return lines
}
