import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentProgress } from '../../core/index.ts'
import { sh, type Script } from '../shell/script.ts'
import type { FleetCredentials } from './credentials.ts'
import type { MachineSpec, MachineState, Place } from './place.ts'

export interface PlaceUnderTest extends AsyncDisposable {
  place: Place
  credentials: FleetCredentials
  machine: MachineSpec
}

/** A place that makes machines, and what happens to them from outside. */
export interface MakingPlaceUnderTest extends PlaceUnderTest {
  /** Ends the machine, as a power cut does. */
  stop(): Promise<void>
  /** The same machine as one that begins with something else. */
  another: MachineSpec
  /** The same machine at another address. */
  elsewhere: MachineSpec
  /** The machine of a name that somebody else has. */
  foreign: MachineSpec
  /** Whether what somebody else has is as it was. */
  isForeignThere(): Promise<boolean>
  /** Leaves the machine as half as `kill -9` leaves it. */
  beginHalf(): Promise<void>
}

const noCredentials = { hostKey: { privateKey: '', publicLine: '' }, authorizedKey: '' }

/** What every Place must do whose machines exist already. */
export function existingPlaceContract(open: () => Promise<PlaceUnderTest>): void {
  let test: PlaceUnderTest
  beforeAll(async () => {
    test = await open()
  })
  afterAll(() => test[Symbol.asyncDispose]())

  it('is there, runs scripts as root, and stays when it is removed', async () => {
    const { place, machine } = test
    expect(await place.unusable()).toBeUndefined()
    await place.bringUp(machine, room(noCredentials))
    await place.bringUp(machine, room(noCredentials))
    expect(await run(test, sh`id -u`)).toBe('0')
    await place.remove(machine)
    expect(await place.observe(machine)).toBe('running')
  })
}

/** What every Place must do that makes its machines. */
export function makingPlaceContract(open: () => Promise<MakingPlaceUnderTest>): void {
  let test: MakingPlaceUnderTest
  beforeAll(async () => {
    test = await open()
  })
  afterAll(() => test[Symbol.asyncDispose]())

  const bringUp = async (machine: MachineSpec = test.machine): Promise<void> => {
    await test.place.bringUp(machine, room(await test.credentials.of(machine.name)))
  }
  const observe = (machine: MachineSpec = test.machine): Promise<MachineState> => test.place.observe(machine)
  // Containers share their kernel, and what begins with a kernel of its own begins at the same tick each time.
  const startedAt = sh`cat /proc/sys/kernel/random/boot_id; cut -d ' ' -f 22 /proc/1/stat`

  describe('a machine', () => {
    it('comes up where nothing was, and runs scripts as root', async () => {
      expect(await test.place.unusable()).toBeUndefined()
      expect(await observe()).toBe('absent')
      await bringUp()
      expect(await observe()).toBe('running')
      expect(await run(test, sh`id -u; hostname`)).toBe(`0\n${test.machine.name}`)
    })

    it('is left alone when it is up', async () => {
      const before = await run(test, startedAt)
      await bringUp()
      expect(await run(test, startedAt)).toBe(before)
    })

    it('comes up again with what it held, after it was stopped from outside', async () => {
      await run(test, sh`echo kept > /root/kept; sync`)
      await test.stop()
      expect(await observe()).toBe('stopped')
      await bringUp()
      expect(await run(test, sh`cat /root/kept`)).toBe('kept')
    })

    it('moves to another address with what it holds', async () => {
      expect(await observe(test.elsewhere)).toBe('stopped')
      await bringUp(test.elsewhere)
      expect(await observe(test.elsewhere)).toBe('running')
      expect(await run({ ...test, machine: test.elsewhere }, sh`cat /root/kept`)).toBe('kept')
    })

    it('is made again when it is to begin with something else', async () => {
      expect(await observe(test.another)).toBe('other')
      await bringUp(test.another)
      expect(await observe(test.another)).toBe('running')
      expect(await observe()).toBe('other')
      expect(await run(test, sh`if [ -e /root/kept ]; then echo old; else echo new; fi`)).toBe('new')
    })

    it('of a name that somebody else has is refused, and theirs stays', async () => {
      expect(await observe(test.foreign)).toBe('other')
      await expect(bringUp(test.foreign)).rejects.toMatchObject({ code: 'FLEET_MACHINE_FOREIGN' })
      await test.place.remove(test.foreign)
      expect(await test.isForeignThere()).toBe(true)
    })

    it('goes when it is removed; once more does no harm', async () => {
      await test.place.remove(test.machine)
      expect(await observe()).toBe('absent')
      await test.place.remove(test.machine)
    })

    it('comes up when Larder was killed while it was made', async () => {
      await test.beginHalf()
      await bringUp()
      expect(await run(test, sh`id -u`)).toBe('0')
      await test.place.remove(test.machine)
    })
  })
}

function room(credentials: Parameters<Place['bringUp']>[1]['credentials']): Parameters<Place['bringUp']>[1] {
  return { credentials, progress: silentProgress, signal: new AbortController().signal }
}

/** On a connection of its own, so that nothing of an earlier machine answers. */
async function run({ place, machine }: PlaceUnderTest, script: Script): Promise<string> {
  const host = place.host(machine)
  try {
    const { code, stdout, stderr } = await host.run(script, { timeoutMs: 60_000 })
    if (code !== 0) throw new Error(stderr)
    return stdout.toString().trim()
  } finally {
    await host.close()
  }
}
