import { requireProgram } from '../program.ts'
import type { RootRoom } from './base-root.ts'
import { baseFailed } from './run-maker.ts'
import { runWithDevices } from './run-with-devices.ts'

/** Where the rpm of this host notes what is installed: Debian's does so in the home folder. TOOL_MISSING. */
export async function databasePath(signal: AbortSignal): Promise<string> {
  const failure = 'It cannot be told where rpm keeps its database'
  const said = await requireProgram('rpm', ['--eval', '%{_dbpath}'], { signal, package: 'rpm', failure })
  return said.trim()
}

/**
 * Gives what dnf noted in a root, by the rpm of this host, to the rpm of the root, which may look for it elsewhere and in
 * another format; else a machine would know of no package that it has. Nothing where it knows them, or is not there.
 * Source: rpmdb(8).
 */
export async function handOverDatabase(
  root: string,
  { hostPath, signal, workFolder }: { hostPath: string } & Pick<RootRoom, 'signal' | 'workFolder'>,
): Promise<void> {
  const room = { signal, package: 'rpm' }
  const { stdout } = await runWithDevices(root, ['sh', '-c', knows, 'sh', root], room)
  if (stdout.trim() !== 'no') return
  const handing = ['-ec', handOver, 'sh', root, hostPath, `${workFolder}/headers`]
  const { code, stderr } = await runWithDevices(root, ['sh', ...handing], room)
  if (code !== 0) throw baseFailed('rpmdb', stderr)
}

/** What no system is without. */
const knows = `[ -x "$1/usr/bin/rpmdb" ] || exit 0
if chroot "$1" /usr/bin/rpm --query -- filesystem >/dev/null 2>&1; then echo yes; else echo no; fi`

const handOver = `root=$1 path=$2 headers=$3
rpmdb --root="$root" --exportdb >"$headers"
chroot "$root" /bin/sh -ec 'rm -rf -- "$1"; rmdir -p --ignore-fail-on-non-empty -- "\${1%/*}"' sh "$path"
chroot "$root" /usr/bin/rpmdb --importdb <"$headers"
rm -- "$headers"
chroot "$root" /usr/bin/rpm --query -- filesystem`
