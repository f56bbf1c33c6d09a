import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LarderError, silentProgress, systemClock, type Change, type KindContext } from '../../core/index.ts'
import { memoryFiles } from '../../core/testing/memory-files.ts'
import { openDatabase, type State } from '../../state/index.ts'
import type { ConvergeTarget, HostPlan, HostResult } from '../converge/host-plan.ts'
import type { Host } from '../host/host.ts'
import type { MachineState, Place } from '../place/place.ts'
import type { Resource } from '../resource/resource-type.ts'
import { createMachineKind, type MachineKind } from './machine-kind.ts'
import type { MachineKindOptions } from './machine-kind-options.ts'
import { createMachineMemory, type MachineMemory } from './machine-memory.ts'
import { machinesSchema, type MachinesConfig } from './machine-schema.ts'

const facts = {
  os: 'debian',
  family: 'debian',
  version: '12',
  codename: 'bookworm',
  machine: 'x86_64',
  hostname: 'x',
  hasSystemd: true,
} as const

let state: State
let memory: MachineMemory
/** What was done, in its order. */
let calls: string[]
let states: Record<string, MachineState>
/** Machines on which something differs. */
let differing: Set<string>
let failing: Set<string>
let unreachable: Set<string>
let limit: string[] | undefined
let waitsFor: LarderError | undefined
/** Machines that use the mirror `base`. */
let clients: Set<string>
let kind: MachineKind
beforeEach(async () => {
  state = await openDatabase({ path: ':memory:', clock: systemClock })
  memory = createMachineMemory(state, systemClock)
  calls = []
  states = {}
  differing = new Set()
  failing = new Set()
  unreachable = new Set()
  limit = undefined
  waitsFor = undefined
  clients = new Set()
  kind = createMachineKind(options())
})
afterEach(() => state.close())

function options(): MachineKindOptions {
  const place: Place = {
    at: 'container',
    unusable: async () => undefined,
    observe: async ({ name }) => {
      calls.push(`observe ${name}`)
      return states[name] ?? 'absent'
    },
    bringUp: async ({ name, base }) => {
      calls.push(`bring up ${name} from ${base?.path ?? 'nothing'}`)
      if (failing.has(name)) throw new LarderError('FLEET_MACHINE_FAILED', { message: `${name} does not start.` })
      states[name] = 'running'
    },
    remove: async ({ name }) => {
      calls.push(`remove ${name}`)
    },
    host: ({ name }) => ({ name }) as Host,
  }
  const away = (name: string) => new LarderError('FLEET_HOST_UNREACHABLE', { message: `${name} is away.` })
  const planOne = ({ machine }: ConvergeTarget): HostPlan => {
    calls.push(`look at ${machine}`)
    if (unreachable.has(machine)) return { machine, unreachable: away(machine) }
    const differences = [{ what: 'content', from: 'old', to: 'new' }]
    const changed = { id: 'file:/a', state: 'change' as const, differences, why: undefined }
    const same = { id: 'file:/a', state: 'ok' as const, differences: [], why: undefined }
    return { machine, facts, entries: [differing.has(machine) ? changed : same] }
  }
  const applyOne = async ({ machine }: ConvergeTarget): Promise<HostResult> => {
    calls.push(`apply ${machine}`)
    // However slow this machine is.
    if (machine === 'slow') await expect.poll(() => calls).toContain('applied web')
    calls.push(`applied ${machine}`)
    if (unreachable.has(machine)) return { machine, unreachable: away(machine) }
    if (failing.has(machine)) {
      return {
        machine,
        facts,
        entries: [{ id: 'file:/a', outcome: 'failed', why: 'it ended with 3', log: 'no luck\n' }],
      }
    }
    return { machine, facts, entries: [{ id: 'file:/a', outcome: 'changed', why: undefined, log: '' }] }
  }
  return {
    memory,
    place: async () => place,
    credentials: async () => ({ hostKey: { privateKey: '', publicLine: '' }, authorizedKey: '' }),
    base: async ({ mirror }) => ({ path: mirror, digest: 'sha256:0' }),
    room: () => ({
      secret: async () => '',
      mirror: async (name) => ({ format: 'apt', name, source: '', keys: [], snapshot: 1 }),
      image: async () => Promise.reject(new Error('nobody asks')),
      login: async () => undefined,
      authority: async () => undefined,
    }),
    certify: () => Promise.reject(new Error('nothing is certified here')),
    resolve: async ({ name }, room) => {
      if (waitsFor !== undefined) throw waitsFor
      if (clients.has(name)) await room.mirror('base')
      return [{ id: 'file:/a' } as Resource]
    },
    plan: async (targets) => targets.map(planOne),
    apply: (targets) => Promise.all(targets.map(applyOne)),
    limitOf: async () => limit,
  }
}

function contextOf(machines: MachinesConfig, trust: KindContext['trust'] = 'trusted'): KindContext {
  return {
    files: memoryFiles({}),
    clock: systemClock,
    progress: silentProgress,
    signal: new AbortController().signal,
    site: { machines, mirrors: { base: {} } },
    siteName: 'lab',
    runId: '7',
    freshForMs: 0,
    trust,
  }
}

/** As a run does: plan, stage all, switch all. What a plan said, and what a switch failed with. */
async function run(declared: object, planned: Change[] = []): Promise<{ plan: string[]; errors: string[] }> {
  const desired = machinesSchema.parse(declared)
  const context = contextOf(desired)
  const observed = await kind.observe({ ...context, planned }, desired)
  const changes = kind.plan(desired, observed)
  const staged = []
  for (const change of changes) staged.push(await kind.stage(context, change, observed))
  const errors: string[] = []
  for (const one of staged) {
    await kind.switch(context, one).catch((error: unknown) => errors.push((error as Error).message))
  }
  return { plan: changes.map(({ subject, action, summary }) => `${action} ${subject}: ${summary}`), errors }
}

const applied = (): string[] => calls.filter((call) => call.startsWith('applied ')).map((call) => call.slice(8))

describe('the kind machines', () => {
  it('converges the clients of a mirror that the same run publishes', async () => {
    states = { a: 'running', b: 'running' }
    clients = new Set(['a'])
    const planned = [{ subject: 'mirror base', action: 'update' as const, summary: '', detail: null }]
    const { plan } = await run({ a: {}, b: {} }, planned)
    expect(plan).toEqual(['update machine a: what mirror base brings; 1 as declared'])
    expect((await run({ a: {}, b: {} })).plan).toEqual([])
  })

  it('makes what is not there, and remembers it', async () => {
    const { plan, errors } = await run({ web: {} })
    expect(plan).toEqual(['create machine web: made (container), then 1 resource'])
    expect(errors).toEqual([])
    expect(calls).toContain('bring up web from base')
    expect(await memory.list()).toMatchObject([{ name: 'web', state: 'converged', detail: { os: 'debian 12', ok: 1 } }])
  })

  it('plans nothing for machines that are as declared, with one look', async () => {
    states = { web: 'running' }
    expect(await run({ web: {} })).toEqual({ plan: [], errors: [] })
    expect(calls).toEqual(['observe web', 'look at web'])
  })

  it('tells differences', async () => {
    states = { web: 'running' }
    differing = new Set(['web'])
    expect((await run({ web: {} })).plan).toEqual(['update machine web: file:/a (content); 0 as declared'])
  })

  it('starts what stands still, and makes again what is another', async () => {
    states = { a: 'stopped', b: 'other' }
    const { plan } = await run({ a: {}, b: {} })
    expect(plan[0]).toContain('update machine a: started')
    expect(plan[1]).toContain('update machine b: removed and made again')
  })

  it('begins with a machine when those that it waits for are ready, and waits for no other', async () => {
    await run({ slow: {}, db: {}, web: { after: ['db'] }, lb: { after: ['web', 'slow'] } })
    expect(applied()).toEqual(['db', 'web', 'slow', 'lb'])
  })

  it('finishes all others when one fails, and leaves those that wait for it', async () => {
    failing = new Set(['db'])
    states = { db: 'running' }
    differing = new Set(['db'])
    const { errors } = await run({ db: {}, web: { after: ['db'] }, other: {} })
    expect(errors[0]).toContain('Machine db: file:/a: it ended with 3\nno luck')
    expect(errors[0]).toContain('Machine web waits for db, which is not as declared.')
    expect(applied().sort()).toEqual(['db', 'other'])
    expect((await memory.get('db'))?.detail.resources).toEqual([
      { id: 'file:/a', outcome: 'failed', why: 'it ended with 3' },
    ])
  })

  it('knows a machine that could not be made', async () => {
    failing = new Set(['web'])
    expect((await run({ web: {} })).errors).toEqual(['web does not start.'])
    expect(await memory.get('web')).toMatchObject({ state: 'failed', detail: { why: 'web does not start.' } })
  })

  it('says that a machine is away, and tries it when it is applied', async () => {
    states = { web: 'running' }
    unreachable = new Set(['web'])
    const { plan, errors } = await run({ web: {} })
    expect(plan).toEqual(['update machine web: cannot be reached now: web is away.'])
    expect(errors).toEqual(['web is away.'])
    expect((await memory.get('web'))?.state).toBe('unreachable')
  })

  it('looks at no machine for somebody whom nobody has vouched for', async () => {
    const desired = machinesSchema.parse({ web: {} })
    waitsFor = new LarderError('FLEET_SECRET_UNKNOWN', { message: 'nobody asks for secrets' })
    const observed = await kind.observe(contextOf(desired, 'untrusted'), desired)
    expect(kind.plan(desired, observed)).toMatchObject([
      { summary: 'not looked at, since nobody here has vouched for this' },
    ])
    expect(calls).toEqual([])
  })

  it('plans without what the same run will publish', async () => {
    waitsFor = new LarderError('FLEET_MIRROR_UNKNOWN', { message: 'The mirror base has published nothing yet.' })
    const desired = machinesSchema.parse({ web: {} })
    const observed = await kind.observe(contextOf(desired), desired)
    const [change] = kind.plan(desired, observed)
    expect(change?.summary).toBe(
      'made (container), what is on it is known later: The mirror base has published nothing yet.',
    )
    await kind.stage(contextOf(desired), change!, observed)
    waitsFor = new LarderError('FLEET_TEMPLATE_INVALID', { message: 'no such file' })
    await expect(kind.observe(contextOf(desired), desired)).rejects.toThrow('Machine web: no such file')
  })

  it('removes what is not declared any more, but no host that existed before', async () => {
    await run({ web: {}, old: { at: 'ssh', ssh: { address: 'old.example.org' } } })
    differing = new Set(['old'])
    await run({ old: { at: 'ssh', ssh: { address: 'old.example.org' } } })
    expect(calls).toContain('remove web')
    expect((await run({})).plan).toEqual(['remove machine old: not declared any more: left as it is'])
    expect(calls).not.toContain('remove old')
    expect(await memory.list()).toEqual([])
  })

  it('is about the machines that a run is limited to, and leaves all others', async () => {
    await run({ gone: {} })
    limit = ['web']
    const { plan } = await run({ web: {}, other: {} })
    expect(plan).toHaveLength(1)
    expect(applied()).toEqual(['gone', 'web'])
    expect((await memory.list()).map(({ name }) => name)).toEqual(['gone', 'web'])
  })
})
