import { mkdir, readFile, rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LarderError } from '../../core/index.ts'
import { readLayoutImage } from './read-layout.ts'
import { baseImagesOf, parseDockerfile } from './dockerfile.ts'
import { BuildLog } from './build-log.ts'
import type { BuilderState, BuildRegistry, BuildRequest, BuildResult, ImageBuilder } from './image-builder.ts'
import { runEngine } from './run-engine.ts'

/** Images are kept in the cache folder, apart from those that people of this host have. */
interface Engine {
  environment: Record<string, string>
  /** Before every command. */
  storage: string[]
  /** Where base images come from, and who may be believed. */
  pulling: string[]
}

const engineName = 'buildah'
const lifeOfQuestionMs = 60_000

/** Builds by buildah: no daemon, and an image store of our own. Source: buildah-build(1), containers-storage.conf(5). */
export function createBuildahBuilder(): ImageBuilder {
  return { name: 'buildah', probe, build }
}

async function probe(): Promise<BuilderState> {
  const lines: string[] = []
  try {
    const { signal } = new AbortController()
    const options = { environment: baseEnvironment(), timeoutMs: lifeOfQuestionMs, signal, package: engineName }
    await runEngine(engineName, ['--version'], { ...options, onLine: (line) => lines.push(line) })
  } catch (error) {
    if (!(error instanceof LarderError) || error.code !== 'BUILD_ENGINE_MISSING') throw error
    return { usable: false, reason: error.message, hint: error.hint ?? '' }
  }
  const [, version] = /version (\S+)/.exec(lines.join(' ')) ?? []
  if (version === undefined) {
    return { usable: false, reason: `buildah does not tell its version: ${lines.join(' ').slice(0, 200)}`, hint: '' }
  }
  if (process.getuid?.() !== 0) {
    const hint = 'Run Larder as root, or declare another builder.'
    return { usable: false, reason: 'buildah is used as root only', hint }
  }
  return { usable: true, version }
}

async function build(request: BuildRequest): Promise<BuildResult> {
  const dockerfile = parseDockerfile(
    await readFile(join(request.contextFolder, request.dockerfile), 'utf8'),
    request.dockerfile,
  )
  const engine = await prepare(request)
  const log = new BuildLog(dockerfile, { log: request.log, logBytes: request.limits.logBytes })
  const idFile = join(request.outputFolder, '..', 'image-id')
  const refuse = await diskLimit(request)
  const run = (args: readonly string[], timeoutMs: number) =>
    runEngine(engineName, [...engine.storage, ...args], {
      environment: engine.environment,
      timeoutMs,
      onLine: (line) => {
        log.add(line)
      },
      signal: request.signal,
      package: engineName,
      refuse,
    })
  const status = await run(buildArguments(request, engine, idFile), request.limits.timeoutMs)
  if (status !== 0) throw log.failure(request.dockerfile, status)
  const image = (await readFile(idFile, 'utf8')).trim()
  const pushed = await run(
    ['push', '--quiet', ...engine.pulling.slice(2), '--format=oci', image, `oci:${request.outputFolder}`],
    request.limits.timeoutMs,
  )
  if (pushed !== 0) throw engineFailed(pushed)
  const { manifest } = await readLayoutImage(request.outputFolder)
  return { manifest, baseImages: baseImagesOf(dockerfile).map((name) => ({ name, digest: undefined })) }
}

/** Values from the site stand behind their options, and the context behind `--`. */
function buildArguments(request: BuildRequest, { pulling }: Engine, idFile: string): string[] {
  const { target, platform, labels, buildArgs, network, limits } = request
  return [
    'build',
    '--isolation=chroot',
    '--layers',
    '--pull=true',
    ...pulling,
    `--timestamp=${Math.floor(request.sourceDateEpoch.getTime() / 1000)}`,
    '--identity-label=false',
    `--network=${network === 'none' ? 'none' : 'host'}`,
    `--iidfile=${idFile}`,
    `--file=${join(request.contextFolder, request.dockerfile)}`,
    ...(target === undefined ? [] : [`--target=${target}`]),
    ...(platform === undefined ? [] : [`--platform=${platform}`]),
    ...(limits.memoryBytes === undefined ? [] : [`--memory=${limits.memoryBytes}`]),
    ...Object.entries(labels).map(([name, value]) => `--label=${name}=${value}`),
    ...Object.entries(buildArgs).map(([name, value]) => `--build-arg=${name}=${value}`),
    '--',
    request.contextFolder,
  ]
}

function baseEnvironment(): Record<string, string> {
  return { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', HOME: '/nonexistent' }
}

/** Nothing of this host's own configuration has a say: neither its registries nor its storage. */
async function prepare({ cacheFolder, registries = [] }: BuildRequest): Promise<Engine> {
  const folder = join(cacheFolder, engineName)
  const settings = join(folder, 'settings')
  await mkdir(settings, { recursive: true, mode: 0o700 })
  const write = (name: string, text: string) => writeFile(join(settings, name), text, { mode: 0o600 })
  await write('policy.json', '{"default":[{"type":"insecureAcceptAnything"}]}')
  await write('registries.conf', 'unqualified-search-registries = []\nshort-name-mode = "disabled"\n')
  const networks = join(settings, 'networks')
  await mkdir(networks, { recursive: true })
  await write('containers.conf', `[network]\nnetwork_config_dir = ${JSON.stringify(networks)}\n`)
  await write('auth.json', JSON.stringify({ auths: authsOf(registries) }))
  const certificates = join(settings, 'certificates')
  await rm(certificates, { recursive: true, force: true })
  await mkdir(certificates)
  for (const [index, { caFile }] of registries.entries()) {
    if (caFile !== undefined) await writeFile(join(certificates, `${index}.crt`), await readFile(caFile))
  }
  const temporary = join(folder, 'tmp')
  await mkdir(temporary, { recursive: true })
  return {
    environment: {
      ...baseEnvironment(),
      HOME: folder,
      TMPDIR: temporary,
      CONTAINERS_CONF: join(settings, 'containers.conf'),
      CONTAINERS_REGISTRIES_CONF: join(settings, 'registries.conf'),
    },
    pulling: [
      `--authfile=${join(settings, 'auth.json')}`,
      `--cert-dir=${certificates}`,
      `--signature-policy=${join(settings, 'policy.json')}`,
    ],
    storage: [`--root=${join(folder, 'root')}`, `--runroot=${join(folder, 'run')}`, '--storage-driver=overlay'],
  }
}

function authsOf(registries: readonly BuildRegistry[]): Record<string, { auth: string }> {
  const known = registries.filter(({ username }) => username !== undefined)
  return Object.fromEntries(
    known.map(({ host, username = '', password = '' }) => [
      host,
      { auth: Buffer.from(`${username}:${password}`).toString('base64') },
    ]),
  )
}

/** Ends a build when so much less is free than at its start: layers, and what RUN writes, are all on one disk. */
async function diskLimit({ cacheFolder, limits }: BuildRequest): Promise<() => Promise<LarderError | undefined>> {
  const free = async (): Promise<number> => {
    const { bavail, bsize } = await statfs(cacheFolder)
    return bavail * bsize
  }
  const before = await free()
  return async () => {
    if (limits.diskBytes === undefined || before - (await free()) <= limits.diskBytes) return undefined
    return new LarderError('BUILD_LIMIT', {
      message: `The build has written more than ${Math.round(limits.diskBytes / 1e6)} MB.`,
      hint: 'Make it smaller; or allow more by limits.disk_mb in images.json.',
    })
  }
}

function engineFailed(status: number): LarderError {
  return new LarderError('BUILD_ENGINE_FAILED', {
    message: `buildah built the image, but could not write it out: it ended with status ${status}.`,
    hint: 'The log of the run has what it said.',
  })
}
