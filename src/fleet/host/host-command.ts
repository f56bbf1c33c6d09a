/**
 * The one command that a host is given, whatever it shall run. It holds numbers only: scripts and secrets come by standard
 * input, so that they are in no list of processes. It
 * - reads the script (`head -c` takes not a byte more), then what the script shall read, which it keeps in a file without
 *   a name, in memory where it can;
 * - runs it in a process group that timeout(1) ends with all in it: after `timeoutMs`, and when its own standard input
 *   ends, which says that whoever asked for it is gone;
 * - answers 254 for 255, which is what ssh(1) answers for its own failures, and 252 when there was no room for its input.
 * No quotes within the quotes, and one line: the user's shell may be any.
 */
export function hostCommand(
  sizes: { scriptBytes: number; stdinBytes: number },
  options: {
    timeoutMs: number
    sudo: boolean
  },
): string {
  const inner = [
    `PATH=${path}`,
    'LC_ALL=C.UTF-8',
    'export PATH LC_ALL',
    'unset ENV BASH_ENV CDPATH',
    'umask 022',
    'cd /',
    `s=$(head -c ${sizes.scriptBytes})`,
    'exec 3<&0',
    sizes.stdinBytes === 0 ? 'exec </dev/null' : readInput(sizes.stdinBytes),
    '{ (read -r x <&3; kill -TERM 0) >/dev/null 2>&1 & }',
    'w=$!',
    'exec 3<&-',
    '(eval "$s")',
    'r=$?',
    'kill $w 2>/dev/null',
    '[ $r != 255 ] || r=254',
    'exit $r',
  ].join('; ')
  const timeoutS = (options.timeoutMs / 1000).toFixed(3)
  return `exec ${options.sudo ? 'sudo -n -- ' : ''}timeout -k 5 ${timeoutS} sh -c '${inner}'`
}

const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

function readInput(sizeBytes: number): string {
  const make = 't=$(umask 077; mktemp -p /dev/shm 2>/dev/null || mktemp)'
  return `${make} && head -c ${sizeBytes} <&3 >"$t" && exec <"$t" && rm -f "$t" || { rm -f "$t"; exit 252; }`
}
