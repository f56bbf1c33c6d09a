import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isLarderError, LarderError } from '../../core/index.ts'
import { baseImagesOf } from './base-images.ts'
import { describeBases, fetchBases } from './buildah-bases.ts'
import { BuildTurns } from './build-turns.ts'
import { allBuildArgs } from './build-args.ts'
import { type BuildahSettings, removeSettings, writeSettings } from './buildah-settings.ts'
import { storesIn } from './buildah-store.ts'
import { type Confinement, openConfinement } from './confinement.ts'
import { watchDisk } from './disk-watch.ts'
import { ignoreFile } from './dockerignore.ts'
import type { Dockerfile } from './dockerfile.ts'
import { openSession } from './engine-session.ts'
import { finishLayout, layerDate } from './finish-layout.ts'
import type { BuilderState, BuildRequest, BuildResult, ImageBuilder, PruneOptions } from './image-builder.ts'
import { probeProgram } from './probe-program.ts'
import { pruneBuildah, usedByBuildah } from './prune-buildah.ts'
import { isFile, readContext } from './read-context.ts'
import { runEngine } from './run-engine.ts'
import { resolveStages } from './stages.ts'

const name = 'buildah'
/** Of the containers of a build that was killed. */
const longestCleaningMs = 60_000

/** Builds by buildah: no daemon, and an image store of our own. Source: buildah-build(1), buildah-push(1). */
export function createBuildahBuilder(): ImageBuilder {
  return new BuildahBuilder()
}

class BuildahBuilder implements ImageBuilder {
  readonly name = name
  readonly hasEmulators = false
  #running = 0
  /** A build was killed, and what it had begun stands in the store. */
  #isUnclean = false
  readonly #turns = new BuildTurns()

  async probe(): Promise<BuilderState> {
    if (process.getuid?.() !== 0) {
      const hint = 'Run Larder as root, or declare another builder.'
      return { usable: false, isInstalled: false, reason: 'buildah is used as root only.', hint }
    }
    return probeProgram(name, ['--version'], { package: name, version: /version (\S+)/ })
  }

  async build(request: BuildRequest): Promise<BuildResult> {
    const dockerfile = await readContext(request)
    if (request.network === 'bridge') throw noBridge()
    return this.#turns.build(() => this.#build(request, dockerfile))
  }

  prune(options: PruneOptions): Promise<number> {
    return this.#turns.forget((mayGoOn) => pruneBuildah(options, mayGoOn))
  }

  async #build(request: BuildRequest, dockerfile: Dockerfile): Promise<BuildResult> {
    const settings = await writeSettings(request)
    this.#isUnclean ||= settings.leftovers.length > 0
    await this.#clean(settings)
    this.#running++
    try {
      const confinement = await openConfinement(request.limits)
      try {
        return await buildConfined(request, { dockerfile, settings, confinement })
      } finally {
        await confinement.release()
      }
    } catch (error) {
      // buildah itself removes what it made when an instruction fails, and cannot when it is killed.
      this.#isUnclean ||= !isLarderError(error) || error.code !== 'BUILD_FAILED'
      throw error
    } finally {
      this.#running--
      await this.#clean(settings)
      await removeSettings(settings)
    }
  }

  /** Only when nobody builds: it cannot be told whose containers these are. */
  async #clean({ environment, folder, leftovers }: BuildahSettings): Promise<void> {
    if (!this.#isUnclean || this.#running > 0) return
    const { signal } = new AbortController()
    const running = { environment, signal, timeoutMs: longestCleaningMs, package: name, onLine: () => undefined }
    for (const { options } of await storesIn(folder)) await runEngine(name, [...options, 'rm', '--all'], running)
    for (const leftover of leftovers) await rm(leftover, { recursive: true, force: true })
    this.#isUnclean = false
  }
}

interface Parts {
  dockerfile: Dockerfile
  settings: BuildahSettings
  confinement: Confinement
}

async function buildConfined(
  request: BuildRequest,
  { dockerfile, settings, confinement }: Parts,
): Promise<BuildResult> {
  const { limits, outputFolder } = request
  const { environment, storage, workFolder, layers, pulling } = settings
  const refuse = await watchDisk({ layers, own: [workFolder, outputFolder], limitBytes: limits.diskBytes })
  const session = { program: name, package: name, common: storage, environment, refuse, confinement }
  const run = openSession(request, dockerfile, session)
  for (const note of missingLimits(request, confinement)) request.log(note)
  const bases = baseImagesOf(dockerfile, request)
  const stages = resolveStages(dockerfile, request)
  const isOffline = request.network === 'none'
  // What RUN must not reach, FROM must; and what is built for a platform is to stand on what is for it.
  const isForPlatform = request.platform !== undefined
  const ids = isOffline || isForPlatform ? await fetchBases(request, { bases, stages, pulling, run }) : []
  const idFile = join(workFolder, 'image-id')
  const hasIgnore = await isFile(join(request.contextFolder, ignoreFile))
  const options = buildArguments(request, { settings, dockerfile, idFile, hasIgnore })
  await run([...options, ...(isOffline ? ids : []), '--', request.contextFolder], { isOffline })
  const image = (await readFile(idFile, 'utf8')).trim()
  const [, , policy = ''] = pulling
  await run(['push', '--quiet', policy, '--format=oci', image, `oci:${outputFolder}`])
  await usedByBuildah(settings).use([image])
  const finished = await finishLayout(outputFolder, request, stages.at(-1))
  const { manifest, platform } = finished
  return { manifest, platform, baseImages: await describeBases(bases, finished, run) }
}

/** Without the context. Values from the site stand behind their options. */
function buildArguments(
  request: BuildRequest,
  { settings, dockerfile, idFile, hasIgnore }: Omit<Parts, 'confinement'> & { idFile: string; hasIgnore: boolean },
): string[] {
  const { target, platform, network } = request
  return [
    'build',
    '--isolation=chroot',
    '--layers',
    network === 'none' ? '--pull=never' : '--pull=true',
    ...settings.pulling,
    `--timestamp=${layerDate.getTime() / 1000}`,
    '--identity-label=false',
    '--network=host',
    `--iidfile=${idFile}`,
    `--file=${join(request.contextFolder, request.dockerfile)}`,
    // Else buildah may take files of its own, which other engines do not know.
    ...(hasIgnore ? [`--ignorefile=${join(request.contextFolder, ignoreFile)}`] : []),
    ...(target === undefined ? [] : [`--target=${target}`]),
    ...(platform === undefined ? [] : [`--platform=${platform}`]),
    ...Object.entries(allBuildArgs(request, dockerfile)).map(([key, value]) => `--build-arg=${key}=${value}`),
  ]
}

function missingLimits({ limits }: BuildRequest, { holds }: Confinement): string[] {
  const wanted = [
    limits.memoryBytes !== undefined && 'memory',
    limits.cpus !== undefined && 'cpus',
    'processes',
  ] as const
  const missing = wanted.filter((one) => one !== false && !holds.includes(one))
  return missing.length === 0
    ? []
    : [`this host has no control groups for us, so these are not limited: ${missing.join(', ')}`]
}

function noBridge(): LarderError {
  return new LarderError('BUILD_ENGINE_MISSING', {
    message: 'buildah, as it is used here, gives a build no network of its own.',
    hint: 'Declare "network": "host" or "none" in images.json; or let docker build, by images.builder in larder.yaml.',
  })
}
