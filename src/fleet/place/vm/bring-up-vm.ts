import { LarderError } from '../../../core/index.ts'
import type { Host } from '../../host/host.ts'
import { isThere } from '../../is-there.ts'
import { isIdentity, type MachineSpec, type Place } from '../place.ts'
import { requireBase } from '../require-base.ts'
import { waitReady } from '../wait-ready.ts'
import type { Acceleration } from './acceleration.ts'
import { baseDiskName, baseDiskPath, ensureBaseDisk } from './base-disk.ts'
import { isSamePlan, networkCards } from './network-card.ts'
import { createOwnDisk } from './own-disk.ts'
import { removeVm } from './remove-vm.ts'
import { startVm } from './start-vm.ts'
import { ensureTaps, findHostNetworks, removeTaps } from './tap.ts'
import { readVmRecord, vmFolder, writeVmRecord, type Started, type VmRecord } from './vm-folder.ts'
import type { VmPlaceOptions } from './vm-place.ts'
import { openVmProcess, type VmProcess } from './vm-process.ts'

export type VmRoom = Parameters<Place['bringUp']>[1] & { host: Host; acceleration: Acceleration }

/** Made, started and ready, or taken up where it was left. */
export async function bringUpVm(options: VmPlaceOptions, machine: MachineSpec, room: VmRoom): Promise<void> {
  const { folder, reach } = options
  const paths = vmFolder(folder, machine.name)
  const record = await ensureMade(options, machine, room)
  const process = await openVmProcess({ name: machine.name, paths, clock: reach.clock })
  const started = await ensureStarted(options, machine, { ...room, record, process })
  await waitReady(room.host, {
    clock: reach.clock,
    signal: room.signal,
    timeoutMs: options.readyWithinMs ?? usualReadyMs[room.acceleration],
    ...(started.isEmulated ? { longestTryMs: (options.emulatedAnswerS ?? usualAnswerS) * 1000 } : {}),
    lost: async () => lostWords[await process.state(started.args)],
    console: () => process.console(started.args),
  })
  await writeVmRecord(folder, { ...record, started: { ...started, isReady: true } })
  // What it said is kept, though nobody asks.
  await process.console(started.args)
}

export const usualAnswerS = 60

const usualReadyMs = { kvm: 120_000, tcg: 600_000 }

const lostWords = {
  running: undefined,
  off: 'it ended',
  ended: 'it switched itself off',
  held: 'QEMU holds it: its disk cannot be written any more',
}

/** What it is made of: a record, and a disk over that of its base. */
async function ensureMade(options: VmPlaceOptions, machine: MachineSpec, room: VmRoom): Promise<VmRecord> {
  const { folder } = options
  const { name, site, identity } = machine
  const { disk } = vmFolder(folder, name)
  let found = await readVmRecord(folder, machine)
  if (found === 'foreign') throw foreign(folder, machine)
  if (found !== undefined && !isIdentity(found.identity, machine)) {
    room.progress.log(`${name} is made again: what it begins with is another`)
    await room.host.close()
    await removeVm(options, found)
    found = undefined
  }
  if (found !== undefined && (await isThere(disk))) return found
  room.progress.log(`${name} is made`)
  const base = requireBase(machine)
  const record = { site, machine: name, identity, base: baseDiskName(base) }
  await writeVmRecord(folder, record)
  await ensureBaseDisk(folder, base, { ...room, makeDisk: options.makeDisk })
  await createOwnDisk(disk, machine, { basePath: baseDiskPath(folder, record.base), signal: room.signal })
  return record
}

/** Left alone where it runs and is where it is declared. */
async function ensureStarted(
  options: VmPlaceOptions,
  machine: MachineSpec,
  room: VmRoom & { record: VmRecord; process: VmProcess },
): Promise<Started> {
  const { record, process } = room
  const { started } = record
  const cards = networkCards(machine, await findHostNetworks())
  if (started !== undefined) {
    const state = await process.state(started.args)
    if (state === 'held') await process.resume()
    if ((state === 'running' || state === 'held') && isSamePlan(started.cards, cards)) {
      await ensureTaps(cards)
      return { ...started, cards }
    }
    await room.host.close()
    if (state === 'running') room.progress.log(`${machine.name} is switched off, to be started at another address`)
    await (state === 'running' ? process.shutDown(started.args) : process.stop(started.args))
    await removeTaps(started.cards)
  }
  return startVm(options, machine, { ...room, cards })
}

function foreign(root: string, { name }: MachineSpec): LarderError {
  const { folder } = vmFolder(root, name)
  return new LarderError('FLEET_MACHINE_FOREIGN', {
    message: `${folder} was not made by Larder for the machine ${name} of this site.`,
    hint: 'Move it away, when nothing runs with what is in it.',
    context: { machine: name },
  })
}
