import { execFile } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Origin } from './apt-site.ts'

const run = promisify(execFile)

/** A repository as a client sees it. */
export interface ClientView {
  /** `name version architecture` of every package, sorted. */
  packages: string[]
}

export interface ClientOptions {
  /** Made anew. */
  folder: string
  url: string
  origin: Pick<Origin, 'suite' | 'architecture'>
  publicKeyArmored: string
  /** Which must be installable from the repository alone. */
  installing: readonly string[]
}

/** A real apt with this source alone reads it, checks its signature and plans an installation into an empty system. */
export async function lookAsClient(options: ClientOptions): Promise<ClientView> {
  const { folder, url, publicKeyArmored, installing } = options
  const { suite, architecture } = options.origin
  await rm(folder, { recursive: true, force: true })
  const folders = [
    'etc/apt/sources.list.d',
    'etc/apt/preferences.d',
    'etc/apt/apt.conf.d',
    'var/lib/apt/lists/partial',
    'var/cache/apt/archives/partial',
    'var/lib/dpkg',
  ]
  for (const one of folders) await mkdir(join(folder, one), { recursive: true })
  await writeFile(join(folder, 'var/lib/dpkg/status'), '')
  await writeFile(join(folder, 'key.asc'), publicKeyArmored)
  const line = `deb [arch=${architecture} signed-by=${join(folder, 'key.asc')}] ${url} ${suite} main\n`
  await writeFile(join(folder, 'etc/apt/sources.list'), line)
  const settings = [
    `Dir=${folder}`,
    `Dir::State::status=${join(folder, 'var/lib/dpkg/status')}`,
    'Acquire::http::Proxy=DIRECT',
    'APT::Sandbox::User=root',
    `APT::Architecture=${architecture}`,
  ]
  const apt = (program: string, ...args: string[]) =>
    run(program, [...settings.flatMap((one) => ['-o', one]), ...args], {
      env: { ...process.env, LC_ALL: 'C' },
      maxBuffer: 1 << 30,
    })
  await apt('apt-get', 'update', '-qq', '-o', 'APT::Update::Error-Mode=any')
  await apt('apt-get', 'install', '-qq', '--simulate', '--no-install-recommends', '--', ...installing)
  const { stdout } = await apt('apt-cache', 'dumpavail')
  return { packages: packagesOf(stdout) }
}

function packagesOf(dump: string): string[] {
  const stanzas = dump.split('\n\n').filter((stanza) => stanza.trim() !== '')
  const field = (stanza: string, name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(stanza)?.[1] ?? ''
  return stanzas
    .map((stanza) => `${field(stanza, 'Package')} ${field(stanza, 'Version')} ${field(stanza, 'Architecture')}`)
    .sort()
}
