import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { namesIn } from '../../../core/index.ts'
import { requireProgram } from '../program.ts'
import type { RootRoom } from './base-root.ts'
import { databasePath, handOverDatabase } from './rpm-database.ts'
import { makeInitrds } from './make-initrds.ts'
import { baseFailed, baseIncomplete, runMaker } from './run-maker.ts'
import { runWithDevices } from './run-with-devices.ts'

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
  const dnf = ['--installroot', root, ...(await writeConfiguration(room))]
  const said: string[] = []
  const run = (...args: string[]) =>
    runMaker('dnf', [...dnf, ...args], { signal, package: 'dnf', onLine: (line) => said.push(line) })
  // To no question is the answer no: not even to whether the key of the mirror is believed.
  const { code } = await run('--assumeyes', 'makecache')
  if (code !== 0) throw failureOf(source.name, said)
  await run('--assumeno', '--cacheonly', 'install', '--', ...packages)
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
  const hostPath = await databasePath(signal)
  const configured = await writeConfiguration(room)
  progress.log(`a base of ${packages.length} packages and what they need is made from the mirror ${source.name}`)
  const said: string[] = []
  const onLine = (line: string): void => {
    said.push(line)
    if (said.length > 500) said.shift()
    // To dnf that is no reason to fail.
    if (/scriptlet failed|^Error in \w+ scriptlet/.test(line)) progress.log(line)
  }
  const args = [...configured, `--installroot=${root}`, '--assumeyes', 'install', '--', ...packages]
  const { code } = await runWithDevices(root, ['dnf', ...args], { signal, package: 'dnf', onLine })
  if (code !== 0) throw failureOf(source.name, said)
  await handOverDatabase(root, { hostPath, signal, workFolder })
  if (packages.includes('dracut')) await makeInitrds(root, room)
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
  // Its cache and its logs are in the root, as long as nobody says where.
  const settings = { reposdir: repositories, varsdir: '/nonexistent' }
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
  const logs = (await namesIn(join(root, 'var/log'))).filter((name) => /^(dnf|hawkey)\b.*\.log/.test(name))
  for (const path of ['var/cache/dnf', 'etc/yum.repos.d', ...logs.map((name) => `var/log/${name}`)]) {
    await rm(join(root, path), { recursive: true, force: true })
  }
  await mkdir(join(root, 'etc/yum.repos.d'), { recursive: true })
  // Empty, so that each machine makes its own: machine-id(5).
  await writeFile(join(root, 'etc/machine-id'), '')
}
