import { join } from 'node:path'
import { LarderError } from '../../core/index.ts'
import type { CommandContext } from './command-context.ts'

/**
 * Logs in as root with the key of Larder, which is in the data folder: on the host of the controller only. Exits as what
 * was run there did.
 */
export async function openShell(
  { withController, dataFolder, output }: CommandContext,
  name: string,
  command: readonly string[],
): Promise<number> {
  const { place, address } = await withController((client) => client.machine(name))
  const { execa } = await import('execa')
  if (place === 'local')
    return exitOf(await execa('sh', command.length === 0 ? [] : ['-c', command.join(' ')], inherit))
  const { personConnection, vmSshPort } = await import('../../fleet/index.ts')
  const port = place === 'vm' ? await vmSshPort(join(dataFolder.machines, 'vms'), name) : undefined
  const where = port === undefined ? (address === undefined ? undefined : { address }) : { address: '127.0.0.1', port }
  if (where === undefined) {
    throw new LarderError('FLEET_HOST_UNREACHABLE', {
      message: `It is not known yet where ${name} is.`,
      hint: 'larder machine apply brings it up.',
    })
  }
  output.data({ machine: name, ...where })
  const args = personConnection(join(dataFolder.machines, 'credentials'), { name, ...where })
  return exitOf(await execa('ssh', [...args, ...(command.length === 0 ? [] : ['--', ...command])], inherit))
}

const inherit = { stdio: 'inherit', reject: false } as const

function exitOf({ exitCode }: { exitCode?: number }): number {
  return exitCode ?? 1
}
