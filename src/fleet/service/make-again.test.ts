import { describe, expect, it } from 'vitest'
import { LarderError } from '../../core/index.ts'
import { makeMachineAgain, type Rollout } from './make-again.ts'
import { rollService } from './roll-service.ts'
import { servingOf } from './testing/serving-of.ts'
import { rolloutRoom } from './testing/rollout-room.ts'
import { ServiceWorld } from './testing/service-world.ts'

const names = ['web-1', 'web-2']

const rolloutOf = (world: ServiceWorld): Rollout => ({
  targets: world.targets(),
  room: rolloutRoom(world),
  balancers: ['lb'],
})

/** A service that runs on both. */
async function running(): Promise<ServiceWorld> {
  const world = new ServiceWorld(names)
  const { targets, room } = rolloutOf(world)
  await rollService(targets, room)
  world.calls.length = 0
  return world
}

const makeAgain = (world: ServiceWorld, name: string) => makeMachineAgain(name, [rolloutOf(world)], servingOf(world))
const changes = (world: ServiceWorld) => world.calls.filter((call) => /^(drain|make|apply|ready)/.test(call))

describe('makeMachineAgain', () => {
  it('takes it from its clients first, and gives it back when its release is up', async () => {
    const world = await running()
    await makeAgain(world, 'web-1')
    expect(changes(world)).toEqual(['drain web-1', 'make web-1 again', 'apply to web-1', 'ready web-1'])
    expect(names.every((name) => world.isUp(name))).toBe(true)
    expect(world.violations).toEqual([])
  })

  it('makes nothing where another one is not up', async () => {
    const world = await running()
    world.machines.get('web-2')!.isActive = false
    world.beNoticed()
    await expect(makeAgain(world, 'web-1')).rejects.toMatchObject({ code: 'FLEET_ROLLOUT_HALTED' })
    expect(world.calls).not.toContain('make web-1 again')
    expect(world.isUp('web-1')).toBe(true)
    // It serves nobody: there is nobody to keep it for.
    await makeAgain(world, 'web-2')
    expect(names.every((name) => world.isUp(name))).toBe(true)
    expect(world.violations).toEqual([])
  })

  it('takes it from all services that are on it, or from none', async () => {
    const [one, other] = [await running(), await running()]
    other.machines.get('web-2')!.isActive = false
    other.beNoticed()
    const both = () => makeMachineAgain('web-1', [one, other].map(rolloutOf), servingOf([one, other]))
    await expect(both()).rejects.toMatchObject({ code: 'FLEET_ROLLOUT_HALTED' })
    expect([one, other].map((world) => world.isUp('web-1'))).toEqual([true, true])
    other.machines.get('web-2')!.isActive = true
    other.beNoticed()
    await both()
    expect([one, other].flatMap((world) => names.map((name) => world.isUp(name)))).toEqual([true, true, true, true])
    expect([...one.violations, ...other.violations]).toEqual([])
  })

  it('keeps it from clients when it could not be made, until the next run has brought its release there', async () => {
    const world = await running()
    const serving = servingOf(world)
    const makeAgain = async (name: string): Promise<void> => {
      await serving.makeAgain(name)
      throw new LarderError('FLEET_MACHINE_FAILED', { message: 'It does not start.' })
    }
    const failing = makeMachineAgain('web-1', [rolloutOf(world)], { ...serving, makeAgain })
    await expect(failing).rejects.toMatchObject({ code: 'FLEET_MACHINE_FAILED' })
    expect(world.isUp('web-1')).toBe(false)
    const { targets, room } = rolloutOf(world)
    await rollService(targets, room)
    expect(names.every((name) => world.isUp(name))).toBe(true)
    expect(world.violations).toEqual([])
  })

  it('gives it back where it is still what it was, and takes nothing away where it cannot be prepared', async () => {
    const world = await running()
    const failing = () => Promise.reject(new LarderError('FLEET_BASE_INCOMPLETE', { message: 'It lacks vim.' }))
    for (const part of ['prepare', 'makeAgain']) {
      const made = makeMachineAgain('web-1', [rolloutOf(world)], { ...servingOf(world), [part]: failing })
      await expect(made).rejects.toMatchObject({ code: 'FLEET_BASE_INCOMPLETE' })
      expect(changes(world)).toEqual(part === 'prepare' ? [] : ['drain web-1', 'ready web-1'])
      expect(world.isUp('web-1')).toBe(true)
    }
  })

  it('brings all services back to it though one of them fails', async () => {
    const [one, other] = [await running(), await running()]
    one.desired = 'sick'
    const made = makeMachineAgain('web-1', [one, other].map(rolloutOf), servingOf([one, other]))
    await expect(made).rejects.toMatchObject({ code: 'FLEET_ROLLOUT_FAILED' })
    expect(names.map((name) => other.isUp(name))).toEqual([true, true])
    expect(one.isUp('web-2')).toBe(true)
  })

  it('leaves the others as they are when its release does not come up', async () => {
    const world = await running()
    world.desired = 'sick'
    await expect(makeAgain(world, 'web-1')).rejects.toMatchObject({ code: 'FLEET_ROLLOUT_FAILED' })
    expect(world.isUp('web-2')).toBe(true)
    expect(world.violations).toEqual([])
  })
})
