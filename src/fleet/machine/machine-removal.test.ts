import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { networkSchema } from '../network/network-schema.ts'
import { MachineWorld } from './testing/machine-world.ts'

let world: MachineWorld
beforeEach(async () => {
  world = await MachineWorld.open()
})
afterEach(() => world.close())

describe('the kind machines, of those that go, move, or belong to others', () => {
  it('removes what is not declared any more, but no host that existed before', async () => {
    await world.run({ web: {}, old: { at: 'ssh', ssh: { address: 'old.example.org' } } })
    world.differing = new Set(['old'])
    await world.run({ old: { at: 'ssh', ssh: { address: 'old.example.org' } } })
    expect(world.calls).toContain('remove web')
    expect((await world.run({})).plan).toEqual(['remove machine old: not declared any more: left as it is'])
    expect(world.calls).not.toContain('remove old')
    expect(await world.memory.list()).toEqual([])
  })

  it('removes one that has the address of another before that is made', async () => {
    world.network = networkSchema.parse({ subnet: '10.1.0.0/24', gateway: '10.1.0.1' })
    await world.run({ old: {}, gone: {} })
    world.calls = []
    const { plan } = await world.run({ new: { address: '10.1.0.2' } })
    expect(plan.map((one) => one.split(':')[0])).toEqual([
      'remove machine old',
      'create machine new',
      'remove machine gone',
    ])
    expect(world.calls.filter((one) => /^(?:remove|bring up)/.test(one))).toEqual([
      'remove old',
      'bring up new from base',
      'remove gone',
    ])
  })

  it('removes a machine where it was when it is to be elsewhere', async () => {
    await world.run({ web: {} })
    world.calls = []
    const { plan } = await world.run({ web: { at: 'vm' } })
    const summary = 'removed from where it was (container), with all that is on it, and made (vm), then 1 resource'
    expect(plan).toEqual([`update machine web: ${summary}`])
    expect(world.calls.filter((one) => /^(?:remove|bring up)/.test(one))).toEqual([
      'remove web',
      'bring up web from base',
    ])
    expect(await world.memory.get('web')).toMatchObject({ place: 'vm', state: 'converged' })
    expect((await world.run({ web: { at: 'vm' } })).plan).toEqual([])
  })

  it.each(['FLEET_PLACE_UNUSABLE', 'TOOL_MISSING'] as const)(
    'is not kept from others by a machine of which nobody can say whether it is there: %s',
    async (code) => {
      world.unseenFor = code
      await world.run({ web: {}, other: {} })
      world.unseen = new Set(['web'])
      world.differing = new Set(['other'])
      const { plan, errors } = await world.run({ web: {}, other: {} })
      expect(plan[0]).toBe('update machine web: cannot be reached now: The engine is away.')
      expect(errors).toEqual(['The engine is away.', 'The engine is away.'])
      expect(world.applied()).toEqual(['web', 'other', 'other'])
    },
  )

  it('is about the machines that a run is limited to, and leaves all others', async () => {
    await world.run({ gone: {} })
    world.limit = ['web']
    const { plan } = await world.run({ web: {}, other: {} })
    expect(plan).toHaveLength(1)
    expect(world.applied()).toEqual(['gone', 'web'])
    expect((await world.memory.list()).map(({ name }) => name)).toEqual(['gone', 'web'])
  })
})
