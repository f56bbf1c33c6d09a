import { spawnSync } from 'node:child_process'
import type { Script } from '../shell/script.ts'

/** A tiny host: runs a script as the engine does, by /bin/sh from standard input, here or within a root. */
export function runScript(
  script: Script,
  options: { root?: string | undefined; shell?: string } = {},
): {
  code: number | null
  stdout: Buffer
  stderr: string
} {
  const shell = options.shell ?? '/bin/sh'
  const [program, args] = options.root === undefined ? [shell, ['-s']] : ['chroot', [options.root, shell, '-s']]
  const env = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', HOME: '/root' }
  const { status, stdout, stderr } = spawnSync(program, args, {
    input: script.shell,
    env,
    timeout: 120_000,
    maxBuffer: 1 << 28,
    cwd: '/',
  })
  return { code: status, stdout, stderr: stderr.toString() }
}
