import { chown, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { execa } from 'execa'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LarderError, silentProgress, systemClock } from '../../src/core/index.ts'
import { endsByItself } from '../../src/fleet/place/vm/acceleration.ts'
import { readVmRecord, vmFolder } from '../../src/fleet/place/vm/vm-folder.ts'
import { openTinyPlace } from '../fixtures/virtual-machine/open-tiny-place.ts'
import { tinyWords } from '../fixtures/virtual-machine/tiny-disk.ts'

const script = new URL('../fixtures/virtual-machine/bring-up-tiny.ts', import.meta.url).pathname

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-vm-'))
})
afterEach(async () => {
  const { place, machine, controlFolder } = await openTinyPlace(folder, { clock: systemClock })
  await place.remove(machine)
  await rm(folder, { recursive: true })
  await rm(controlFolder, { recursive: true, force: true })
})

type Opened = Awaited<ReturnType<typeof openTinyPlace>>

/** Why it did not come up: no script runs on it. */
async function failure(
  { place, machine, credentials }: Opened,
  signal = new AbortController().signal,
): Promise<LarderError> {
  const room = { credentials: await credentials.of(machine.name), progress: silentProgress, signal }
  const error = await place.bringUp(machine, room).catch((thrown: unknown) => thrown)
  if (error instanceof LarderError) return error
  throw new Error('nothing failed', { cause: error })
}

/** Numbers of all processes that are machines of this folder. */
async function processes({ vms, machine }: Pick<Opened, 'vms' | 'machine'>): Promise<string[]> {
  const disk = vmFolder(vms, machine.name).disk
  const { stdout } = await execa('pgrep', ['-f', '--', `qemu-system-x86_64 .*${disk}`], { reject: false })
  return stdout.split('\n').filter((line) => line !== '')
}

it('a machine that ends at its first instructions does so, in software', async () => {
  expect(await endsByItself('tcg', new AbortController().signal)).toBe(true)
})

describe('a machine', () => {
  it('that does not become ready: what its console said last is told, and kept', async () => {
    const opened = await openTinyPlace(folder, { clock: systemClock })
    const error = await failure(opened)
    expect(error.code).toBe('FLEET_MACHINE_FAILED')
    expect(error.message).toMatch(/^tiny did not come up: it is not ready: /)
    expect(error.message).toContain(tinyWords)
    const { console } = vmFolder(opened.vms, 'tiny')
    expect(await readFile(console, 'utf8')).toContain(tinyWords)
    expect(await opened.place.observe(opened.machine)).toBe('stopped')
  })

  it('that switches itself off is not waited for', async () => {
    const opened = await openTinyPlace(folder, { clock: systemClock, switchesOff: true })
    const error = await failure(opened)
    expect(error.message).toMatch(/^tiny did not come up: it switched itself off/)
    expect(error.message).toContain(tinyWords)
  })

  it('goes on while nobody looks after it, and is found again and not started twice', async () => {
    const control = new AbortController()
    const opened = await openTinyPlace(folder, { clock: systemClock })
    const failing = failure(opened, control.signal)
    await expect.poll(() => processes(opened), { timeout: 20_000 }).toHaveLength(1)
    control.abort()
    expect((await failing).code).toBe('CANCELLED')
    const before = await processes(opened)
    const later = await openTinyPlace(folder, { clock: systemClock })
    expect((await failure(later)).message).toContain(tinyWords)
    expect(await processes(later)).toEqual(before)
  })

  it('goes with all that is of it', async () => {
    const opened = await openTinyPlace(folder, { clock: systemClock, switchesOff: true })
    await failure(opened)
    expect(await processes(opened)).toHaveLength(1)
    await opened.place.remove(opened.machine)
    expect(await processes(opened)).toEqual([])
    expect(await readdir(join(opened.vms, 'machines'))).toEqual([])
    expect(await opened.place.observe(opened.machine)).toBe('absent')
    await opened.place.remove(opened.machine)
  })

  it('that does not answer any more goes all the same', async () => {
    const opened = await openTinyPlace(folder, { clock: systemClock, switchesOff: true })
    await failure(opened)
    const [pid] = await processes(opened)
    process.kill(Number(pid), 'SIGSTOP')
    await opened.place.remove(opened.machine)
    expect(await processes(opened)).toEqual([])
  })

  it('whose disk would be too small for what it begins with is not made', async () => {
    const opened = await openTinyPlace(folder, { clock: systemClock })
    const error = await failure({ ...opened, machine: { ...opened.machine, diskMiB: 0 } })
    expect(error).toMatchObject({ code: 'FLEET_RESOURCE_INVALID', hint: 'disk_mb: 1024 or more.' })
  })

  it('that QEMU refuses to start: its words are told', async () => {
    const opened = await openTinyPlace(folder, { clock: systemClock })
    const error = await failure({ ...opened, machine: { ...opened.machine, memoryMiB: 2 ** 40 } })
    expect(error.code).toBe('FLEET_MACHINE_FAILED')
    expect(error.message).toMatch(/^tiny could not be started: QEMU says: .*memory|ram/i)
  })
})

describe('Larder is killed while a machine is made', () => {
  it.each([
    // Before or after it was written down that it is to be.
    ['tiny is made', /^(?:absent|stopped)$/],
    ['a disk that machines start from', /^stopped$/],
    ['tiny starts', /^stopped$/],
  ])('at: %s', async (moment, found) => {
    await bringUpAndKill(moment)
    const opened = await openTinyPlace(folder, { clock: systemClock, switchesOff: true })
    expect(await opened.place.observe(opened.machine)).toMatch(found)
    expect((await failure(opened)).message).toContain(tinyWords)
    expect(await processes(opened)).toHaveLength(1)
    expect(await readdir(join(opened.vms, 'disks'))).toEqual([expect.stringMatching(/^[0-9a-f]{64}\.qcow2$/)])
  })

  it('some time after it was started', async () => {
    await bringUpAndKill('tiny starts', 1500)
    const opened = await openTinyPlace(folder, { clock: systemClock, switchesOff: true })
    expect((await failure(opened)).message).toContain(tinyWords)
    expect(await processes(opened)).toHaveLength(1)
  })
})

describe.skipIf(process.getuid?.() !== 0)('without root', () => {
  it('a machine is in a network of its own, and sshd of it at a port of this host', async () => {
    const nobody = { uid: 65_534, gid: 65_534 }
    await chown(folder, nobody.uid, nobody.gid)
    const child = startBringUp(nobody)
    const opened = { vms: join(folder, 'vms'), machine: { name: 'tiny', site: 'test' } }
    try {
      await expect.poll(async () => portOf(opened.vms), { timeout: 30_000 }).toBeGreaterThan(0)
      const find = async (): Promise<string[]> => processes(opened as Opened)
      await expect.poll(find, { timeout: 30_000 }).toHaveLength(1)
    } finally {
      child.kill('SIGKILL')
      await once(child, 'close')
    }
  })
})

async function portOf(vms: string): Promise<number> {
  const record = await readVmRecord(vms, { name: 'tiny', site: 'test' })
  return record === undefined || record === 'foreign' ? 0 : (record.started?.sshPort ?? 0)
}

function startBringUp(user: { uid?: number; gid?: number } = {}) {
  return spawn(process.execPath, [script, folder], { ...user, stdio: ['ignore', 'pipe', 'inherit'] })
}

/** Ends it as `kill -9` does, so long after it said this. */
async function bringUpAndKill(moment: string, afterMs = 0): Promise<void> {
  const child = startBringUp()
  const ended = once(child, 'close')
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.startsWith(moment)) continue
    if (afterMs > 0) await systemClock.sleep(afterMs)
    child.kill('SIGKILL')
  }
  await ended
  expect(child.signalCode).toBe('SIGKILL')
}
