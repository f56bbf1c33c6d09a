import { LarderError, isLarderError } from '../../core/index.ts'
import { isAddress } from '../host/host-key.ts'
import { sh } from '../shell/script.ts'
import type { MachineSpec, Place } from './place.ts'
import { runProgram } from './program.ts'
import { reachBySsh, type Reach } from './reach.ts'

const patienceMs = 20_000

/** Hosts that exist, by ssh. They are never made and never removed, and no key is believed that nobody trusted. */
export function createSshPlace(reach: Reach): Place {
  const host = (machine: MachineSpec) => reachBySsh(machine.name, whereIs(machine), reach)
  return {
    at: 'ssh',
    async unusable() {
      const { signal } = new AbortController()
      const answer = await runProgram('ssh', ['-V'], { signal, package: 'openssh-client' }).catch((error: unknown) => {
        if (isLarderError(error, 'TOOL_MISSING')) return undefined
        throw error
      })
      return answer ? undefined : { message: 'ssh is not installed.', hint: 'apt-get install openssh-client' }
    },
    async observe(machine) {
      try {
        await host(machine).run(sh`exit 0`, { timeoutMs: patienceMs })
        return 'running'
      } catch (error) {
        if (isLarderError(error, 'FLEET_HOST_UNREACHABLE', 'FLEET_HOST_REFUSED', 'FLEET_HOST_TIMEOUT')) return 'stopped'
        if (isLarderError(error, 'FLEET_HOST_KEY_CHANGED')) return 'other'
        throw error
      }
    },
    /** Nothing can be done for a host that does not answer, and why it does not is in the words of ssh. */
    async bringUp(machine, { signal }) {
      await host(machine).run(sh`exit 0`, { timeoutMs: patienceMs, signal })
    },
    remove: async () => {},
    host,
  }
}

function whereIs({ name, ssh, addresses }: MachineSpec): { address: string; port?: number; user?: string } {
  const where = ssh ?? addresses[0]
  if (where !== undefined && isAddress(where.address)) return ssh ?? { address: where.address }
  throw new LarderError('FLEET_MACHINE_UNKNOWN', {
    message: `It is not said how ${name} is reached.`,
    hint: 'ssh: { address: … }',
  })
}
