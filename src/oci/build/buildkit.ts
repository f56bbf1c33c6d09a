import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { authsOf } from './auths.ts'
import { allBuildArgs } from './build-args.ts'
import { baseImagesOf } from './base-images.ts'
import type { BuildLog } from './build-log.ts'
import { watchDisk } from './disk-watch.ts'
import type { Dockerfile } from './dockerfile.ts'
import { openSession } from './engine-session.ts'
import { finishLayout, layerDate } from './finish-layout.ts'
import type { BuildRequest, BuildResult, ImageBuilder } from './image-builder.ts'
import { enginePath, isRefused, probeProgram } from './probe-program.ts'
import { readContext } from './read-context.ts'
import { resolveStages } from './stages.ts'

export interface BuildkitOptions {
  /** Where buildkitd listens: `unix:///run/buildkit/buildkitd.sock`, which is what buildctl takes by itself. */
  host?: string | undefined
  /** Default `buildctl`. */
  program?: string
}

interface Client {
  program: string
  /** Before the arguments of every command. */
  common: readonly string[]
}

/**
 * Builds by BuildKit. Memory, processors and certificates of registries are settings of its daemon, which no client
 * changes. Source: BuildKit, README ("Build a Dockerfile with buildctl", "Output") and docs/build-repro.md.
 */
export function createBuildkitBuilder({ host, program = 'buildctl' }: BuildkitOptions = {}): ImageBuilder {
  const common = host === undefined ? [] : ['--addr', host]
  const probing = { package: 'buildkit', version: /BuildKit: \S+ v?(\d\S*)/ }
  return {
    name: 'buildkit',
    hasEmulators: true,
    async probe() {
      const state = await probeProgram(program, [...common, 'debug', 'info'], probing)
      if (state.usable) return state
      if (isRefused(state))
        return {
          ...state,
          hint: 'Start buildkitd with --group and a group of the user that Larder runs as; or run Larder as root.',
        }
      return { ...state, hint: 'Install BuildKit 0.13 or newer and start buildkitd; or use buildah.' }
    },
    build: (request) => build(request, { program, common }),
  }
}

async function build(request: BuildRequest, { program, common }: Client): Promise<BuildResult> {
  const dockerfile = await readContext(request)
  const folder = join(request.cacheFolder, 'buildkit')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const workFolder = await mkdtemp(join(folder, 'work-'))
  try {
    const { outputFolder, limits, registries = [] } = request
    await writeFile(join(workFolder, 'config.json'), JSON.stringify({ auths: authsOf(registries) }), { mode: 0o600 })
    const environment = { PATH: enginePath, LC_ALL: 'C.UTF-8', HOME: workFolder, DOCKER_CONFIG: workFolder }
    const refuse = await watchDisk({ layers: workFolder, own: [outputFolder], limitBytes: limits.diskBytes })
    const onLine = placeIn(request)
    const session = { program, package: 'buildkit', common, environment, refuse, onLine }
    const run = openSession(request, dockerfile, session)
    await run(buildkitArguments(request, dockerfile))
    const { manifest, platform } = await finishLayout(outputFolder, request, resolveStages(dockerfile, request).at(-1))
    const bases = baseImagesOf(dockerfile, request)
    return { manifest, platform, baseImages: bases.map((name) => ({ name, digest: /@(\S+)$/.exec(name)?.[1] })) }
  } finally {
    await rm(workFolder, { recursive: true, force: true })
  }
}

/** What went wrong is told with `Dockerfile:7`, a line of its own. */
function placeIn({ dockerfile }: BuildRequest): (line: string, log: BuildLog) => void {
  const start = `${basename(dockerfile)}:`
  return (line, log) => {
    if (line.startsWith(start) && /^\d+$/.test(line.slice(start.length))) log.reach(Number(line.slice(start.length)))
  }
}

export function buildkitArguments(request: BuildRequest, dockerfile: Dockerfile): string[] {
  const { contextFolder, dockerfile: path, target, platform, network, outputFolder } = request
  const epoch = String(layerDate.getTime() / 1000)
  const args = { SOURCE_DATE_EPOCH: epoch, ...allBuildArgs(request, dockerfile) }
  const options: Record<string, string> = {
    filename: basename(path),
    ...(target === undefined ? {} : { target }),
    ...(platform === undefined ? {} : { platform }),
    'force-network-mode': network === 'bridge' ? 'sandbox' : network,
    ...Object.fromEntries(Object.entries(args).map(([key, value]) => [`build-arg:${key}`, value])),
  }
  return [
    'build',
    '--progress=plain',
    '--frontend=dockerfile.v0',
    `--local=context=${contextFolder}`,
    `--local=dockerfile=${dirname(join(contextFolder, path))}`,
    ...(network === 'host' ? ['--allow=network.host'] : []),
    ...Object.entries(options).map(([key, value]) => `--opt=${key}=${value}`),
    `--output=type=oci,tar=false,rewrite-timestamp=true,dest=${outputFolder}`,
  ]
}
