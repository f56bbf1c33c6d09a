import { isIdentity, type MachineSpec, type MachineState } from '../place.ts'
import type { Reach } from '../reach.ts'
import { isSamePlan, networkCards } from './network-card.ts'
import { areAttached, findHostNetworks } from './tap.ts'
import { readVmRecord, vmFolder } from './vm-folder.ts'
import { openVmProcess } from './vm-process.ts'

/**
 * What a machine is now. `stopped` is also one that is half made, that has not become ready since it was started, or that has
 * to be started anew to be where it is declared.
 */
export async function observeVm(
  { folder, reach: { clock } }: { folder: string; reach: Pick<Reach, 'clock'> },
  machine: MachineSpec,
): Promise<MachineState> {
  const record = await readVmRecord(folder, machine)
  if (record === undefined) return 'absent'
  if (record === 'foreign' || !isIdentity(record.identity, machine)) return 'other'
  const { started } = record
  if (started?.isReady !== true) return 'stopped'
  const process = await openVmProcess({ name: machine.name, paths: vmFolder(folder, machine.name), clock })
  if ((await process.state(started.args)) !== 'running') return 'stopped'
  const cards = networkCards(machine, await findHostNetworks())
  return isSamePlan(started.cards, cards) && (await areAttached(cards)) ? 'running' : 'stopped'
}
