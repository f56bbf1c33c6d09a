import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { LarderError } from '../../core/index.ts'

export interface ClientTrialOptions {
  /** Empty folder that the trial may fill. */
  folder: string
  /** deb822 source of the mirror, with its key inline: the only source that the client has. */
  deb822: string
  packageName: string
  /** Install for real, over a copy-on-write view of this host (overlayfs), which is thrown away. Needs root. */
  isRoot: boolean
  environment: NodeJS.ProcessEnv
}

export interface ClientTrialResult {
  /** `installed` by apt and dpkg; `unpacked` where that takes rights that we do not have. */
  how: 'installed' | 'unpacked'
  /** What the new program says of its version. */
  proof: string
  /** .deb files that apt fetched from the mirror. */
  fetched: number
}

/** A real apt, which has this mirror and nothing else, fetches and installs a package. Nothing of the host changes. */
export async function tryClient(options: ClientTrialOptions): Promise<ClientTrialResult> {
  const root = join(options.folder, 'client')
  await prepareAptRoot(root, options.deb822)
  const environment = { ...options.environment, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' }
  const apt = (args: string[]) => command('apt-get', [...aptOptions(root), ...args], environment)
  await apt(['update', '-qq', '-o', 'APT::Update::Error-Mode=any'])
  await apt(['install', '-qq', '--yes', '--no-install-recommends', '--download-only', '--', options.packageName])
  const archives = join(root, 'var/cache/apt/archives')
  const debs = (await readdir(archives)).filter((name) => name.endsWith('.deb')).map((name) => join(archives, name))
  if (options.isRoot && (await canOverlay(options.folder, environment))) {
    const proof = await installInOverlay(options, root, environment)
    return { how: 'installed', proof, fetched: debs.length }
  }
  return { how: 'unpacked', proof: await unpackAndRun(options, debs, environment), fetched: debs.length }
}

async function prepareAptRoot(root: string, deb822: string): Promise<void> {
  for (const folder of [
    'etc/apt/sources.list.d',
    'etc/apt/preferences.d',
    'etc/apt/apt.conf.d',
    'var/lib/apt/lists/partial',
    'var/cache/apt/archives/partial',
    'var/lib/dpkg',
  ]) {
    await mkdir(join(root, folder), { recursive: true })
  }
  await writeFile(join(root, 'etc/apt/sources.list.d/larder.sources'), deb822)
  await writeFile(join(root, 'var/lib/dpkg/status'), '')
  await chmod(join(root, 'var/cache/apt/archives/partial'), 0o755)
}

/** An apt that sees nothing of this host: no sources, no installed packages, no settings. */
function aptOptions(root: string): string[] {
  const settings = {
    Dir: root,
    'Dir::State::status': join(root, 'var/lib/dpkg/status'),
    'Dir::Etc::main': '/dev/null',
    'Acquire::http::Proxy': 'DIRECT',
    'APT::Sandbox::User': 'root',
    'Debug::NoLocking': 'true',
  }
  return Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])
}

/** Mounts an overlay of the host's own root in a namespace of its own; gone when the process ends. */
const overlayScript = `
set -e
mount -t tmpfs larder "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay larder -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
mount --rbind /proc "$1/root/proc"
mount --rbind /dev "$1/root/dev"
root=$1/root
shift
exec chroot "$root" "$@"
`

async function canOverlay(folder: string, environment: NodeJS.ProcessEnv): Promise<boolean> {
  const result = await overlay(folder, ['true'], environment)
  return result.exitCode === 0
}

async function overlay(folder: string, program: string[], environment: NodeJS.ProcessEnv) {
  const mountPoint = join(folder, 'overlay')
  await mkdir(mountPoint, { recursive: true })
  const args = ['--mount', '--', 'sh', '-c', overlayScript, 'sh', mountPoint, ...program]
  return execa('unshare', args, { env: environment, reject: false, timeout: 300_000, stdin: 'ignore' })
}

/** Inside the overlay the client's own lists are used, so that apt asks the mirror alone, over the host's dpkg. */
async function installInOverlay(
  options: ClientTrialOptions,
  root: string,
  environment: NodeJS.ProcessEnv,
): Promise<string> {
  const { packageName, folder } = options
  const script = `
set -e
printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d
rm -rf /var/lib/apt/lists /etc/apt/sources.list /etc/apt/sources.list.d
mkdir -p /var/lib/apt/lists/partial /etc/apt/sources.list.d
cp "$1/etc/apt/sources.list.d/larder.sources" /etc/apt/sources.list.d/
apt-get -o Acquire::http::Proxy=DIRECT -o APT::Sandbox::User=root update -qq >&2
apt-get -o Acquire::http::Proxy=DIRECT -o APT::Sandbox::User=root install -qq --yes --no-install-recommends --reinstall -- "$2" >&2
exec "$2" --version
`
  const result = await overlay(folder, ['sh', '-c', script, 'sh', root, packageName], environment)
  if (result.exitCode === 0) return firstLine(result.stdout)
  throw new LarderError('VERIFY_FAILED', {
    message: `apt could not install ${packageName} from the mirror: ${result.stderr.trim().split('\n').at(-1) ?? ''}`,
    context: { output: result.stderr },
  })
}

/** Without the right to install: every .deb is unpacked beside the others and the program is run from there. */
async function unpackAndRun(
  options: ClientTrialOptions,
  debs: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<string> {
  const target = join(options.folder, 'unpacked')
  await mkdir(target, { recursive: true })
  for (const deb of debs) await command('dpkg-deb', ['--extract', deb, target], environment)
  const libraryPath = (await libraryFolders(target)).join(':')
  const program = join(target, 'usr/bin', options.packageName)
  const { stdout } = await command(program, ['--version'], { ...environment, LD_LIBRARY_PATH: libraryPath })
  return firstLine(stdout)
}

/** Every folder that holds a shared library: without maintainer scripts, no alternatives lead to them. */
async function libraryFolders(target: string): Promise<string[]> {
  const entries = await readdir(target, { recursive: true, withFileTypes: true })
  const libraries = entries.filter((entry) => /\.so(\.|$)/.test(entry.name))
  return [...new Set(libraries.map((entry) => entry.parentPath))].sort((a, b) => a.length - b.length)
}

async function command(program: string, args: readonly string[], environment: NodeJS.ProcessEnv) {
  const result = await execa(program, args, { env: environment, reject: false, timeout: 300_000, stdin: 'ignore' })
  if (result.exitCode === 0) return result
  throw new LarderError('VERIFY_FAILED', {
    message: `${program} failed as a client of the mirror: ${result.stderr.trim().split('\n')[0] ?? ''}`,
    context: { args, output: `${result.stdout}\n${result.stderr}`.trim() },
  })
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0] ?? ''
}
