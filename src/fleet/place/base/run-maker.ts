import { isLarderError, LarderError } from '../../../core/index.ts'
import { runProgram, toolMissing, type ProgramAnswer, type ProgramOptions } from '../program.ts'

const longestMs = 60 * 60_000

/**
 * Runs what makes a root: in mounts and process numbers of its own, so that the kernel ends all of it, and unmounts what it
 * mounted, when it ends or when this process does. Source: unshare(1), setpriv(1).
 */
export async function runMaker(
  program: string,
  args: readonly string[],
  options: ProgramOptions,
): Promise<ProgramAnswer> {
  const apart = ['unshare', '--mount', '--pid', '--mount-proc', '--fork', '--kill-child=KILL', '--', program]
  const [first, ...rest] = process.getuid?.() === 0 ? ['setpriv', '--pdeathsig', 'KILL', '--', ...apart] : [program]
  try {
    const answer = await runProgram(first, [...rest, ...args], { timeoutMs: longestMs, ...options })
    if (answer.stderr.includes(`unshare: failed to execute ${program}:`)) throw toolMissing(program, options.package)
    return answer
  } catch (error) {
    if (isLarderError(error, 'FLEET_MACHINE_FAILED')) throw baseFailed(program, error.message)
    throw error
  }
}

/** FLEET_BASE_FAILED with what a program said of it: its errors, else its last lines. DISK_FULL where that was it. */
export function baseFailed(program: string, said: string): LarderError {
  const lines = said.split('\n').filter((line) => line.trim() !== '')
  const errors = lines.filter((line) => /^(E|Err|Error|error)\b/.test(line))
  const telling = (errors.length > 0 ? errors.slice(0, 6) : lines.slice(-6)).join('; ').slice(0, 1500)
  const isFull = /no space left on device/i.test(said)
  return new LarderError(isFull ? 'DISK_FULL' : 'FLEET_BASE_FAILED', {
    message: `The base of machines could not be made: ${program} says: ${telling === '' ? 'nothing' : telling}`,
    hint: isFull ? 'Make room where machines are kept.' : 'Look whether the mirror can be reached from this host.',
    context: { program },
  })
}

/** FLEET_BASE_INCOMPLETE */
export function baseIncomplete(mirror: string, missing: readonly string[], said: string): LarderError {
  const why = said === '' ? '' : ` (${said.slice(0, 600)})`
  return new LarderError('FLEET_BASE_INCOMPLETE', {
    message: `The mirror ${mirror} lacks what machines that begin with it need: ${missing.join(', ')}${why}`,
    hint: 'Put them into its package list; with APT, `base: important` in its section brings what a minimal system has.',
    context: { mirror, missing },
  })
}
