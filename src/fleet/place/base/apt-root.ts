import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RootRoom } from './base-root.ts'
import { resolvePackages } from './resolve-packages.ts'
import { baseFailed, runMaker } from './run-maker.ts'

/** What every machine needs to be reached and converged. */
export const aptPackages: readonly string[] = [
  'apt',
  'ca-certificates',
  'dbus',
  'iproute2',
  'openssh-server',
  'systemd-sysv',
]

/** What a root consists of, in lines. FLEET_BASE_INCOMPLETE, FLEET_BASE_FAILED. */
export async function resolveAptRoot(room: RootRoom): Promise<string[]> {
  const { source } = room
  const sourcePath = sourcePathOf(room)
  await writeFile(sourcePath, `${source.source.trim()}\n`)
  return resolvePackages(room, sourcePath)
}

/** mmdebstrap knows both forms of sources by their names. */
function sourcePathOf({ source, workFolder }: RootRoom): string {
  return join(workFolder, /^Types:/m.test(source.source) ? 'mirror.sources' : 'mirror.list')
}

/**
 * A root from an APT mirror, by mmdebstrap. Nothing of this host's configuration of APT, nor its name or name servers, is in
 * it, and no file is newer than `createdAt`. It was resolved before, in the same folder. Answers the path of the archive.
 */
export async function makeAptRoot(room: RootRoom): Promise<string> {
  const { source, packages, workFolder, createdAt, progress, signal } = room
  const sourcePath = sourcePathOf(room)
  progress.log(`a base of ${packages.length} packages and what they need is made from the mirror ${source.name}`)
  const [archive, temporary] = [join(workFolder, 'base.tar'), join(workFolder, 'tmp')]
  await mkdir(temporary, { mode: 0o755 })
  const environment = {
    SOURCE_DATE_EPOCH: String(Math.floor(createdAt.getTime() / 1000)),
    TMPDIR: temporary,
    DEBIAN_FRONTEND: 'noninteractive',
  }
  const args = [
    ...['--variant=apt', '--format=tar', `--include=${packages.join(',')}`],
    // Half made, it is of no use to anybody, and whole, the archive is made durable: dpkg need not wait for the disk at each file.
    '--dpkgopt=force-unsafe-io',
    ...tidying.flatMap((hook) => ['--customize-hook', hook]),
    ...['', archive, sourcePath],
  ]
  const said: string[] = []
  const onLine = (line: string): void => {
    said.push(line)
    if (said.length > 200) said.shift()
    if (line.startsWith('I: ')) progress.log(line.slice(3))
  }
  const { code } = await runMaker('mmdebstrap', args, { signal, package: 'mmdebstrap', environment, onLine })
  if (code !== 0) throw baseFailed('mmdebstrap', said.join('\n'))
  return archive
}

/** Shell that mmdebstrap runs with the root as its first argument; fixed words. What each machine has of its own goes. */
const tidying = [
  'rm -f "$1"/etc/dpkg/dpkg.cfg.d/99mmdebstrap',
  'rm -f "$1"/etc/ssh/ssh_host_*',
  'rm -rf "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d/*',
  'printf "localhost\\n" >"$1/etc/hostname"; : >"$1/etc/resolv.conf"; chmod 644 "$1/etc/hostname" "$1/etc/resolv.conf"',
  'printf "127.0.0.1 localhost\\n::1 localhost ip6-localhost\\n" >"$1/etc/hosts"',
  'rm -f "$1"/var/cache/debconf/*-old "$1"/var/lib/dpkg/*-old',
]
