import type { Host } from './host.ts'
import { hostCommand } from './host-command.ts'
import { inputOf, runCommand } from './run-command.ts'
import { refusalOf } from './ssh-failure.ts'

/** This host. With `sudo`, by the user that Larder runs as, who may become root without being asked. Default: as it is. */
export function createLocalHost(options: { name: string; sudo?: boolean }): Host {
  const { name, sudo = false } = options
  return {
    name,
    async run(script, room) {
      const sizes = { scriptBytes: inputOf(script).length, stdinBytes: room.stdin?.length ?? 0 }
      const args = ['-c', hostCommand(sizes, { timeoutMs: room.timeoutMs, sudo })]
      const answer = await runCommand({ host: name, file: '/bin/sh', args, isLocal: true }, script, room)
      const refusal = sudo ? refusalOf(name, answer) : undefined
      if (refusal !== undefined) throw refusal
      return answer
    },
    async close() {},
  }
}
