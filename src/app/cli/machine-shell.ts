import { join } from 'node:path'
import { LarderError } from '../../core/index.ts'
import type { MachineDetail } from '../machine-controller.ts'
import type { CommandContext } from './command-context.ts'

/**
 * Becomes root with the key of Larder, which is in the data folder: on the host of the controller only. Exits as what was run
 * there did. FLEET_HOST_UNREACHABLE, TOOL_MISSING.
 */
export async function openShell(
  { withController, dataFolder, output }: CommandContext,
  name: string,
  command: readonly string[],
): Promise<number> {
  const machine = await withController((client) => client.machine(name))
  if (machine.place === 'local') return carryOut('sh', command.length === 0 ? [] : ['-c', command.join(' ')])
  const { personConnection } = await import('../../fleet/index.ts')
  const where = await findMachine(machine, dataFolder.machines)
  output.data({ machine: name, ...where })
  return carryOut('ssh', personConnection(join(dataFolder.machines, 'credentials'), { name, ...where }, command))
}

/** `folder`: of machines. */
async function findMachine(
  { name, place, address, ssh }: MachineDetail,
  folder: string,
): Promise<{ address: string; port?: number; user?: string }> {
  if (ssh !== undefined) return ssh
  const { vmSshPort } = await import('../../fleet/index.ts')
  const port = place === 'vm' ? await vmSshPort(join(folder, 'vms'), name) : undefined
  if (port !== undefined) return { address: '127.0.0.1', port }
  if (address !== undefined) return { address }
  throw new LarderError('FLEET_HOST_UNREACHABLE', {
    message: `It is not known yet where ${name} is.`,
    hint: 'larder machine apply brings it up.',
  })
}

async function carryOut(program: string, args: readonly string[]): Promise<number> {
  const { execa } = await import('execa')
  const { code, exitCode } = await execa(program, args, { stdio: 'inherit', reject: false })
  if (code !== 'ENOENT') return exitCode ?? 1
  throw new LarderError('TOOL_MISSING', {
    message: `${program} is not installed, or not on the PATH.`,
    hint: 'On Debian: apt-get install openssh-client',
  })
}
