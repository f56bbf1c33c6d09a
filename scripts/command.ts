import { spawn } from 'node:child_process'
import { join } from 'node:path'

/** The clone's own folder. */
export const root = join(import.meta.dirname, '..')

export interface CommandResult {
  /** 127 when the program is not there, 128 when it was killed. */
  exitCode: number
  /** Both streams, in the order of arrival; empty when they went to the terminal. */
  output: string
  durationMs: number
}

export interface CommandOptions {
  /** Where it runs. Default: the clone's folder. */
  folder?: string
  /** Added to this process's environment. */
  environment?: Record<string, string>
  /** Output goes to the terminal as it comes. Default false: it is kept. */
  live?: boolean
}

/** Runs a program by argument array and waits for its end. */
export function runCommand(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const startedMs = performance.now()
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    const end = (exitCode: number) => {
      resolve({ exitCode, output: Buffer.concat(chunks).toString(), durationMs: performance.now() - startedMs })
    }
    const child = spawn(program, args, {
      cwd: options.folder ?? root,
      env: { ...process.env, ...options.environment },
      stdio: options.live === true ? 'inherit' : ['ignore', 'pipe', 'pipe'],
    })
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.on('error', (error) => {
      chunks.push(Buffer.from(`${program}: ${error.message}\n`))
      end(127)
    })
    child.on('close', (code) => end(code ?? 128))
  })
}

/** Runs a tool of node_modules on the Node that runs this. */
export function runTool(file: string, args: readonly string[], options?: CommandOptions): Promise<CommandResult> {
  return runCommand(process.execPath, [join(root, 'node_modules', file), ...args], options)
}
