import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { describe, expect } from 'vitest'
import { createMachineDisks } from '../../src/app/machine-disk.ts'
import { silentLog, silentProgress, systemClock, type Progress } from '../../src/core/index.ts'
import { bridgeName } from '../../src/fleet/network/bridge.ts'
import { openFleetCredentials } from '../../src/fleet/place/credentials.ts'
import { makingPlaceContract } from '../../src/fleet/place/place.contract.ts'
import type { MachineSpec } from '../../src/fleet/place/place.ts'
import { readVmRecord, vmFolder, writeVmRecord } from '../../src/fleet/place/vm/vm-folder.ts'
import { createVmPlace } from '../../src/fleet/place/vm/vm-place.ts'
import { machineBase } from './support/machine-base.ts'
import { openWorkspace } from './support/workspace.ts'

/** Nothing helps them: they are emulated, on a processor that others use. */
const readyWithinMs = 900_000

async function open() {
  const workspace = await openWorkspace()
  const base = await machineBase([], { boots: true })
  if (base === undefined) throw new Error('this host has no APT sources to make a machine from')
  const folder = workspace.path('vms')
  const credentials = await openFleetCredentials(workspace.path('machines'))
  const reach = { credentials, controlFolder: workspace.path('c'), clock: systemClock }
  const place = createVmPlace({ reach, folder, makeDisk: createMachineDisks(silentLog), readyWithinMs })
  const network = { network: 'lan', prefixLength: 24, gateway: '10.213.80.1' }
  const machine: MachineSpec = {
    name: 'web-1',
    site: 'vms',
    addresses: [{ ...network, address: '10.213.80.11' }],
    identity: 'one',
    base,
    memoryMiB: 512,
    cpus: 1,
    diskMiB: 4096,
  }
  return {
    place,
    credentials,
    machine,
    network,
    folder,
    // Each, whichever of the others fails: a bridge of this host outlives everything.
    async [Symbol.asyncDispose]() {
      await using ending = new AsyncDisposableStack()
      ending.use(workspace)
      ending.defer(async () => {
        await execa('ip', ['link', 'delete', bridgeName('vms', 'lan')], { reject: false })
      })
      ending.defer(() => place.remove(machine))
      ending.defer(() => place.host(machine).close())
    },
  }
}

async function killQemu(folder: string, machine: MachineSpec): Promise<void> {
  const record = await readVmRecord(folder, machine)
  if (record === undefined || record === 'foreign') throw new Error('there is no such machine')
  const { stdout } = await execa('pgrep', ['-f', '--', `qemu-system-x86_64 .*${vmFolder(folder, machine.name).disk}`])
  process.kill(Number(stdout), 'SIGKILL')
}

describe('at: vm', { timeout: 1_200_000 }, () => {
  makingPlaceContract(async () => {
    const opened = await open()
    const { folder, machine, network, place, credentials } = opened
    const foreign = { ...machine, name: 'theirs' }
    await writeVmRecord(folder, { site: 'another', machine: 'theirs', identity: 'one', base: 'none' })
    const elsewhere = { ...machine, addresses: [{ ...network, address: '10.213.80.12' }] }
    const theirs = join(vmFolder(folder, 'theirs').folder, 'kept')
    await writeFile(theirs, 'kept')
    return {
      ...opened,
      foreign,
      elsewhere,
      another: { ...machine, identity: 'two' },
      stop: () => killQemu(folder, machine),
      isForeignThere: async () => (await readFile(theirs, 'utf8')) === 'kept',
      async beginHalf() {
        const control = new AbortController()
        const line = (message: string): void => {
          if (message.startsWith(`${machine.name} starts`)) control.abort()
        }
        const progress: Progress = { ...silentProgress, log: line }
        const begun = place.bringUp(machine, {
          credentials: await credentials.of(machine.name),
          progress,
          signal: control.signal,
        })
        await expect(begun).rejects.toMatchObject({ code: 'CANCELLED' })
        expect(await place.observe(machine)).toBe('stopped')
      },
    }
  })
})
