import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rollService } from './roll-service.ts'
import { rolloutRoom } from './testing/rollout-room.ts'
import { ServiceWorld, type Fault, type Release } from './testing/service-world.ts'

const names = ['web-1', 'web-2', 'web-3']

interface Roll {
  restart?: boolean
  isBalanced?: boolean
}

/** Brings the service to what is desired now; answers what it failed with. */
async function roll(
  world: ServiceWorld,
  { restart = false, isBalanced = true }: Roll = {},
): Promise<string | undefined> {
  try {
    await rollService(world.targets(), rolloutRoom(world, { restart, isBalanced }))
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/** A service that runs everywhere. */
async function running(release: Release = 'one', options: Roll = {}): Promise<ServiceWorld> {
  const world = new ServiceWorld(names)
  world.desired = release
  expect(await roll(world, options)).toBeUndefined()
  world.calls.length = 0
  return world
}

const releases = (world: ServiceWorld) => [...world.machines.values()].map(({ release }) => release)
const changes = (world: ServiceWorld) =>
  world.calls.filter((call) => /^(drain|retire|apply|ready|restore|restart)/.test(call))

describe('rollService', () => {
  it('brings all up at once where it runs nowhere', async () => {
    const world = await running('one')
    expect(releases(world)).toEqual(['one', 'one', 'one'])
    expect(names.every((name) => world.isUp(name))).toBe(true)
  })

  it('has another unit take the place of what runs it, machine by machine, and that is back where it fails', async () => {
    const world = await running()
    Object.assign(world, { unit: 'other.service', desired: 'two' })
    expect(await roll(world)).toBeUndefined()
    const perMachine = (name: string) => [
      `drain ${name}`,
      `retire what ran before on ${name}`,
      `apply to ${name}`,
      `ready ${name}`,
    ]
    expect(changes(world).slice(3)).toEqual(names.flatMap(perMachine))
    Object.assign(world, { unit: 'third.service', desired: 'bad' })
    expect(await roll(world)).toContain('What ran before is back.')
    expect([...world.machines.values()].map(({ unit, release }) => `${unit} ${release}`)).toEqual(
      names.map(() => 'other.service two'),
    )
    expect(world.violations).toEqual([])
  })

  it('keeps nobody from what is only asked whether it is of use, after a release that was not', async () => {
    const world = await running()
    world.unheard.add('web-2')
    expect(await roll(world)).toBeUndefined()
    expect(changes(world)).toEqual(['apply to web-2', 'apply to web-2', 'ready web-2'])
    expect(names.every((name) => world.isUp(name))).toBe(true)
  })

  it('does nothing where all is as declared', async () => {
    const world = await running()
    expect(await roll(world)).toBeUndefined()
    expect(changes(world)).toEqual([])
    expect(world.calls.filter((call) => call.startsWith('ask the balancer'))).toHaveLength(1)
  })

  it('prepares all, then renews one after the other, each away from its clients', async () => {
    const world = await running()
    world.desired = 'two'
    expect(await roll(world)).toBeUndefined()
    expect(changes(world)).toEqual([
      ...names.map((name) => `apply to ${name}`),
      ...names.flatMap((name) => [`drain ${name}`, `apply to ${name}`, `ready ${name}`]),
    ])
    expect(world.violations).toEqual([])
  })

  it.each<[Release, string]>([
    ['bad', 'Service counter: Machine web-1: container:counter: it is not ready'],
    ['sick', 'Service counter: web-1 is down at its load balancer: no answer, 2 s after it was ready'],
  ])('puts back what ran before, with the reason and the log: %s', async (release, message) => {
    const world = await running()
    world.desired = release
    const failure = await roll(world)
    expect(failure).toContain(message)
    expect(failure).toContain('The last that it said:\nit said why')
    expect(failure).toContain('What ran before is back.')
    expect(releases(world)).toEqual(['one', 'one', 'one'])
    expect(names.every((name) => world.isUp(name))).toBe(true)
    expect(world.calls.filter((call) => call.startsWith('drain'))).toEqual(['drain web-1'])
    expect(world.violations).toEqual([])
  })

  it('renews those first that serve nobody, and leaves the last one that does', async () => {
    const world = await running()
    world.machines.get('web-3')!.isActive = false
    world.beNoticed()
    world.desired = 'sick'
    expect(await roll(world)).toContain('Nothing that was of use ran there before.')
    expect(world.isUp('web-1') && world.isUp('web-2')).toBe(true)
    world.machines.get('web-2')!.isAway = true
    world.desired = 'two'
    expect(await roll(world)).toContain('web-1 is left as it is, so that somebody serves')
    expect(world.isUp('web-1')).toBe(true)
    expect(world.violations).toEqual([])
  })

  it('has one that is alone given back at once, and watches it afterwards', async () => {
    const world = new ServiceWorld(['web-1'])
    expect(await roll(world)).toBeUndefined()
    world.calls.length = 0
    world.desired = 'sick'
    expect(await roll(world)).toContain('web-1 is down at its load balancer: no answer')
    expect(releases(world)).toEqual(['one'])
    expect(world.isUp('web-1')).toBe(true)
    expect(world.violations).toEqual([])
  })

  it('drains and puts back, too, what a load balancer finds down for a moment though it is of use', async () => {
    const world = await running()
    // When all are looked at, and when it is its turn.
    world.machines.get('web-2')!.lateLooks = 2
    world.desired = 'bad'
    expect(await roll(world)).toContain('What ran before is back.')
    expect(changes(world).slice(3, 6)).toEqual(['drain web-2', 'apply to web-2', 'restore web-2'])
    expect(releases(world)).toEqual(['one', 'one', 'one'])
    expect(names.every((name) => world.isUp(name))).toBe(true)
    expect(world.violations).toEqual([])
  })

  it('leaves alone what somebody has taken away by hand, and gives back what was left drained', async () => {
    const world = await running()
    world.machines.get('web-1')!.isTakenByHand = true
    world.machines.get('web-2')!.isDrained = true
    expect(await roll(world)).toBeUndefined()
    expect(changes(world)).toEqual(['apply to web-2', 'ready web-2'])
    world.desired = 'two'
    expect(await roll(world)).toContain('web-1 is taken away by hand at its load balancer')
    expect(releases(world)).toEqual(['two', 'one', 'one'])
  })

  it('begins all anew in turn, where that is asked for', async () => {
    const world = await running()
    expect(await roll(world, { restart: true })).toBeUndefined()
    expect(world.calls.filter((call) => /^(drain|restart)/.test(call))).toEqual(
      names.flatMap((name) => [`drain ${name}`, `restart ${name}`]),
    )
  })

  it('goes one after the other without a load balancer, too', async () => {
    const world = await running('one', { isBalanced: false })
    world.desired = 'bad'
    expect(await roll(world, { isBalanced: false })).toContain('What ran before is back.')
    world.desired = 'two'
    world.machines.get('web-3')!.isAway = true
    expect(await roll(world, { isBalanced: false })).toContain('web-3 is away')
    expect(releases(world)).toEqual(['one', 'one', 'one'])
  })

  it('never takes a machine from its clients while another is not up, and ends with one release, whatever happens', async () => {
    const fault = fc.record({
      at: fc.nat(60),
      fault: fc.constantFrom<Fault>('kill', 'balancer away', 'host away', 'lost', 'stop'),
      machine: fc.constantFrom(...names),
    })
    const attempt = fc.record({
      desired: fc.constantFrom<Release>('one', 'two', 'three', 'bad', 'sick'),
      faults: fc.array(fault, { maxLength: 3 }),
      restart: fc.boolean(),
      unit: fc.constantFrom('counter.service', 'other.service'),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(attempt, { maxLength: 6 }), async (attempts) => {
        const world = await running()
        for (const { desired, faults, restart, unit } of attempts) {
          Object.assign(world, { desired, unit })
          for (const { at, fault: what, machine } of faults) world.faults.set(at, { fault: what, machine })
          await roll(world, { restart })
          world.recover()
        }
        world.desired = 'three'
        world.beNoticed()
        expect(await roll(world)).toBeUndefined()
        expect(world.violations).toEqual([])
        expect(releases(world)).toEqual(['three', 'three', 'three'])
        expect([...world.machines.values()].every(({ unit }) => unit === world.unit)).toBe(true)
        expect([...world.machines.values()].filter(({ isDrained, kept }) => isDrained || kept !== undefined)).toEqual(
          [],
        )
        expect(names.every((name) => world.isUp(name))).toBe(true)
      }),
      { numRuns: 300 },
    )
  })
})
