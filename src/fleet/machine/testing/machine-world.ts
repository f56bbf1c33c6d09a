import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { LarderError, silentProgress, systemClock, type Change, type KindContext } from '../../../core/index.ts'
import { memoryFiles } from '../../../core/testing/memory-files.ts'
import { openDatabase, type State } from '../../../state/index.ts'
import { plainFacts as facts } from '../../testing/plain-facts.ts'
import type { ConvergeTarget, HostPlan, HostResult } from '../../converge/host-plan.ts'
import type { Host } from '../../host/host.ts'
import type { NetworkConfig } from '../../network/network-schema.ts'
import type { OwnInSubnet } from '../../network/own-addresses.ts'
import { isIdentity, type MachineState, type Place } from '../../place/place.ts'
import type { Resource } from '../../resource/resource-type.ts'
import type { KnownService } from '../../service/service-memory.ts'
import { servicesSchema } from '../../service/service-schema.ts'
import { ConvergeSessions, type ServingMachines } from '../converge-sessions.ts'
import { createMachineKind, type MachineKind } from '../machine-kind.ts'
import type { MachineKindOptions } from '../machine-kind-options.ts'
import { createMachineMemory, type MachineMemory } from '../machine-memory.ts'
import { machinesSchema, type MachinesConfig } from '../machine-schema.ts'

/** The kind machines over places and hosts that only say what they are told. */
export class MachineWorld {
  readonly memory: MachineMemory
  readonly kind: MachineKind
  /** What was done, in its order. */
  calls: string[] = []
  states: Record<string, MachineState> = {}
  mirrors: Record<string, object> = { base: {} }
  /** Of those that were brought up: what they were made as. */
  readonly #made = new Map<string, string>()
  /** Machines on which something differs. */
  differing = new Set<string>()
  failing = new Set<string>()
  /** Those of which nobody can say whether they are there. */
  unseen = new Set<string>()
  unseenFor: 'FLEET_PLACE_UNUSABLE' | 'TOOL_MISSING' = 'FLEET_PLACE_UNUSABLE'
  unreachable = new Set<string>()
  limit: string[] | undefined
  /** Whoever is applied waits for it. */
  held: Promise<true> | undefined
  waitsFor: LarderError | undefined
  /** Machines that use the mirror `base`. */
  clients = new Set<string>()
  network: NetworkConfig | undefined
  /** What this host has in that network. */
  own: OwnInSubnet = { server: undefined, addresses: [] }
  /** Whether it is there is known later than of the others. */
  slowToSay: string | undefined
  /** The service `site` is declared on these, and known to be on them. */
  served: string[] = []
  /** What the last run has left to services. */
  serving: ServingMachines | undefined
  readonly #state: State
  readonly #sessions: ConvergeSessions

  private constructor(state: State) {
    this.#state = state
    this.memory = createMachineMemory(state, systemClock, (text) => text)
    const options = this.#options()
    this.#sessions = new ConvergeSessions(options)
    this.kind = createMachineKind(options, this.#sessions)
  }

  static async open(): Promise<MachineWorld> {
    return new MachineWorld(await openDatabase({ path: ':memory:', clock: systemClock }))
  }

  close(): Promise<void> {
    return this.#state.close()
  }

  contextOf(machines: MachinesConfig, trust: KindContext['trust'] = 'trusted'): KindContext {
    return {
      files: memoryFiles({}),
      clock: systemClock,
      progress: silentProgress,
      signal: new AbortController().signal,
      site: { machines, mirrors: this.mirrors, network: this.network, services: this.#services() },
      siteName: 'lab',
      runId: '7',
      freshForMs: 0,
      trust,
    }
  }

  /** As a run does: plan, stage all, switch all. What a plan said, and what a switch failed with. */
  async run(declared: object, planned: Change[] = []): Promise<{ plan: string[]; errors: string[] }> {
    const desired = machinesSchema.parse(declared)
    const context = this.contextOf(desired)
    const observed = await this.kind.observe({ ...context, planned }, desired)
    const changes = this.kind.plan(desired, observed)
    this.serving = this.#sessions.of(context)
    const staged = []
    for (const change of changes) staged.push(await this.kind.stage(context, change, observed))
    const errors: string[] = []
    for (const one of staged) {
      await this.kind.switch(context, one).catch((error: unknown) => errors.push((error as Error).message))
    }
    return { plan: changes.map(({ subject, action, summary }) => `${action} ${subject}: ${summary}`), errors }
  }

  #services(): unknown {
    const site = { unit: 'site.service', machines: this.served, port: 80 }
    return servicesSchema.parse(this.served.length === 0 ? {} : { site })
  }

  applied(): string[] {
    return this.calls.filter((call) => call.startsWith('applied ')).map((call) => call.slice(8))
  }

  #options(): MachineKindOptions {
    const place: Place = {
      at: 'container',
      unusable: async () => undefined,
      observe: async (spec) => {
        const { name } = spec
        this.calls.push(`observe ${name}`)
        if (name === this.slowToSay) await sleep(20)
        if (this.unseen.has(name)) throw new LarderError(this.unseenFor, { message: 'The engine is away.' })
        const made = this.#made.get(name)
        if (made !== undefined && !isIdentity(made, spec)) return 'other'
        return this.states[name] ?? 'absent'
      },
      bringUp: async ({ name, base, identity }) => {
        this.calls.push(`bring up ${name} from ${base?.path ?? 'nothing'}`)
        if (this.failing.has(name))
          throw new LarderError('FLEET_MACHINE_FAILED', { message: `${name} does not start.` })
        this.states[name] = 'running'
        this.#made.set(name, identity)
      },
      remove: async ({ name }) => {
        this.calls.push(`remove ${name}`)
        this.states[name] = 'absent'
        this.#made.delete(name)
      },
      host: ({ name }) => ({ name }) as Host,
    }
    const away = (name: string) => new LarderError('FLEET_HOST_UNREACHABLE', { message: `${name} is away.` })
    const planOne = ({ machine }: ConvergeTarget): HostPlan => {
      this.calls.push(`look at ${machine}`)
      if (this.unreachable.has(machine)) return { machine, unreachable: away(machine) }
      const differences = [{ what: 'content', from: 'old', to: 'new' }]
      const changed = { id: 'file:/a', state: 'change' as const, differences, why: undefined }
      const same = { id: 'file:/a', state: 'ok' as const, differences: [], why: undefined }
      return { machine, facts, entries: [this.differing.has(machine) ? changed : same] }
    }
    const applyOne = async ({ machine }: ConvergeTarget): Promise<HostResult> => {
      this.calls.push(`apply ${machine}`)
      await this.held
      // However slow this machine is.
      if (machine === 'slow') await expect.poll(() => this.calls).toContain('applied web')
      this.calls.push(`applied ${machine}`)
      if (this.unreachable.has(machine)) return { machine, unreachable: away(machine) }
      if (this.failing.has(machine)) {
        return {
          machine,
          facts,
          entries: [{ id: 'file:/a', outcome: 'failed', why: 'it ended with 3', log: 'no luck\n' }],
        }
      }
      return { machine, facts, entries: [{ id: 'file:/a', outcome: 'changed', why: undefined, log: '' }] }
    }
    return {
      memory: this.memory,
      services: { list: async () => this.served.map((machine) => ({ name: 'site', machine }) as KnownService) },
      ownAddresses: async () => new Map([['default', this.own]]),
      place: async () => place,
      credentials: async () => ({ hostKey: { privateKey: '', publicLine: '' }, authorizedKey: '' }),
      base: async ({ mirror }) => {
        this.calls.push(`base of ${mirror}`)
        return { path: mirror, digest: 'sha256:0' }
      },
      room: () => ({
        secret: async () => '',
        mirror: async (name) => ({ format: 'apt', name, source: '', keys: [], snapshot: 1 }),
        image: async () => Promise.reject(new Error('nobody asks')),
        login: async () => undefined,
        authority: async () => undefined,
      }),
      certify: () => Promise.reject(new Error('nothing is certified here')),
      resolve: async ({ name }, room) => {
        if (this.waitsFor !== undefined) throw this.waitsFor
        if (this.clients.has(name)) await room.mirror('base')
        return [{ id: 'file:/a' } as Resource]
      },
      plan: async (targets) => targets.map(planOne),
      apply: (targets) => Promise.all(targets.map(applyOne)),
      limitOf: async () => this.limit,
    }
  }
}
