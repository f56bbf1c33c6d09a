import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { requireProgram } from '../program.ts'
import type { RootRoom } from './base-root.ts'
import { baseFailed, baseIncomplete, runMaker } from './run-maker.ts'

/** What every machine needs to be reached and converged. */
export const rpmPackages: readonly string[] = [
  'ca-certificates',
  'dnf',
  'filesystem',
  'iproute',
  'openssh-server',
  'systemd',
]

/** What a root consists of, in lines: the transaction that dnf proposes. FLEET_BASE_INCOMPLETE, FLEET_BASE_FAILED. */
export async function resolveRpmRoot(room: RootRoom): Promise<string[]> {
  const { source, packages, workFolder, signal } = room
  const root = join(workFolder, 'resolved')
  await mkdir(root, { mode: 0o755 })
  const args = [
    ...(await writeConfiguration(room)),
    `--installroot=${root}`,
    '--assumeno',
    'install',
    '--',
    ...packages,
  ]
  const said: string[] = []
  await runMaker('dnf', args, { signal, package: 'dnf', onLine: (line) => said.push(line) })
  await rm(root, { recursive: true })
  const table = said.slice(said.findIndex((line) => line.startsWith('Installing:')))
  const end = table.findIndex((line) => line.startsWith('Transaction Summary'))
  if (end === -1) throw failureOf(source.name, said)
  return table.slice(0, end)
}

/**
 * A root from an RPM mirror that carries a distribution, by dnf. Nothing of this host's configuration of dnf is in it, and no
 * repository. Databases of rpm note when packages were installed, so that its bytes differ from one time to another.
 */
export async function makeRpmRoot(room: RootRoom): Promise<string> {
  const { source, packages, workFolder, createdAt, progress, signal } = room
  const root = join(workFolder, 'root')
  await mkdir(root, { mode: 0o755 })
  const configured = await writeConfiguration(room)
  progress.log(`a base of ${packages.length} packages and what they need is made from the mirror ${source.name}`)
  const said: string[] = []
  const onLine = (line: string): void => {
    said.push(line)
    if (said.length > 500) said.shift()
  }
  const args = [...configured, `--installroot=${root}`, '--assumeyes', 'install', '--', ...packages]
  const { code } = await runMaker('dnf', args, { signal, package: 'dnf', onLine })
  if (code !== 0) throw failureOf(source.name, said)
  await tidy(root)
  const archive = join(workFolder, 'base.tar')
  const dated = [`--mtime=@${Math.floor(createdAt.getTime() / 1000)}`, '--clamp-mtime']
  const whole = ['--create', '--sort=name', '--numeric-owner', '--xattrs', '--acls', ...dated]
  const failure = 'The base cannot be packed'
  await requireProgram('tar', [...whole, `--file=${archive}`, `--directory=${root}`, '.'], {
    signal,
    package: 'tar',
    failure,
  })
  return archive
}

/** Arguments that lead dnf to this mirror alone, with its keys. */
async function writeConfiguration({ source, workFolder }: RootRoom): Promise<string[]> {
  const repositories = join(workFolder, 'repos')
  await mkdir(repositories, { recursive: true })
  const keyUrls: string[] = []
  for (const [index, key] of source.keys.entries()) {
    const path = join(workFolder, `key-${index}.asc`)
    await writeFile(path, key)
    keyUrls.push(`file://${path}`)
  }
  // The keys that came with it, rather than what would be fetched.
  const text =
    keyUrls.length === 0
      ? source.source
      : source.source.replace(/^gpgkey\s*=.*(\n[ \t].*)*/gm, `gpgkey=${keyUrls.join(' ')}`)
  await writeFile(join(repositories, 'mirror.repo'), text)
  const configPath = join(workFolder, 'dnf.conf')
  await writeFile(configPath, `[main]\ninstall_weak_deps=False\ntsflags=nodocs\nplugins=0\n`)
  const settings = {
    reposdir: repositories,
    cachedir: join(workFolder, 'cache'),
    varsdir: '/nonexistent',
    logdir: workFolder,
  }
  return ['--config', configPath, ...Object.entries(settings).map(([key, value]) => `--setopt=${key}=${value}`)]
}

function failureOf(mirror: string, said: readonly string[]): Error {
  const missing = said.flatMap(
    (line) => /^(?:No match for argument|Error: Unable to find a match): (.+)$/.exec(line)?.[1]?.split(' ') ?? [],
  )
  const unmet = said.filter((line) => /nothing provides|cannot install/i.test(line)).map((line) => line.trim())
  if (missing.length > 0) return baseIncomplete(mirror, [...new Set(missing)], '')
  if (unmet.length > 0) return baseIncomplete(mirror, ['what they depend on'], unmet.slice(0, 5).join('; '))
  return baseFailed('dnf', said.join('\n'))
}

/** What dnf leaves behind, repositories that a distribution brings, and what each machine has of its own. */
async function tidy(root: string): Promise<void> {
  for (const path of ['var/cache/dnf', 'var/log/dnf.log', 'var/log/hawkey.log', 'etc/yum.repos.d']) {
    await rm(join(root, path), { recursive: true, force: true })
  }
  await mkdir(join(root, 'etc/yum.repos.d'), { recursive: true })
  // Empty, so that each machine makes its own: machine-id(5).
  await writeFile(join(root, 'etc/machine-id'), '')
}
