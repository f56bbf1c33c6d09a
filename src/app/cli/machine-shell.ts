import { join } from 'node:path'
import { LarderError } from '../../core/index.ts'
import type { MachineDetail } from '../machine-controller.ts'
import type { CommandContext } from './command-context.ts'

/**
 * Becomes root with the key of Larder, which is in the data folder: on the host of the controller only. Exits as what was run
 * there did. FLEET_HOST_UNREACHABLE, FLEET_PLACE_UNUSABLE, TOOL_MISSING.
 */
export async function openShell(context: CommandContext, name: string, command: readonly string[]): Promise<number> {
  const { withController, dataFolder, output } = context
  const machine = await withController((client) => client.machine(name))
  if (machine.place === 'local') return carryOut('sh', command.length === 0 ? [] : ['-c', command.join(' ')])
  const { personConnection } = await import('../../fleet/index.ts')
  const where = await findMachine(machine, context)
  output.data({ machine: name, ...where })
  return carryOut('ssh', personConnection(join(dataFolder.machines, 'credentials'), { name, ...where }, command))
}

async function findMachine(
  { name, place, address, ssh }: MachineDetail,
  { dataFolder: { machines: folder }, environment }: CommandContext,
): Promise<{ address: string; port?: number; user?: string }> {
  if (ssh !== undefined) return ssh
  const { containerAddress, vmSshPort } = await import('../../fleet/index.ts')
  const port = place === 'vm' ? await vmSshPort(join(folder, 'vms'), name) : undefined
  if (port !== undefined) return { address: '127.0.0.1', port }
  if (address !== undefined) return { address }
  const room = { engineFile: join(folder, 'container-engine'), dockerHost: environment['DOCKER_HOST'] }
  const given = place === 'container' ? await containerAddress(room, name) : undefined
  if (given !== undefined) return { address: given }
  throw new LarderError('FLEET_HOST_UNREACHABLE', {
    message: `It is not known yet where ${name} is.`,
    hint: 'larder machine apply brings it up.',
  })
}

async function carryOut(program: string, args: readonly string[]): Promise<number> {
  const { execa } = await import('execa')
  const { code, exitCode } = await execa(program, args, { stdio: 'inherit', reject: false })
  if (code !== 'ENOENT') return exitCode ?? 1
  const { sshMissing } = await import('../../fleet/index.ts')
  throw sshMissing(program)
}
