import { createServer } from 'node:net'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import type { MachineSpec } from '../place.ts'
import type { VmRoom } from './bring-up-vm.ts'
import type { NetworkCard } from './network-card.ts'
import { qemuArguments } from './qemu-command.ts'
import { makeSeed } from './seed.ts'
import { ensureTaps } from './tap.ts'
import { vmFolder, writeVmRecord, type Started, type VmRecord } from './vm-folder.ts'
import type { VmProcess } from './vm-process.ts'

/** Starts a machine that does not run. How is written down first, so that it is found again whenever Larder is killed. */
export async function startVm(
  { folder }: { folder: string },
  machine: MachineSpec,
  room: VmRoom & { record: VmRecord; process: VmProcess; cards: readonly NetworkCard[] },
): Promise<Started> {
  const { record, process, cards, credentials, acceleration, progress } = room
  const { name, site, memoryMiB, cpus } = machine
  const { disk: diskPath, seed: seedPath, controlSocket } = vmFolder(folder, name)
  const sshPort = cards[0]?.end.kind === 'user' ? await freePort() : undefined
  await writeFile(seedPath, await makeSeed(machine, { credentials, cards }), { mode: 0o600 })
  const files = { diskPath, seedPath, controlSocket }
  const args = qemuArguments({ label: `${site}-${name}`, memoryMiB, cpus, acceleration, ...files, cards, sshPort })
  const started = { args, cards, sshPort, isEmulated: acceleration === 'tcg', isReady: false }
  await writeVmRecord(folder, { ...record, started })
  await ensureTaps(cards)
  // What is open leads to one that ended.
  await room.host.close()
  const slowly = acceleration === 'kvm' ? '' : ', emulated in software, since this host has no KVM that works'
  progress.log(`${name} starts${slowly}`)
  if (sshPort !== undefined && machine.addresses.length > 0) {
    progress.log(
      `${name} is in no network of this host, which root alone could put it at: other machines do not see it`,
    )
  }
  await process.start(args)
  return started
}

/** Of the loopback; QEMU takes it some milliseconds later, and says so if somebody else was quicker. */
async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('a server of TCP has a port')
  return address.port
}
