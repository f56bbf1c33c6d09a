import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LarderError, silentProgress, systemClock, type Change, type KindContext } from '../../core/index.ts'
import { FakeClock } from '../../core/testing/fake-clock.ts'
import { memoryFiles } from '../../core/testing/memory-files.ts'
import { openDatabase, type State } from '../../state/index.ts'
import type { Host } from '../host/host.ts'
import { machinesSchema } from '../machine/machine-schema.ts'
import type { MachineState, Place } from '../place/place.ts'
import type { Script } from '../shell/script.ts'
import { createServiceKind } from './service-kind.ts'
import type { ServiceTarget } from './look-at-service.ts'
import { createServiceMemory, type ServiceMemory } from './service-memory.ts'
import { servicesSchema } from './service-schema.ts'
import { servingOf } from './testing/serving-of.ts'
import { ServiceWorld } from './testing/service-world.ts'

let state: State
let memory: ServiceMemory
let world: ServiceWorld
/** What was run on machines beside looks and applies. */
/** Machines that the service was taken from. */
let left: string[]
let states: Record<string, MachineState>
let limit: string[] | undefined
let restarted: string | undefined
/** Machines that are left to services to be made again. */
let serving: string[]
let unpublished: boolean
/** How long releases have, as applies were told last. */
let readyWithinMs: number | undefined
beforeEach(async () => {
  state = await openDatabase({ path: ':memory:', clock: systemClock })
  memory = createServiceMemory(state, systemClock, (text) => text)
  world = new ServiceWorld(['web-1', 'web-2'])
  left = []
  states = {}
  limit = undefined
  restarted = undefined
  serving = []
  unpublished = false
  readyWithinMs = undefined
})
afterEach(() => state.close())

/** A machine of the world, as far as scripts tell what they are about. */
function hostOf(name: string): Host {
  const machine = world.machines.get(name)
  const answer = async ({ shell }: Script): Promise<string> => {
    if (shell.includes('|| echo begun')) {
      const { isActive, isBegun } = await world.kept.look({ name } as Host, wanted)
      return `${isActive ? 'active\n' : ''}${isBegun ? 'begun\n' : ''}`
    }
    if (shell.includes('cp -p --parents'))
      await world.kept.keep({ name } as Host, wanted, { formers: [], isGood: true })
    else if (shell.includes('larder-new')) await world.kept.restore({ name } as Host, unit)
    else if (shell.startsWith('rm -rf')) await world.kept.settle({ name } as Host, unit)
    else if (shell.includes('journalctl')) return 'it said why\n'
    else if (shell.includes('systemctl disable')) {
      left.push(name)
      if (machine !== undefined) machine.isActive = false
    }
    return ''
  }
  return {
    name,
    run: async (script) => ({ code: 0, stdout: Buffer.from(await answer(script)), stderr: '' }),
    close: async () => {},
  }
}
const unit = { service: 'counter', unit: 'counter.service' }
const wanted = { ...unit, isContainer: true, wasContainer: true }

const image = async (): Promise<{ reference: string; digest: string; version: string }> => {
  if (unpublished) throw new LarderError('FLEET_IMAGE_UNKNOWN', { message: 'No version of counter is published.' })
  return { reference: `registry.example.org/counter@sha256:${world.desired}`, digest: '', version: world.desired }
}

function kind() {
  const place = {
    observe: async ({ name }: { name: string }) => states[name] ?? 'running',
    host: ({ name }: { name: string }) => hostOf(name),
  } as unknown as Place
  return createServiceKind({
    memory,
    balancer: world.balancer,
    image,
    registry: async () => ({ host: 'registry.example.org', authority: undefined, isPlain: false }),
    room: () => ({
      secret: async () => 's',
      mirror: () => Promise.reject(new Error('nobody asks')),
      login: async () => undefined,
      authority: async () => undefined,
    }),
    restartOf: async () => restarted,
    serving: () => servingOf(world, serving),
    machines: {
      memory: { list: async () => [] } as never,
      ownAddresses: async () => new Map(),
      place: async () => place,
      plan: (targets) => world.plan(targets as readonly ServiceTarget[]),
      apply: async (targets, { readyMs }) => {
        readyWithinMs = readyMs
        const prepares = targets.every(({ resources }) => resources.every(({ type }) => type.name !== 'container'))
        if (!prepares) return world.apply(worldTargets(targets.map(({ machine }) => machine)))
        return targets.map(({ machine }) => ({ machine, facts: {} as never, entries: [] }))
      },
      limitOf: async () => limit,
      resolve: async () => [],
      certify: () => Promise.reject(new Error('nobody asks')),
      room: () => ({}) as never,
    },
  })
}

const worldTargets = (names: readonly string[]) => world.targets().filter(({ machine }) => names.includes(machine))

interface Asked {
  services?: object
  planned?: Change[]
  trust?: KindContext['trust']
}

const counter = { image: 'counter', machines: ['web-1', 'web-2'], port: 8080, balance: { on: ['lb'] } }

function contextOf({ services = { counter }, planned = [], trust = 'trusted' }: Asked): KindContext {
  const machines = machinesSchema.parse({ 'web-1': {}, 'web-2': {}, lb: {} })
  return {
    files: memoryFiles({}),
    clock: new FakeClock(),
    progress: silentProgress,
    signal: new AbortController().signal,
    site: { machines, services: servicesSchema.parse(services) },
    siteName: 'lab',
    runId: '7',
    freshForMs: 0,
    planned,
    trust,
  }
}

/** As a run does: plan, stage all, switch all, verify. */
async function run(asked: Asked = {}): Promise<{ plan: string[]; errors: string[] }> {
  const services = kind()
  const context = contextOf(asked)
  const desired = servicesSchema.parse(asked.services ?? { counter })
  const observed = await services.observe(context, desired)
  const changes = services.plan(desired, observed)
  const errors: string[] = []
  for (const change of changes) {
    const staged = JSON.parse(JSON.stringify(await services.stage(context, change, observed))) as never
    await services.switch(context, staged).catch((error: unknown) => errors.push((error as Error).message))
    if (errors.length === 0) expect(await services.verify(context, staged)).toEqual([])
  }
  return { plan: changes.map(({ subject, action, summary }) => `${action} ${subject}: ${summary}`), errors }
}

describe('the kind services', () => {
  it('begins on all machines where nothing runs, and plans nothing afterwards', async () => {
    const { plan, errors } = await run()
    expect(errors).toEqual([])
    expect(plan).toEqual(['create service counter: one on web-1, web-2, side by side'])
    expect(await memory.list()).toMatchObject([
      { name: 'counter', machine: 'web-1', state: 'ready', version: 'one', runId: 7 },
      { name: 'counter', machine: 'web-2', state: 'ready', version: 'one', runId: 7 },
    ])
    expect(await run()).toEqual({ plan: [], errors: [] })
  })

  it('says from which to which version, and in which order', async () => {
    await run()
    world.desired = 'two'
    const { plan, errors } = await run()
    expect(errors).toEqual([])
    expect(plan).toEqual(['update service counter: one → two on web-1, web-2, one after the other'])
    expect((await memory.list()).map(({ version }) => version)).toEqual(['two', 'two'])
  })

  it('keeps what a release failed with, and what runs in its place', async () => {
    await run()
    world.desired = 'bad'
    const { errors } = await run()
    expect(errors[0]).toContain('it said why')
    expect(await memory.list()).toMatchObject([
      { machine: 'web-1', state: 'failed', version: 'one', why: expect.stringContaining('it is not ready') },
      { machine: 'web-2', state: 'ready', version: 'one' },
    ])
  })

  it('gives a release the time that the service says, to be ready and to be found up', async () => {
    const balance = { on: ['lb'], up_timeout: '5s' }
    const patient = { counter: { ...counter, ready_timeout: '5m', balance } }
    await run({ services: patient })
    expect(readyWithinMs).toBe(300_000)
    world.desired = 'sick'
    const { errors } = await run({ services: patient })
    expect(errors[0]).toContain('web-1 is down at its load balancer: no answer, 5 s after it was ready')
    await run()
    expect(readyWithinMs).toBe(60_000)
  })

  it('waits for what the same run makes or publishes, and looks at nothing for who is not trusted', async () => {
    const summaries = async (asked: Asked) => {
      const services = kind()
      const desired = servicesSchema.parse({ counter })
      const observed = await services.observe(contextOf(asked), desired)
      return services.plan(desired, observed).map(({ summary }) => summary)
    }
    unpublished = true
    expect(await summaries({})).toEqual(['known once what it needs is there: No version of counter is published.'])
    unpublished = false
    const planned: Change[] = [{ subject: 'image counter', action: 'update', summary: '', detail: null }]
    expect(await summaries({ planned })).toEqual(['known once what it needs is there: image counter'])
    states = { lb: 'absent' }
    expect(await summaries({})).toEqual(['known once what it needs is there: machine lb'])
    world.calls.length = 0
    expect(await summaries({ trust: 'untrusted' })).toEqual(['not looked at, since nobody here has vouched for this'])
    expect(world.calls).toEqual([])
  })

  it('takes from a machine what is not declared there any more', async () => {
    await run()
    const one = { ...counter, machines: ['web-1'] }
    const { plan, errors } = await run({ services: { counter: one } })
    expect(errors).toEqual([])
    expect(plan).toEqual(['remove service counter on web-2: not declared there any more: stopped, and removed'])
    expect(left).toEqual(['web-2'])
    expect((await memory.list()).map(({ machine }) => machine)).toEqual(['web-1'])
    await run({ services: {} })
    expect(await memory.list()).toEqual([])
  })

  it('takes what leaves a machine from it before another service comes to it, which may need its port', async () => {
    await run()
    const { plan } = await run({ services: { other: { ...counter, machines: ['web-2'] } } })
    expect(plan.map((one) => one.split(':')[0])).toEqual([
      'remove service counter on web-2',
      'remove service counter on web-1',
    ])
  })

  it('begins anew what a run was asked for, and is about nothing else', async () => {
    await run()
    restarted = 'counter'
    expect((await run({ services: { counter, other: { ...counter, port: 81 } } })).plan).toEqual([
      'update service counter: one, begun anew on web-1, web-2, one after the other',
    ])
    restarted = undefined
    limit = ['db']
    world.desired = 'two'
    expect((await run()).plan).toEqual([])
  })

  it('has machines made again that are left to it, one after the other, and none after one that failed', async () => {
    await run()
    states = { 'web-1': 'other', 'web-2': 'other' }
    serving = ['web-1', 'web-2']
    world.desired = 'two'
    world.calls.length = 0
    expect(await run()).toEqual({
      plan: ['update service counter: known once what it needs is there: machine web-1'],
      errors: [],
    })
    const isChange = (call: string) => /^(drain|make|apply to|ready)/.test(call)
    const turn = (name: string) => [`drain ${name}`, `make ${name} again`, `apply to ${name}`, `ready ${name}`]
    expect(world.calls.filter(isChange)).toEqual([...turn('web-1'), ...turn('web-2')])
    expect((await memory.list()).map(({ version }) => version)).toEqual(['two', 'two'])
    world.desired = 'bad'
    const { errors } = await run()
    expect(errors[0]).toContain('Nothing that was of use ran there before.')
    expect(world.isUp('web-2')).toBe(true)
    expect(world.violations).toEqual([])
  })

  it('has a machine made again though a service that is not on it fails, and not where one that is on it does', async () => {
    const other = { ...counter, machines: ['web-2'], port: 81, balance: undefined }
    const services = { counter: { ...counter, machines: ['web-1'] }, other }
    await run({ services })
    states = { 'web-1': 'other' }
    serving = ['web-1']
    world.machines.get('web-2')!.isAway = true
    world.calls.length = 0
    expect((await run({ services })).errors[0]).toBe('web-2 is away.')
    expect(world.calls).toContain('make web-1 again')
    world.calls.length = 0
    expect((await run()).errors[0]).toBe('web-2 is away.')
    expect(world.calls).not.toContain('make web-1 again')
  })

  it('has one made again at once that serves nobody, for which the others wait', async () => {
    await run()
    states = { 'web-1': 'other' }
    serving = ['web-1']
    world.machines.get('web-1')!.isActive = false
    world.beNoticed()
    world.desired = 'two'
    expect((await run()).errors).toEqual([])
    expect((await memory.list()).map(({ version }) => version)).toEqual(['two', 'two'])
    expect(world.violations).toEqual([])
  })

  it('finishes one service when another one fails, and knows again what has become as declared', async () => {
    await run()
    world.desired = 'two'
    world.machines.get('web-1')!.isAway = true
    const services = { counter, other: { ...counter, machines: ['web-2'], port: 81, balance: undefined } }
    const { errors } = await run({ services })
    expect(errors[0]).toContain('web-2 is left as it is, so that somebody serves: web-1 is down')
    expect(await memory.list()).toMatchObject([
      { name: 'counter', machine: 'web-1', state: 'ready', version: 'one' },
      { name: 'counter', machine: 'web-2', state: 'failed', version: 'one' },
      { name: 'other', machine: 'web-2', state: 'ready', version: 'two' },
    ])
    world.machines.get('web-1')!.isAway = false
    expect((await run({ services })).plan).toEqual(['update service counter: one → two on web-1'])
    expect((await memory.list())[1]).toMatchObject({ machine: 'web-2', state: 'ready', version: 'two', why: undefined })
  })
})
