import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isLarderError, LarderError } from '../../core/index.ts'
import { baseImagesOf } from './base-images.ts'
import { allBuildArgs } from './build-args.ts'
import { type BuildahSettings, removeSettings, writeSettings } from './buildah-settings.ts'
import { type Confinement, openConfinement } from './confinement.ts'
import { watchDisk } from './disk-watch.ts'
import { ignoreFile } from './dockerignore.ts'
import type { Dockerfile } from './dockerfile.ts'
import { openSession, type RunCommand } from './engine-session.ts'
import { type FinishedLayout, finishLayout, layerDate } from './finish-layout.ts'
import type { BuilderState, BuildRequest, BuildResult, ImageBuilder } from './image-builder.ts'
import { probeProgram } from './probe-program.ts'
import { isFile, readContext } from './read-context.ts'
import { runEngine } from './run-engine.ts'

const name = 'buildah'
/** Of the containers of a build that was killed. */
const longestCleaningMs = 60_000

/** Builds by buildah: no daemon, and an image store of our own. Source: buildah-build(1), buildah-push(1). */
export function createBuildahBuilder(): ImageBuilder {
  return new BuildahBuilder()
}

class BuildahBuilder implements ImageBuilder {
  readonly name = name
  #running = 0
  /** A build was killed, and what it had begun stands in the store. */
  #isUnclean = false

  async probe(): Promise<BuilderState> {
    if (process.getuid?.() !== 0) {
      const hint = 'Run Larder as root, or declare another builder.'
      return { usable: false, reason: 'buildah is used as root only.', hint }
    }
    return probeProgram(name, ['--version'], { package: name, version: /version (\S+)/ })
  }

  async build(request: BuildRequest): Promise<BuildResult> {
    const dockerfile = await readContext(request)
    if (request.network === 'bridge') throw noBridge()
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
  async #clean({ environment, storage, leftovers }: BuildahSettings): Promise<void> {
    if (!this.#isUnclean || this.#running > 0) return
    const { signal } = new AbortController()
    const options = { environment, signal, timeoutMs: longestCleaningMs, package: name, onLine: () => undefined }
    await runEngine(name, [...storage, 'rm', '--all'], options)
    for (const folder of leftovers) await rm(folder, { recursive: true, force: true })
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
  const bases = baseImagesOf(dockerfile, request.buildArgs)
  const isOffline = request.network === 'none'
  // What RUN must not reach, FROM must: so it is fetched before.
  if (isOffline) for (const base of bases) await run(['pull', '--quiet', ...pulling, '--', base])
  const idFile = join(workFolder, 'image-id')
  const hasIgnore = await isFile(join(request.contextFolder, ignoreFile))
  await run(buildArguments(request, { settings, dockerfile, idFile, hasIgnore }), { isOffline })
  const image = (await readFile(idFile, 'utf8')).trim()
  const [, , policy = ''] = pulling
  await run(['push', '--quiet', policy, '--format=oci', image, `oci:${outputFolder}`])
  const finished = await finishLayout(outputFolder, request)
  return { manifest: finished.manifest, baseImages: await describeBases(bases, finished, run) }
}

/** Values from the site stand behind their options, and the context behind `--`. */
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
    '--',
    request.contextFolder,
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

/** Bases of other stages than the last one are looked up in the store. */
async function describeBases(
  bases: readonly string[],
  { base: known }: FinishedLayout,
  run: RunCommand,
): Promise<BuildResult['baseImages']> {
  const digests = new Map(known === undefined ? [] : [[known.name, known.digest]])
  const digestOf = (image: string): string | undefined =>
    /@(sha(?:256|512):[0-9a-f]+)$/.exec(image)?.[1] ?? digests.get(withTag(image))
  if (bases.some((image) => digestOf(image) === undefined)) {
    const onLine = (line: string): void => {
      const [image, digest] = line.split(' ')
      if (image !== undefined && digest !== undefined) digests.set(image, digest)
    }
    await run(['images', '--format', '{{.Name}}:{{.Tag}} {{.Digest}}'], { onLine })
  }
  return bases.map((image) => ({ name: image, digest: digestOf(image) }))
}

function withTag(image: string): string {
  return /:[^/]+$/.test(image) ? image : `${image}:latest`
}

function noBridge(): LarderError {
  return new LarderError('BUILD_ENGINE_MISSING', {
    message: 'buildah, as it is used here, gives a build no network of its own.',
    hint: 'Declare "network": "host" or "none" in images.json; or let docker build, by images.builder in larder.yaml.',
  })
}
