import { afterEach, beforeEach, expect, it } from 'vitest'
import { LarderError, silentLog, systemClock } from '../../core/index.ts'
import { FakeClock } from '../../core/testing/fake-clock.ts'
import { memoryFiles } from '../../core/testing/memory-files.ts'
import { createMachineMemory, type HostPlan, type MachineKindOptions, type MachineMemory } from '../../fleet/index.ts'
import { machinesSchema } from '../../fleet/machine/machine-schema.ts'
import { servicesSchema } from '../../fleet/service/service-schema.ts'
import { createRunStore, type RunStore } from '../../pipeline/index.ts'
import { openDatabase, type State } from '../../state/index.ts'
import type { ControllerContext } from '../controller/context.ts'
import { driftRound, type DriftRoundOptions, type MachineDrift } from './drift-round.ts'
import { createPatience } from './patience.ts'
import { plainFacts as facts } from '../../fleet/testing/plain-facts.ts'

type Found = 'as declared' | 'different' | 'away' | 'absent'

let state: State
let memory: MachineMemory
let runs: RunStore
let head: { commit: string; machines: object } | undefined
/** The section of that name. */
let services: object
let found: Record<string, Found>
let told: MachineDrift[]
let clock: FakeClock
/** Happens while machines are looked at. */
let meanwhile: () => Promise<unknown>
let round: DriftRoundOptions

beforeEach(async () => {
  state = await openDatabase({ path: ':memory:', clock: systemClock })
  memory = createMachineMemory(state, systemClock, (text) => text)
  runs = createRunStore(state, systemClock)
  head = { commit: 'c1', machines: { a: {}, b: {}, told: { drift: 'report' } } }
  services = {}
  found = {}
  told = []
  clock = new FakeClock()
  meanwhile = async () => undefined
  const onDrift = async (drift: MachineDrift) => void told.push(drift)
  round = { context: createContext(), patience: createPatience(clock, 60_000), onDrift }
  for (const name of ['a', 'b', 'told']) {
    const detail = { address: undefined, os: 'debian 12', ok: 1, resources: [], why: undefined }
    const about = { name, place: 'container', identity: '', runId: 1, hasChanged: true } as const
    await memory.report({ ...about, state: 'converged', detail })
  }
  await applied()
})
afterEach(() => state.close())

async function applied(commit = 'c1'): Promise<void> {
  const run = await runs.create({ branch: 'main', commit, goal: 'apply', origin: 'push' })
  await runs.start(run.id)
  await runs.finish(run.id, { state: 'succeeded' })
}

function planOf(machine: string): HostPlan {
  const message = `${machine} is away.`
  if (found[machine] === 'away') return { machine, unreachable: new LarderError('FLEET_HOST_UNREACHABLE', { message }) }
  const isSame = found[machine] !== 'different'
  const differences = isSame ? [] : [{ what: 'content' }]
  return { machine, facts, entries: [{ id: 'file:/a', state: isSame ? 'ok' : 'change', differences, why: undefined }] }
}

function createContext(): ControllerContext {
  const options = {
    memory,
    ownAddresses: async () => new Map(),
    place: async () => ({
      observe: async ({ name }: { name: string }) => (found[name] === 'absent' ? 'absent' : 'running'),
      host: () => ({ run: async () => ({ code: 0, stdout: Buffer.from('active\n'), stderr: '' }) }),
    }),
    room: () => ({ mirror: async () => ({}) }),
    resolve: async (_machine: object, room: { mirror(name: string): Promise<unknown> }) => {
      await room.mirror('base')
      return []
    },
    plan: async (targets: readonly { machine: string; resources: readonly object[] }[]) => {
      await meanwhile()
      // Nothing else is declared on these machines.
      const isService = targets.every(({ resources }) => resources.length > 0)
      return targets.map(({ machine }) => ({ ...planOf(isService ? `service on ${machine}` : machine), machine }))
    },
    limitOf: async () => undefined,
  } as unknown as MachineKindOptions
  return {
    runs,
    clock,
    log: silentLog,
    stopping: new AbortController().signal,
    runner: { wake: () => undefined },
    siteHead: {
      current: async () =>
        head && {
          commit: head.commit,
          files: memoryFiles({}),
          site: {
            name: 'lab',
            sections: {
              mirrors: { base: {} },
              machines: machinesSchema.parse(head.machines),
              services: servicesSchema.parse(services),
            },
          },
        },
    },
    fleet: {
      memory,
      options,
      kinds: [{ section: 'network' }, { section: 'machines' }],
      services: servicesOf(options),
    },
  } as unknown as ControllerContext
}

function servicesOf(machines: MachineKindOptions) {
  const list = async () => Object.keys(services).map((name) => ({ name, machine: 'a' }))
  const registry = async () => ({ host: 'registry.example.org', authority: undefined, isPlain: false })
  const own = { list, report: async () => undefined }
  return {
    memory: own,
    options: { memory: own, machines, registry, room: () => ({}), restartOf: async () => undefined },
  }
}

/** What the runs are about that are not about all. */
const limits = async () => (await runs.list({ limit: 50 })).flatMap(({ only }) => only ?? [])

const states = async () => Object.fromEntries((await memory.list()).map(({ name, state: one }) => [name, one]))

it('a machine that is to move is remembered where it is', async () => {
  head = { commit: 'c1', machines: { a: { at: 'vm' }, b: {}, told: { drift: 'report' } } }
  await driftRound(round)
  expect(await memory.get('a')).toMatchObject({ state: 'different', place: 'container' })
})

it('a machine that no run had to touch is known once it was seen as declared, and looked after from then on', async () => {
  head = { commit: 'c1', machines: { same: { at: 'local' }, other: { at: 'ssh', ssh: { address: 'h' } } } }
  await applied()
  found = { other: 'different' }
  expect(await driftRound(round)).toBe('clean')
  expect(await memory.get('same')).toMatchObject({ state: 'converged', runId: undefined, changedAt: undefined })
  // What was never applied is not for us to apply.
  expect(await memory.get('other')).toBeUndefined()
  found = { same: 'different' }
  expect(await driftRound(round)).toBe('different')
  expect(await limits()).toEqual([{ machines: ['same'] }])
})

it('where all is as declared, nothing is done but to note it', async () => {
  expect(await driftRound(round)).toBe('clean')
  expect(await runs.waiting()).toEqual([])
  expect(told).toEqual([])
})

it('what differs or is gone is put back by one run of the fleet, on those machines alone', async () => {
  found = { a: 'different', b: 'absent', told: 'different' }
  expect(await driftRound(round)).toBe('different')
  expect(await runs.waiting()).toMatchObject([
    {
      id: 2,
      commit: 'c1',
      goal: 'apply',
      origin: 'drift',
      sections: ['network', 'machines'],
      only: { machines: ['a', 'b'] },
    },
  ])
  expect(told.map(({ machine, run }) => [machine, run])).toEqual([
    ['a', 2],
    ['b', 2],
    ['told', undefined],
  ])
  expect(await states()).toEqual({ a: 'different', b: 'different', told: 'different' })
  expect((await memory.get('b'))?.detail).toMatchObject({ os: 'debian 12', why: 'It is gone.' })
})

it('a service that is not as declared is put back by a run on its machines, less and less often', async () => {
  services = { web: { unit: 'nginx.service', machines: ['a', 'told'], port: 80 } }
  found = { 'service on a': 'different', 'service on told': 'different' }
  expect(await driftRound(round)).toBe('different')
  expect(await runs.waiting()).toMatchObject([{ id: 2, origin: 'drift', only: { machines: ['a'] } }])
  await runs.start(2)
  await runs.finish(2, { state: 'failed' })
  expect(await driftRound(round)).toBe('different')
  expect(await runs.waiting()).toEqual([])
})

it('a machine that is away is told of, and no run is made for it', async () => {
  found = { a: 'away' }
  expect(await driftRound(round)).toBe('unreachable')
  expect(await runs.waiting()).toEqual([])
  expect(told).toEqual([{ machine: 'a', state: 'unreachable', why: 'a is away.', run: undefined }])
  await driftRound(round)
  expect(told).toHaveLength(1)
})

it('learns where machines came from that were made before that was kept in mind', async () => {
  found = { b: 'away' }
  await driftRound(round)
  expect((await memory.list()).map(({ name, base }) => [name, base])).toEqual([
    ['a', 'base'],
    ['b', undefined],
    ['told', 'base'],
  ])
})

it('what is told of once is told of again when the machine was as declared in between, though no round saw that', async () => {
  found = { told: 'different' }
  await driftRound(round)
  await driftRound(round)
  expect(told).toHaveLength(1)
  const { detail, ...about } = (await memory.get('told'))!
  await memory.report({ ...about, state: 'converged', detail: { ...detail, why: undefined }, hasChanged: true })
  await driftRound(round)
  expect(told).toHaveLength(2)
})

it('a commit that cannot be read keeps nothing from being put back', async () => {
  const broken = await runs.create({ branch: 'main', commit: 'broken', goal: 'apply', origin: 'push' })
  await runs.start(broken.id)
  await runs.finish(broken.id, { state: 'failed', error: { code: 'SITE_INVALID', message: 'It has errors.' } })
  found = { a: 'different' }
  expect(await driftRound(round)).toBe('different')
  expect(await limits()).toEqual([{ machines: ['a'] }])
})

it('what a merge replaces that came while drift was looked at is not brought back', async () => {
  found = { a: 'different' }
  const { memory: remembered } = round.context.fleet
  round.context.fleet.memory = {
    ...remembered,
    report: async (machine) => {
      await remembered.report(machine)
      if (machine.name === 'told') await runs.create({ branch: 'main', commit: 'c2', goal: 'apply', origin: 'push' })
    },
  }
  expect(await driftRound(round)).toBe('busy')
  expect(await limits()).toEqual([])
})

it('what no healing helps is tried less and less often', async () => {
  found = { a: 'different' }
  const healed: number[] = []
  for (let minute = 0; minute < 16; minute++) {
    await driftRound(round)
    for (const { id } of await runs.waiting()) {
      healed.push(minute)
      await runs.start(id)
      await runs.finish(id, { state: 'failed' })
    }
    clock.advance(60_000)
  }
  expect(healed).toEqual([0, 1, 3, 7, 15])
})

it('who uses a mirror that was published converges, also where drift is only told of', async () => {
  found = { b: 'away' }
  await driftRound(round, ['mirror base'])
  expect(await limits()).toEqual([{ machines: ['a', 'told'] }])
  expect(told.map(({ machine }) => machine)).toEqual(['b'])
})

it.each<[string, () => Promise<unknown>]>([
  ['there is no main', async () => (head = undefined)],
  ['main has moved, and nobody has applied it yet', async () => (head = { commit: 'c2', machines: {} })],
  [
    'the apply of main was cancelled',
    async () => {
      head = { commit: 'c2', machines: { a: {}, b: {}, told: {} } }
      const { id } = await runs.create({ branch: 'main', commit: 'c2', goal: 'apply', origin: 'push' })
      await runs.cancelWaiting(id)
    },
  ],
  ['an apply waits', () => runs.create({ branch: 'main', commit: 'c1', goal: 'apply', origin: 'sync' })],
  [
    'an apply begins during the look',
    async () => {
      meanwhile = () => runs.create({ branch: 'main', commit: 'c1', goal: 'apply', origin: 'sync' })
    },
  ],
])(/* prettier-ignore */ 'nothing is done while %s', async (_what, happens) => {
  found = { a: 'different' }
  await happens()
  const before = await states()
  expect(await driftRound(round)).toBe('busy')
  expect([await states(), told, await limits()]).toEqual([before, [], []])
})

it('machines that were never applied are left to who applies them', async () => {
  head = { commit: 'c1', machines: { other: {} } }
  found = { other: 'absent' }
  expect(await driftRound(round)).toBe('clean')
})
