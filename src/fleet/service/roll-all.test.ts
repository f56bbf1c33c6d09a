import { describe, expect, it } from 'vitest'
import { LarderError } from '../../core/index.ts'
import { rollAll } from './roll-all.ts'
import { rollService } from './roll-service.ts'
import { servicesSchema } from './service-schema.ts'
import { rolloutRoom } from './testing/rollout-room.ts'
import { ServiceWorld } from './testing/service-world.ts'
import { servingOf } from './testing/serving-of.ts'

const names = ['web-1', 'web-2']

/** The service runs on both, and both are to be made again. */
async function running(isBalanced: boolean) {
  const world = new ServiceWorld(names)
  await rollService(world.targets(), rolloutRoom(world, { isBalanced }))
  world.calls.length = 0
  const services = servicesSchema.parse({ counter: { unit: 'counter.service', machines: names, port: 8080 } })
  const serving = servingOf(world, names)
  const { signal } = new AbortController()
  const roll = (open: () => void = () => {}) =>
    rollAll(new Map(Object.entries(services)), {
      serving,
      signal,
      open: async ({ left }) => {
        open()
        return { targets: world.targets(), room: rolloutRoom(world, { isBalanced, left }), balancers: [] }
      },
    })
  const made = () => world.calls.filter((call) => call.startsWith('make '))
  return { world, roll, made }
}

describe('rollAll', () => {
  it('leaves machines of a service alone that could not be opened: whom they serve is not known', async () => {
    const { roll, made } = await running(true)
    const failures = await roll(() => {
      throw new LarderError('FLEET_SECRET_UNKNOWN', { message: 'It cannot be read.' })
    })
    expect([failures.map(({ code }) => code), made()]).toEqual([['FLEET_SECRET_UNKNOWN'], []])
  })

  it('makes no second one again that cannot be seen before the first is up', async () => {
    const { world, roll, made } = await running(false)
    for (const name of names) world.machines.get(name)!.isAway = true
    const failures = await roll()
    expect(made()).toEqual(['make web-1 again'])
    expect(failures).not.toEqual([])
    expect(world.machines.get('web-2')).toMatchObject({ isActive: true })
  })

  it('makes all again that are dead, one after the other', async () => {
    const { world, roll, made } = await running(false)
    for (const name of names) Object.assign(world.machines.get(name)!, { isActive: false, isAway: true })
    world.isBackWhenMade = true
    expect(await roll()).toEqual([])
    expect(made()).toEqual(['make web-1 again', 'make web-2 again'])
    expect(names.map((name) => world.isUp(name))).toEqual([true, true])
  })

  it('makes all again at once that serve nobody', async () => {
    const { world, roll, made } = await running(true)
    for (const name of names) world.machines.get(name)!.isActive = false
    world.beNoticed()
    expect(await roll()).toEqual([])
    expect(made()).toEqual(['make web-1 again', 'make web-2 again'])
    expect(world.violations).toEqual([])
  })
})
