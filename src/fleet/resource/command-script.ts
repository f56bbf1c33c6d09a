import { nothing, sh, type Script } from '../shell/script.ts'
import type { CommandLine } from './grammar.ts'

export interface CommandRoom {
  readonly cwd: string
  /** Undefined: root. */
  readonly user: string | undefined
  readonly environment: Readonly<Record<string, string>>
}

/** Runs a command as it was declared: arguments as they are; a text by a shell of its own, with `set -eu`. */
export function commandScript(command: CommandLine, { cwd, user, environment }: CommandRoom): Script {
  const words = typeof command === 'string' ? ['/bin/sh', '-c', `set -eu\n${command}`] : command
  const as = user === undefined ? nothing : sh`runuser -u ${user} -- `
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`)
  return sh`( cd ${cwd} && ${as}env ${variables} ${words} ) </dev/null`
}
