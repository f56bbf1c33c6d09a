import { execa } from 'execa'

export const larderProgram = new URL('../../../src/app/cli/main.ts', import.meta.url).pathname

export interface CommandResult {
  exitCode: number
  stdout: string
  stderr: string
  /** The one JSON document: of standard output, or of standard error when it failed. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- a test says what it expects
  json: <T>() => T
}

/** One command of Larder, in a process of its own, as a person would type it. */
export async function runLarder(
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string; timeoutMs?: number; prefix?: readonly string[] } = {},
): Promise<CommandResult> {
  const words = [...(options.prefix ?? []), process.execPath, larderProgram, ...args]
  const result = await execa(words[0]!, words.slice(1), {
    env: { ...options.env },
    extendEnv: options.env === undefined,
    reject: false,
    stdin: 'ignore',
    timeout: options.timeoutMs ?? 120_000,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  })
  const { stdout, stderr } = result
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- a test says what it expects
  const json = <T>(): T => JSON.parse(stdout === '' ? stderr : stdout) as T
  return { exitCode: result.exitCode ?? 255, stdout, stderr, json }
}
