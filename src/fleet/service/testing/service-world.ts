import { LarderError } from '../../../core/index.ts'
import type { HostPlan, HostResult, PlannedEntry } from '../../converge/host-plan.ts'
import type { Host } from '../../host/host.ts'
import type { Resource } from '../../resource/resource-type.ts'
import type { KeptRelease } from '../kept-release.ts'
import type { ServiceTarget } from '../look-at-service.ts'
import type { Balancer, ServerState } from '../service-spec.ts'
import { noStatistics } from './no-statistics.ts'

/** `bad` runs and is never ready; `sick` is ready and does not answer to the load balancer. */
export type Release = 'one' | 'two' | 'three' | 'bad' | 'sick'

export type Fault = 'kill' | 'balancer away' | 'host away' | 'lost' | 'stop'

interface Machine {
  release: Release | undefined
  isActive: boolean
  kept: Release | undefined
  isAway: boolean
  isDrained: boolean
  isTakenByHand: boolean
  /** So often the load balancer finds it down, though it is of use: it answers too late. */
  lateLooks: number
}

/** A service on machines behind a load balancer, with everything that may go wrong at any step. */
export class ServiceWorld {
  readonly machines = new Map<string, Machine>()
  desired: Release = 'one'
  /** What happens at the step of this number. */
  faults = new Map<number, { fault: Fault; machine: string }>()
  /** Machines that were taken from their clients by us while another one was not up. */
  readonly violations: string[] = []
  readonly calls: string[] = []
  isKilled = false
  #steps = 0
  #isBalancerAway = false
  /** A fault of this very step, of which nobody can have known. */
  #isHit = false

  constructor(names: readonly string[]) {
    for (const name of names) {
      const made = { release: undefined, isActive: false, kept: undefined }
      this.machines.set(name, { ...made, isAway: false, isDrained: false, isTakenByHand: false, lateLooks: 0 })
    }
  }

  /** A new controller begins, and what was away is there again. */
  recover(): void {
    this.isKilled = false
    this.faults.clear()
    this.#steps = 0
    this.#isBalancerAway = false
    for (const machine of this.machines.values()) machine.isAway = false
  }

  isUp(name: string): boolean {
    const { isActive, release, isAway, isDrained, isTakenByHand } = this.#of(name)
    const answers = isActive && !isAway && release !== 'bad' && release !== 'sick'
    return answers && !isDrained && !isTakenByHand
  }

  targets(): ServiceTarget[] {
    return [...this.machines.keys()].map((machine) => ({
      machine,
      host: { name: machine } as Host,
      unit: 'counter.service',
      version: this.desired,
      reference: undefined,
      resources: [{ id: 'container:counter' } as Resource, { id: 'ready:counter' } as Resource],
      preparation: [{ id: 'image:counter' } as Resource],
    }))
  }

  readonly plan = async (targets: readonly ServiceTarget[]): Promise<HostPlan[]> =>
    targets.map(({ machine }) => {
      this.#step(`look at ${machine}`)
      const { release, isActive, isAway } = this.#of(machine)
      if (isAway) return { machine, unreachable: away(machine) }
      const entry = (id: string, isOk: boolean): PlannedEntry => {
        return { id, state: isOk ? 'ok' : 'change', differences: [], why: undefined }
      }
      const isSame = release === this.desired && isActive
      const isReady = isActive && release !== 'bad'
      return { machine, facts, entries: [entry('container:counter', isSame), entry('ready:counter', isReady)] }
    })

  readonly apply = async (targets: readonly ServiceTarget[]): Promise<HostResult[]> =>
    targets.map(({ machine, resources }) => {
      const isLost = this.#step(`apply to ${machine}`) === 'lost'
      const found = this.#of(machine)
      if (found.isAway) return { machine, unreachable: away(machine) }
      const result = (outcome: 'ok' | 'changed' | 'failed' | 'unknown', why?: string): HostResult => {
        return { machine, facts, entries: resources.map(({ id }) => ({ id, outcome, why, log: '' })) }
      }
      if (resources[0]?.id !== 'container:counter') return result('ok')
      if (found.release !== this.desired || !found.isActive || found.release === 'bad') {
        this.#disturb(machine, () => {
          found.release = this.desired
          found.isActive = true
        })
      }
      if (isLost) return result('unknown')
      return found.release === 'bad' ? result('failed', 'it is not ready') : result('changed')
    })

  readonly kept: KeptRelease = {
    look: async ({ name }) => {
      this.#reach(name, 'look at the unit of')
      const { isActive, kept } = this.#of(name)
      return { isActive, isBegun: kept !== undefined }
    },
    keep: async ({ name }) => {
      this.#reach(name, 'keep the release of')
      const machine = this.#of(name)
      machine.kept ??= machine.release
    },
    restore: async ({ name }) => {
      this.#reach(name, 'restore')
      const machine = this.#of(name)
      this.#disturb(name, () => {
        machine.release = machine.kept
        machine.isActive = machine.kept !== undefined
        machine.kept = undefined
      })
    },
    settle: async ({ name }) => {
      this.#reach(name, 'settle')
      this.#of(name).kept = undefined
    },
    restart: async ({ name }) => {
      this.#reach(name, 'restart')
    },
    remove: async ({ name }) => {
      this.#reach(name, 'remove from')
    },
    lastLines: async ({ name }) => {
      this.#reach(name, 'ask for the log of')
      return 'it said why'
    },
  }

  readonly balancer: Balancer = {
    drain: async (_host, { machine }) => {
      this.#reachBalancer(`drain ${machine}`)
      this.#disturb(machine, () => {
        this.#of(machine).isDrained = true
      })
    },
    ready: async (_host, { machine }) => {
      this.#reachBalancer(`ready ${machine}`)
      this.#of(machine).isDrained = false
    },
    state: async () => {
      this.#reachBalancer('ask the balancer')
      return [...this.machines].map(([machine, found]): ServerState => {
        const state = found.isTakenByHand
          ? 'maintenance'
          : found.isDrained
            ? 'draining'
            : this.isUp(machine) && found.lateLooks-- <= 0
              ? 'up'
              : 'down'
        return {
          service: 'counter',
          machine,
          state,
          sessions: 0,
          why: state === 'down' ? 'no answer' : undefined,
          statistics: noStatistics,
        }
      })
    },
  }

  #of(name: string): Machine {
    const machine = this.machines.get(name)
    if (machine === undefined) throw new Error(`there is no ${name}`)
    return machine
  }

  #reach(name: string, what: string): void {
    this.#step(`${what} ${name}`)
    if (this.#of(name).isAway) throw away(name)
  }

  #reachBalancer(what: string): void {
    this.#step(what)
    if (this.#isBalancerAway) throw new LarderError('FLEET_BALANCER_AWAY', { message: 'No load balancer answers.' })
  }

  /** Whatever takes a machine from its clients is done while all others are up, or it was not up. */
  #disturb(name: string, work: () => void): void {
    const wasUp = this.isUp(name)
    const others = [...this.machines.keys()].filter((other) => other !== name && !this.isUp(other))
    work()
    // Beginning a release anew is away for a moment, whatever comes of it.
    if (wasUp && others.length > 0 && !this.#isHit)
      this.violations.push(`${this.calls.at(-1)} while ${others.join(', ')} was not up`)
  }

  #step(call: string): Fault | undefined {
    if (this.isKilled) throw new Error('killed')
    this.calls.push(call)
    const happening = this.faults.get(this.#steps++)
    this.#isHit = happening !== undefined
    if (happening === undefined) return undefined
    const { fault, machine } = happening
    if (fault === 'balancer away') this.#isBalancerAway = true
    if (fault === 'host away') this.#of(machine).isAway = true
    if (fault === 'stop') this.#of(machine).isActive = false
    if (fault === 'kill') {
      this.isKilled = true
      throw new Error('killed')
    }
    return fault
  }
}

function away(machine: string): LarderError {
  return new LarderError('FLEET_HOST_UNREACHABLE', { message: `${machine} is away.` })
}

const facts = {
  os: 'debian',
  family: 'debian',
  version: '12',
  codename: 'bookworm',
  machine: 'x86_64',
  hostname: 'x',
  hasSystemd: true,
} as const
