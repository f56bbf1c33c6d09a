import type { ProgramAnswer, ProgramOptions } from '../program.ts'
import { runMaker } from './run-maker.ts'

/**
 * Runs a maker while a root has what programs in it rely on: who asks for /dev/null and finds none makes a file of it. What is
 * mounted goes with the namespace. Sources: null(4), proc(5).
 */
export async function runWithDevices(
  root: string,
  [program, ...args]: readonly [string, ...string[]],
  options: ProgramOptions,
): Promise<ProgramAnswer> {
  return runMaker('sh', ['-ec', mounting, 'sh', root, program, ...args], options)
}

const mounting = `root=$1
shift
mkdir -p "$root/proc" "$root/sys" "$root/dev"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755,nosuid,noexec dev "$root/dev"
for device in full null random tty urandom zero; do
  : >"$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
ln -s /proc/self/fd "$root/dev/fd"
ln -s fd/0 "$root/dev/stdin"
ln -s fd/1 "$root/dev/stdout"
ln -s fd/2 "$root/dev/stderr"
exec "$@"`
