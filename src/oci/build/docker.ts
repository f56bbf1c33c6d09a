import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { allBuildArgs } from './build-args.ts'
import { authsOf } from './auths.ts'
import { baseImagesOf } from './base-images.ts'
import { BuildTurns } from './build-turns.ts'
import { watchDisk } from './disk-watch.ts'
import { unpackDockerArchive } from './docker-archive.ts'
import { platformArgs } from './dockerfile-args.ts'
import type { Dockerfile } from './dockerfile.ts'
import { openEngineGroup } from './engine-group.ts'
import { openSession, type RunCommand } from './engine-session.ts'
import { finishLayout } from './finish-layout.ts'
import type { BuilderState, BuildRequest, BuildResult, ImageBuilder } from './image-builder.ts'
import { enginePath, isRefused, probeProgram } from './probe-program.ts'
import { pruneDocker, usedByDocker } from './prune-docker.ts'
import { readContext } from './read-context.ts'
import { resolveStages } from './stages.ts'

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
  const turns = new BuildTurns()
  return {
    name: 'docker',
    hasEmulators: false,
    probe: async () => explained(await probeProgram(program, [...common, ...versionArguments], probing)),
    build: (request) => turns.build(() => build(request, common)),
    prune: (options) => turns.forget((mayGoOn) => pruneDocker(options, { common, mayGoOn })),
  }
}

const versionArguments = ['version', '--format', 'engine {{.Server.Version}}']
const probing = { package: packageName, version: /engine (\d\S*)/ }

function explained(state: BuilderState): BuilderState {
  if (state.usable || state.hint !== '') return state
  if (!isRefused(state)) return { ...state, hint: 'Start it: systemctl start docker' }
  const join = `usermod --append --groups docker ${userInfo().username}, and start Larder again`
  return { ...state, hint: `${join}: whoever is in that group can do what root can. Or run Larder as root.` }
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
  const session = { program, package: packageName, common, environment, tellsErrorsApart: true }
  const asking = openSession(request, dockerfile, { ...session, refuse: () => Promise.resolve(undefined) })
  const [root = '', driver = ''] = await linesOf(asking, ['info', '--format', '{{.DockerRootDir}}\n{{.CgroupDriver}}'])
  const layers = join(root, 'overlay2')
  const refuse = await watchDisk({ layers, own: [workFolder, outputFolder], limitBytes: limits.diskBytes })
  const run = openSession(request, dockerfile, { ...session, refuse })
  const idFile = join(workFolder, 'image-id')
  const group = await openEngineGroup(driver)
  if (group === undefined) request.log('this host has no control groups for us, so these are not limited: processes')
  try {
    await run(buildArguments(request, dockerfile, { idFile, parent: group?.parent }))
  } finally {
    await group?.release()
  }
  const image = (await readFile(idFile, 'utf8')).trim()
  await usedByDocker(request).use([image])
  const bases = await describeBases(baseImagesOf(dockerfile, request), run)
  const archive = join(workFolder, 'image.tar')
  await run(['save', '--output', archive, image])
  const given = new Set(bases.flatMap(({ layers: ofBase }) => ofBase))
  await unpackDockerArchive(archive, { outputFolder, workFolder, given })
  const { manifest, platform } = await finishLayout(outputFolder, request, resolveStages(dockerfile, request).at(-1))
  return { manifest, platform, baseImages: bases.map(({ name, digest }) => ({ name, digest })) }
}

function buildArguments(
  request: BuildRequest,
  dockerfile: Dockerfile,
  { idFile, parent }: { idFile: string; parent: string | undefined },
): string[] {
  const { target, network, limits } = request
  // A stage that stands on nothing is for the host to this builder, whatever it is told, and then is not what was told.
  const platform = baseImagesOf(dockerfile, request).length === 0 ? undefined : request.platform
  const quota = Math.ceil((limits.cpus ?? 0) * periodUs)
  return [
    'build',
    '--force-rm',
    `--network=${network}`,
    ...(parent === undefined ? [] : [`--cgroup-parent=${parent}`]),
    `--iidfile=${idFile}`,
    `--file=${join(request.contextFolder, request.dockerfile)}`,
    ...(target === undefined ? [] : [`--target=${target}`]),
    ...(platform === undefined ? [] : [`--platform=${platform}`]),
    ...(limits.memoryBytes === undefined
      ? []
      : [`--memory=${Math.floor(limits.memoryBytes)}`, `--memory-swap=${Math.floor(limits.memoryBytes)}`]),
    ...(limits.cpus === undefined ? [] : [`--cpu-period=${periodUs}`, `--cpu-quota=${quota}`]),
    ...Object.entries(buildArgs(request, dockerfile)).map(([key, value]) => `--build-arg=${key}=${value}`),
    '--',
    request.contextFolder,
  ]
}

/** This builder knows no ARGs of platforms by itself. */
function buildArgs(request: BuildRequest, dockerfile: Dockerfile): Readonly<Record<string, string>> {
  const args = dockerfile.instructions.filter(({ keyword }) => keyword === 'ARG')
  const declared = args.flatMap(({ text }) => text.split(/\s+/).map((word) => word.split('=')[0]))
  const known = Object.entries(platformArgs(request.platform)).filter(([name]) => declared.includes(name))
  return { ...Object.fromEntries(known), ...allBuildArgs(request, dockerfile) }
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
