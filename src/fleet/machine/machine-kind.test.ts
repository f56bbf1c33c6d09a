import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LarderError } from '../../core/index.ts'
import { networkSchema } from '../network/network-schema.ts'
import { machinesSchema } from './machine-schema.ts'
import { MachineWorld } from './testing/machine-world.ts'

let world: MachineWorld
beforeEach(async () => {
  world = await MachineWorld.open()
})
afterEach(() => world.close())

describe('the kind machines', () => {
  it('converges the clients of a mirror that the same run publishes', async () => {
    world.states = { a: 'running', b: 'running' }
    world.clients = new Set(['a'])
    const planned = [{ subject: 'mirror base', action: 'update' as const, summary: '', detail: null }]
    const { plan } = await world.run({ a: {}, b: {} }, planned)
    expect(plan).toEqual(['update machine a: what mirror base brings; 1 as declared'])
    expect((await world.run({ a: {}, b: {} })).plan).toEqual([])
  })

  it('makes what is not there, and remembers it', async () => {
    const { plan, errors } = await world.run({ web: {} })
    expect(plan).toEqual(['create machine web: made (container), then 1 resource'])
    expect(errors).toEqual([])
    expect(world.calls).toContain('bring up web from base')
    expect(await world.memory.list()).toMatchObject([
      { name: 'web', state: 'converged', detail: { os: 'debian 12', ok: 1 } },
    ])
  })

  it('makes what it begins with of what the same run publishes, and not of what is published before', async () => {
    const planned = [{ subject: 'mirror base', action: 'update' as const, summary: '', detail: null }]
    await world.run({ web: {} })
    await world.run({ app: {} }, planned)
    const bases = world.calls.filter((call) => /^(base|bring up)/.test(call))
    expect(bases).toEqual([
      'base of base',
      'base of base',
      'bring up web from base',
      'base of base',
      'bring up app from base',
    ])
  })

  it('makes no other machine of one whose mirror has to be said, since there is a second one', async () => {
    await world.run({ web: {}, app: {} })
    world.mirrors = { base: {}, extra: {} }
    expect((await world.run({ web: { base: 'base' } })).plan).toEqual([
      'remove machine app: not declared any more: removed, with all that is on it',
    ])
    expect(await world.memory.get('web')).toMatchObject({ base: 'base' })
    const { plan } = await world.run({ web: { base: 'extra' } })
    expect(plan).toEqual([
      'update machine web: removed and made again, since what cannot be changed while it runs is another (container), then 1 resource',
    ])
    expect(await world.memory.get('web')).toMatchObject({ base: 'extra' })
  })

  it('keeps in mind where a machine came from until it has come from elsewhere', async () => {
    await world.run({ web: {} })
    world.mirrors = { base: {}, extra: {} }
    world.failing.add('web')
    expect((await world.run({ web: { base: 'extra' } })).errors).toHaveLength(1)
    expect(await world.memory.get('web')).toMatchObject({ state: 'failed', base: 'base' })
    expect((await world.run({ web: { base: 'base' } })).plan).toEqual([])
  })

  it('plans nothing for machines that are as declared, with one look', async () => {
    world.states = { web: 'running' }
    expect(await world.run({ web: {} })).toEqual({ plan: [], errors: [] })
    expect(world.calls).toEqual(['observe web', 'look at web'])
  })

  it('tells differences', async () => {
    world.states = { web: 'running' }
    world.differing = new Set(['web'])
    expect((await world.run({ web: {} })).plan).toEqual(['update machine web: file:/a (content); 0 as declared'])
  })

  it('starts what stands still, and makes again what is another', async () => {
    world.states = { a: 'stopped', b: 'other' }
    const { plan } = await world.run({ a: {}, b: {} })
    expect(plan[0]).toContain('update machine a: started')
    expect(plan[1]).toContain('update machine b: removed and made again')
  })

  it('leaves a machine that a service is on to that, which has it made again in turn', async () => {
    const at = (name: string, address = '10.0.0.1') => ({ [name]: { at: 'container', address } })
    world.network = networkSchema.parse({ subnet: '10.0.0.0/24', gateway: '10.0.0.254' })
    const declared = { ...at('a'), ...at('b', '10.0.0.2') }
    await world.run(declared)
    world.calls = []
    world.served = ['a']
    world.states = { a: 'other', b: 'other' }
    expect(await world.run(declared)).toMatchObject({ errors: [] })
    expect(world.calls.filter((call) => /^bring up|^apply/.test(call))).toEqual(['bring up b from base', 'apply b'])
    expect(world.serving?.names()).toEqual(['a'])
    world.failing = new Set(['a'])
    await expect(world.serving?.makeAgain('a')).rejects.toMatchObject({ message: 'a does not start.' })
    expect(await world.memory.get('a')).toMatchObject({ state: 'failed' })
    world.failing.clear()
    await world.serving?.makeAgain('a')
    expect(await world.memory.get('a')).toMatchObject({ state: 'converged' })
  })

  it('leaves them in the order of the run, and none that another one of it waits for', async () => {
    const at = (name: string, address: string, after: string[] = []) => ({ [name]: { address, after } })
    world.network = networkSchema.parse({ subnet: '10.0.0.0/24', gateway: '10.0.0.254' })
    const declared = {
      ...at('a', '10.0.0.1'),
      ...at('b', '10.0.0.2'),
      ...at('c', '10.0.0.3'),
      ...at('d', '10.0.0.4', ['c']),
    }
    await world.run(declared)
    world.served = ['a', 'b', 'c']
    world.states = { a: 'other', b: 'other', c: 'other', d: 'running' }
    world.slowToSay = 'a'
    world.differing = new Set(['d'])
    expect(await world.run(declared)).toMatchObject({ errors: [] })
    expect(world.serving?.names()).toEqual(['a', 'b'])
  })

  it.each(['stopped', 'absent', 'moved'] as const)('does not leave one that is %s to services', async (state) => {
    world.network = networkSchema.parse({ subnet: '10.0.0.0/24', gateway: '10.0.0.254' })
    await world.run({ a: { address: '10.0.0.1' } })
    world.served = ['a']
    world.states = { a: state === 'moved' ? 'other' : state }
    world.calls = []
    await world.run({ a: { address: state === 'moved' ? '10.0.0.9' : '10.0.0.1' } })
    expect(world.calls).toContain('bring up a from base')
    expect(world.serving?.names()).toEqual([])
  })

  it('gives a machine no address of this host, and leaves those that have theirs alone', async () => {
    world.network = networkSchema.parse({ subnet: '10.0.0.0/24', gateway: '10.0.0.1' })
    world.own = { server: '10.0.0.2', addresses: ['10.0.0.2'] }
    expect(await world.run({ a: {} })).toMatchObject({ errors: [] })
    expect(await world.memory.get('a')).toMatchObject({ detail: { address: '10.0.0.3' } })
    world.own = { server: '10.0.0.3', addresses: ['10.0.0.3'] }
    expect((await world.run({ a: {}, b: {} })).errors).toEqual([])
    expect(await world.memory.list()).toMatchObject([
      { name: 'a', detail: { address: '10.0.0.3' } },
      { name: 'b', detail: { address: '10.0.0.2' } },
    ])
  })

  it('begins with a machine when those that it waits for are ready, and waits for no other', async () => {
    await world.run({ slow: {}, db: {}, web: { after: ['db'] }, lb: { after: ['web', 'slow'] } })
    expect(world.applied()).toEqual(['db', 'web', 'slow', 'lb'])
  })

  it('is at work on 16 machines at once, and on no more', async () => {
    const gate = Promise.withResolvers<true>()
    world.held = gate.promise
    const begun = (): number => world.calls.filter((call) => call.startsWith('apply ')).length
    const done = world.run(Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`m-${index}`, {}])))
    await expect.poll(begun, { timeout: 4000 }).toBeGreaterThanOrEqual(16)
    // Those that come next would have begun, too.
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(begun()).toBe(16)
    gate.resolve(true)
    await done
    expect(world.applied()).toHaveLength(40)
  })

  it('finishes all others when one fails, and leaves those that wait for it', async () => {
    world.failing = new Set(['db'])
    world.states = { db: 'running' }
    world.differing = new Set(['db'])
    const { errors } = await world.run({ db: {}, web: { after: ['db'] }, other: {} })
    expect(errors[0]).toContain('Machine db: file:/a: it ended with 3\nno luck')
    expect(errors[0]).toContain('Machine web waits for db, which is not as declared.')
    expect(world.applied().sort()).toEqual(['db', 'other'])
    expect((await world.memory.get('db'))?.detail.resources).toEqual([
      { id: 'file:/a', outcome: 'failed', why: 'it ended with 3' },
    ])
  })

  it('knows a machine that could not be made', async () => {
    world.failing = new Set(['web'])
    expect((await world.run({ web: {} })).errors).toEqual(['web does not start.'])
    expect(await world.memory.get('web')).toMatchObject({ state: 'failed', detail: { why: 'web does not start.' } })
  })

  it('says that a machine is away, and tries it when it is applied', async () => {
    world.states = { web: 'running' }
    world.unreachable = new Set(['web'])
    const { plan, errors } = await world.run({ web: {} })
    expect(plan).toEqual(['update machine web: cannot be reached now: web is away.'])
    expect(errors).toEqual(['web is away.'])
    expect((await world.memory.get('web'))?.state).toBe('unreachable')
  })

  it('looks at no machine for somebody whom nobody has vouched for', async () => {
    const desired = machinesSchema.parse({ web: {} })
    world.waitsFor = new LarderError('FLEET_SECRET_UNKNOWN', { message: 'nobody asks for secrets' })
    const observed = await world.kind.observe(world.contextOf(desired, 'untrusted'), desired)
    expect(world.kind.plan(desired, observed)).toMatchObject([
      { summary: 'not looked at, since nobody here has vouched for this' },
    ])
    expect(world.calls).toEqual([])
  })

  it('plans without what the same run will publish', async () => {
    world.waitsFor = new LarderError('FLEET_MIRROR_UNKNOWN', { message: 'The mirror base has published nothing yet.' })
    const desired = machinesSchema.parse({ web: {} })
    const observed = await world.kind.observe(world.contextOf(desired), desired)
    const [change] = world.kind.plan(desired, observed)
    expect(change?.summary).toBe(
      'made (container), what is on it is known later: The mirror base has published nothing yet.',
    )
    await world.kind.stage(world.contextOf(desired), change!, observed)
    world.waitsFor = new LarderError('FLEET_TEMPLATE_INVALID', { message: 'no such file' })
    await expect(world.kind.observe(world.contextOf(desired), desired)).rejects.toThrow('Machine web: no such file')
  })
})
