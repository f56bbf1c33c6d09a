import type { Reach } from '../reach.ts'
import { removeTaps } from './tap.ts'
import { removeVmFolder, vmFolder, type VmRecord } from './vm-folder.ts'
import { openVmProcess } from './vm-process.ts'

/** A machine goes, with its interfaces and all that it held; its record goes last, so that one that was begun upon is found again. */
export async function removeVm(
  { folder, reach: { clock } }: { folder: string; reach: Pick<Reach, 'clock'> },
  { machine, started }: VmRecord,
): Promise<void> {
  if (started !== undefined) {
    const process = await openVmProcess({ name: machine, paths: vmFolder(folder, machine), clock })
    await process.stop(started.args)
    await removeTaps(started.cards)
  }
  await removeVmFolder(folder, machine)
}
