import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { runProgram } from '../program.ts'
import type { RootRoom } from './base-root.ts'
import { baseFailed, baseIncomplete } from './run-maker.ts'

/** Without these there is no system. Source: Debian Policy §3.8, and what has the flag in Debian and Ubuntu. */
const essential = ['base-files', 'base-passwd', 'bash', 'coreutils', 'dash', 'dpkg', 'grep', 'libc-bin', 'sed', 'tar']

/**
 * Asks an apt that has nothing installed what a system of these packages consists of: in seconds, before anything is
 * downloaded, and naming all that is missing. Nothing of this host's configuration of APT counts: apt.conf(5), APT_CONFIG.
 * Answers lines of name, version and architecture, sorted. FLEET_BASE_INCOMPLETE, FLEET_BASE_FAILED.
 */
export async function resolvePackages(
  { source, packages, workFolder, signal }: RootRoom,
  sourcePath: string,
): Promise<string[]> {
  const folder = join(workFolder, 'apt')
  const folders = ['etc/apt/sources.list.d', 'etc/apt/apt.conf.d', 'etc/apt/preferences.d', 'etc/apt/trusted.gpg.d']
  const state = ['var/lib/apt/lists/partial', 'var/cache/apt/archives/partial', 'var/lib/dpkg']
  for (const name of [...folders, ...state]) await mkdir(join(folder, name), { recursive: true })
  await copyFile(sourcePath, join(folder, 'etc/apt/sources.list.d', basename(sourcePath)))
  await writeFile(join(folder, 'var/lib/dpkg/status'), '')
  const configPath = join(workFolder, 'apt.conf')
  await writeFile(configPath, configOf(folder))
  const apt = (...args: string[]) =>
    runProgram('apt-get', args, { signal, package: 'apt', environment: { APT_CONFIG: configPath } })
  const update = await apt('update', '--error-on=any')
  if (update.code !== 0) throw baseFailed('apt-get update', `${update.stdout}\n${update.stderr}`)
  const install = await apt('install', '--simulate', '--', '?essential', ...essential, ...packages)
  if (install.code === 0) return installed(install.stdout)
  const missing = missingOf(install.stderr)
  const why = missing.length > 0 ? '' : unmetOf(install.stdout)
  if (missing.length === 0 && why === '') throw baseFailed('apt-get', `${install.stdout}\n${install.stderr}`)
  throw baseIncomplete(source.name, missing.length > 0 ? missing : ['what they depend on'], why)
}

/** `Inst libc6 (2.36-9 Debian:12/stable [amd64])`: where a package comes from is no part of what it is. */
function installed(said: string): string[] {
  const packages = said.matchAll(/^Inst (\S+) .*?\((\S+) .*?\[(\S+)\]\)/gm)
  return [...packages].map(([, name, version, architecture]) => `${name} ${version} ${architecture}`).sort()
}

/** Names that apt does not know, in the order in which it says so. */
function missingOf(said: string): string[] {
  const names = said.matchAll(
    /^E: (?:Unable to locate package (\S+)|Package '([^']+)' has no installation candidate|Version '[^']*' for '([^']+)' was not found)/gm,
  )
  return [...new Set([...names].map(([, unknown, without, other]) => unknown ?? without ?? other ?? ''))]
}

/** `a : Depends: b but it is not installable` */
function unmetOf(said: string): string {
  const [, unmet = ''] = said.split('The following packages have unmet dependencies:')
  return unmet
    .split('\n')
    .filter((line) => line.startsWith(' '))
    .map((line) => line.trim().replace(/\s+/g, ' '))
    .slice(0, 6)
    .join('; ')
}

/** Strings of apt.conf(5) have no way to write a quote. Paths of the data folder have none: it was refused with one. */
function configOf(folder: string): string {
  return [
    `Dir "${folder}";`,
    `Dir::State::status "${folder}/var/lib/dpkg/status";`,
    'APT::Sandbox::User "root";',
    'APT::Install-Recommends "false";',
    'Acquire::Languages "none";',
    'Acquire::Retries "2";',
    '',
  ].join('\n')
}
