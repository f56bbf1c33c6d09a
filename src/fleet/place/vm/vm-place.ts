import { LarderError } from '../../../core/index.ts'
import type { Host } from '../../host/host.ts'
import type { MachineSpec, Place } from '../place.ts'
import { reachWhereItIs, type Reach, type Where } from '../reach.ts'
import { probeAcceleration, type Acceleration } from './acceleration.ts'
import { forgetBaseDisks, type MakeDisk } from './base-disk.ts'
import { bringUpVm, usualAnswerS } from './bring-up-vm.ts'
import { observeVm } from './observe-vm.ts'
import { removeVm } from './remove-vm.ts'
import { readVmRecord, usedBases } from './vm-folder.ts'
import { lackingPrograms } from './vm-programs.ts'

export interface VmPlaceOptions {
  reach: Reach
  /** Where virtual machines are kept: `machines/vms` of the data folder. */
  folder: string
  makeDisk: MakeDisk
  /** From start to the first script. Default 120,000 by KVM, 600,000 in software. */
  readyWithinMs?: number
  /** Of an emulated machine until it has taken a connection: its processor works out keys, too. Default 60. */
  emulatedAnswerS?: number
}

/**
 * Virtual machines by QEMU, each with a disk laid over one that is made of its base, at networks of the site, reached by ssh.
 * They go on while the controller is away. FLEET_PLACE_UNUSABLE, FLEET_MACHINE_FOREIGN, FLEET_MACHINE_FAILED,
 * FLEET_RESOURCE_INVALID, FLEET_NETWORK_INTERFACE_MISSING, DISK_FULL, TOOL_MISSING, CANCELLED; and what `makeDisk` throws.
 */
export function createVmPlace(options: VmPlaceOptions): Place {
  const { folder, reach } = options
  const accelerate = accelerationChoice()
  const hostOf = (machine: MachineSpec): Host => reachWhereItIs(machine.name, () => whereIs(options, machine), reach)
  return {
    at: 'vm',
    unusable: () => lackingPrograms(),
    observe: (machine) => observeVm(options, machine),
    async bringUp(machine, room) {
      const lacking = await lackingPrograms()
      if (lacking !== undefined) throw new LarderError('FLEET_PLACE_UNUSABLE', lacking)
      await bringUpVm(options, machine, { ...room, host: hostOf(machine), acceleration: await accelerate(room.signal) })
    },
    async remove(machine) {
      const record = await readVmRecord(folder, machine)
      if (record === undefined || record === 'foreign') return
      await removeVm(options, record)
    },
    tidy: async () => forgetBaseDisks(folder, await usedBases(folder), reach.clock),
    host: hostOf,
  }
}

/** Looked for once: a host does not change its processor while Larder runs. */
function accelerationChoice(): (signal: AbortSignal) => Promise<Acceleration> {
  let chosen: Acceleration | undefined
  return async (signal) => (chosen ??= await probeAcceleration(signal))
}

/** Where its sshd answers: at its address, or at a port of this host. FLEET_HOST_UNREACHABLE: it was never started. */
async function whereIs(
  { folder, emulatedAnswerS = usualAnswerS }: VmPlaceOptions,
  machine: MachineSpec,
): Promise<Where> {
  const record = await readVmRecord(folder, machine)
  const started = record === 'foreign' ? undefined : record?.started
  const [card] = started?.cards ?? []
  const patience = started?.isEmulated === true ? { connectTimeoutS: emulatedAnswerS } : {}
  if (started?.sshPort !== undefined) return { address: '127.0.0.1', port: started.sshPort, ...patience }
  if (card !== undefined) return { address: card.address, ...patience }
  throw new LarderError('FLEET_HOST_UNREACHABLE', {
    message: `${machine.name} is nowhere: it was not started yet.`,
    hint: 'larder machine apply brings it up.',
    context: { host: machine.name },
  })
}
