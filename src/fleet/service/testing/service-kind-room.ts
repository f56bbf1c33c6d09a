import { expect } from 'vitest'
import { LarderError, silentProgress, systemClock, type Change, type KindContext } from '../../../core/index.ts'
import { FakeClock } from '../../../core/testing/fake-clock.ts'
import { memoryFiles } from '../../../core/testing/memory-files.ts'
import { openDatabase, type State } from '../../../state/index.ts'
import type { Host } from '../../host/host.ts'
import { machinesSchema } from '../../machine/machine-schema.ts'
import type { MachineState, Place } from '../../place/place.ts'
import type { Script } from '../../shell/script.ts'
import { createServiceKind } from '../service-kind.ts'
import type { ServiceTarget } from '../look-at-service.ts'
import { createServiceMemory, type ServiceMemory } from '../service-memory.ts'
import { servicesSchema } from '../service-schema.ts'
import { servingOf } from './serving-of.ts'
import { ServiceWorld } from './service-world.ts'

export const counter = { image: 'counter', machines: ['web-1', 'web-2'], port: 8080, balance: { on: ['lb'] } }

interface Asked {
  services?: object
  planned?: Change[]
  trust?: KindContext['trust']
}

/** The kind services, its memory, and machines for it in a world of their own. */
export class ServiceKindRoom {
  readonly world = new ServiceWorld(['web-1', 'web-2'])
  readonly memory: ServiceMemory
  readonly #state: State
  /** Machines that the service was taken from. */
  readonly left: string[] = []
  states: Record<string, MachineState> = {}
  limit: string[] | undefined
  restarted: string | undefined
  /** Machines that are left to services to be made again. */
  serving: string[] = []
  isUnpublished = false
  /** How long releases have, as applies were told last. */
  readyWithinMs: number | undefined

  private constructor(state: State) {
    this.#state = state
    this.memory = createServiceMemory(state, systemClock, (text) => text)
  }

  static async open(): Promise<ServiceKindRoom> {
    return new ServiceKindRoom(await openDatabase({ path: ':memory:', clock: systemClock }))
  }

  close(): Promise<void> {
    return this.#state.close()
  }

  /** What it plans. */
  async summaries(asked: Asked): Promise<string[]> {
    const services = this.#kind()
    const { context, desired } = contextOf(asked)
    return services.plan(desired, await services.observe(context, desired)).map(({ summary }) => summary)
  }

  /** As a run does: plan, stage all, switch all, verify. */
  async run(asked: Asked = {}): Promise<{ plan: string[]; errors: string[] }> {
    const services = this.#kind()
    const { context, desired } = contextOf(asked)
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

  #kind() {
    const place = {
      observe: async ({ name }: { name: string }) => this.states[name] ?? 'running',
      host: ({ name }: { name: string }) => hostOf(this, name),
    } as unknown as Place
    return createServiceKind({
      memory: this.memory,
      balancer: this.world.balancer,
      image: () => this.#image(),
      registry: async () => ({ host: 'registry.example.org', authority: undefined, isPlain: false }),
      room: () => ({
        secret: async () => 's',
        mirror: () => Promise.reject(new Error('nobody asks')),
        login: async () => undefined,
        authority: async () => undefined,
      }),
      restartOf: async () => this.restarted,
      serving: () => servingOf(this.world, this.serving),
      machines: {
        memory: { list: async () => [] } as never,
        ownAddresses: async () => new Map(),
        place: async () => place,
        plan: (targets) => this.world.plan(targets as readonly ServiceTarget[]),
        apply: async (targets, { readyMs }) => {
          this.readyWithinMs = readyMs
          const prepares = targets.every(({ resources }) => resources.every(({ type }) => type.name !== 'container'))
          if (!prepares) return this.#apply(targets.map(({ machine }) => machine))
          return targets.map(({ machine }) => ({ machine, facts: {} as never, entries: [] }))
        },
        limitOf: async () => this.limit,
        resolve: async () => [],
        certify: () => Promise.reject(new Error('nobody asks')),
        room: () => ({}) as never,
      },
    })
  }

  async #image(): Promise<{ reference: string; digest: string; version: string }> {
    if (this.isUnpublished)
      throw new LarderError('FLEET_IMAGE_UNKNOWN', { message: 'No version of counter is published.' })
    const version = this.world.desired
    return { reference: `registry.example.org/counter@sha256:${version}`, digest: '', version }
  }

  #apply(names: readonly string[]) {
    return this.world.apply(this.world.targets().filter(({ machine }) => names.includes(machine)))
  }
}

function contextOf({ services = { counter }, planned = [], trust = 'trusted' }: Asked) {
  const desired = servicesSchema.parse(services)
  const machines = machinesSchema.parse({ 'web-1': {}, 'web-2': {}, lb: {} })
  const context: KindContext = {
    files: memoryFiles({}),
    clock: new FakeClock(),
    progress: silentProgress,
    signal: new AbortController().signal,
    site: { machines, services: desired },
    siteName: 'lab',
    runId: '7',
    freshForMs: 0,
    planned,
    trust,
  }
  return { context, desired }
}

/** A machine of the world, as far as scripts tell what they are about. */
function hostOf({ world, left }: ServiceKindRoom, name: string): Host {
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
