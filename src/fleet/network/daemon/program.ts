import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { LarderError } from '../../../core/index.ts'

/** Administrators' programs are not on everybody's PATH. */
const programFolders = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

/** Where a program of this host is, or undefined. */
export async function findProgram(name: string): Promise<string | undefined> {
  for (const folder of programFolders) {
    const path = join(folder, name)
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (isThere) return path
  }
  return undefined
}

/** As `findProgram`; TOOL_MISSING names the package of Debian that brings it. */
export async function needProgram(name: string, packageName: string): Promise<string> {
  const path = await findProgram(name)
  if (path !== undefined) return path
  throw new LarderError('TOOL_MISSING', {
    message: `${name} is not installed, and the network needs it.`,
    hint: `apt-get install ${packageName}`,
    context: { program: name, package: packageName },
  })
}

interface ProgramAnswer {
  code: number
  stdout: string
  /** Both outputs, in the order in which they came. */
  said: string
}

export interface ProgramOptions {
  namespace?: string | undefined
  environment?: Readonly<Record<string, string>>
  /** Default 30,000. */
  timeoutMs?: number
}

/** Runs a program to its end, without a shell. A program that does not end in time is killed, and answers 124, as timeout(1) does. */
export async function runProgram(
  path: string,
  args: readonly string[],
  { namespace, environment = {}, timeoutMs = 30_000 }: ProgramOptions = {},
): Promise<ProgramAnswer> {
  const [command = path, ...rest] = within(namespace, [path, ...args])
  // Loaded by who needs it: it takes a tenth of a start.
  const { execa } = await import('execa')
  const result = await execa(command, rest, {
    extendEnv: false,
    env: { LC_ALL: 'C', ...environment, PATH: programFolders.join(':') },
    stdin: 'ignore',
    all: true,
    reject: false,
    timeout: timeoutMs,
    forceKillAfterDelay: 1000,
    maxBuffer: 1024 * 1024,
  })
  return { code: result.timedOut ? 124 : (result.exitCode ?? 128), stdout: result.stdout, said: result.all }
}

/** The command that runs one in a network namespace. */
export function within(namespace: string | undefined, command: readonly string[]): string[] {
  return namespace === undefined ? [...command] : ['ip', 'netns', 'exec', namespace, ...command]
}
