import { LarderError } from '../../../core/index.ts'
import { plainFacts as facts } from '../../testing/plain-facts.ts'
import { notSeenReady } from '../../converge/notification.ts'
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
  /** What runs it there, or did last. */
  unit: string | undefined
  keptUnit: string | undefined
  isAway: boolean
  isDrained: boolean
  isTakenByHand: boolean
  /** What its checks found last: after what we have changed, it comes to know of that some looks later. */
  isFoundUp: boolean
  otherLooks: number
  /** So often the load balancer finds it down, though it is of use: it answers too late. */
  lateLooks: number
}

/** A service on machines behind a load balancer, with everything that may go wrong at any step. */
export class ServiceWorld {
  readonly machines = new Map<string, Machine>()
  desired: Release = 'one'
  /** What is to run it. */
  unit = 'counter.service'
  /** What happens at the step of this number. */
  faults = new Map<number, { fault: Fault; machine: string }>()
  /** Machines that were taken from their clients by us while another one was not up. */
  readonly violations: string[] = []
  readonly calls: string[] = []
  isKilled = false
  /** Machines on which what was begun was not seen to be ready. */
  readonly unheard = new Set<string>()
  /** A machine that is made again answers again. */
  isBackWhenMade = false
  #steps = 0
  #isBalancerAway = false
  /** A fault of this very step, of which nobody can have known. */
  #isHit = false

  constructor(names: readonly string[]) {
    for (const name of names) {
      const made = { release: undefined, isActive: false, kept: undefined, isFoundUp: false, otherLooks: 0 }
      const units = { unit: undefined, keptUnit: undefined }
      this.machines.set(name, {
        ...made,
        ...units,
        isAway: false,
        isDrained: false,
        isTakenByHand: false,
        lateLooks: 0,
      })
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

  /** The load balancer has found out how everything is. */
  beNoticed(): void {
    for (const [name, machine] of this.machines) machine.isFoundUp = this.#answers(name)
  }

  isUp(name: string): boolean {
    const { isDrained, isTakenByHand } = this.#of(name)
    return this.#answers(name) && !isDrained && !isTakenByHand
  }

  /** With nothing on it. */
  makeAgain(name: string): void {
    this.#step(`make ${name} again`)
    const machine = this.#of(name)
    const nothing = { release: undefined, isActive: false, kept: undefined, unit: undefined, keptUnit: undefined }
    this.#disturb(name, () => Object.assign(machine, nothing, this.isBackWhenMade ? { isAway: false } : {}))
  }

  #answers(name: string): boolean {
    const { isActive, release, isAway } = this.#of(name)
    return isActive && !isAway && release !== 'bad' && release !== 'sick'
  }

  targets(): ServiceTarget[] {
    return [...this.machines.keys()].map((machine) => ({
      machine,
      host: { name: machine } as Host,
      unit: this.unit,
      wasContainer: true,
      version: this.desired,
      reference: undefined,
      resources: [{ id: 'container:counter' } as Resource, { id: 'ready:counter' } as Resource],
      preparation: [{ id: 'image:counter' } as Resource],
    }))
  }

  readonly plan = async (targets: readonly ServiceTarget[]): Promise<HostPlan[]> =>
    targets.map(({ machine }) => {
      this.#step(`look at ${machine}`)
      const { release, isActive, isAway, unit } = this.#of(machine)
      if (isAway) return { machine, unreachable: away(machine) }
      const entry = (id: string, isOk: boolean): PlannedEntry => {
        if (isOk && this.unheard.has(machine))
          return { id, state: 'change', differences: [notSeenReady], why: undefined }
        return { id, state: isOk ? 'ok' : 'change', differences: [], why: undefined }
      }
      const isSame = release === this.desired && isActive && unit === this.unit
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
      const isFormer = found.unit !== undefined && found.unit !== this.unit
      if (isFormer) this.violations.push(`${machine} begins it beside ${found.unit}, which has its port`)
      if (found.release !== this.desired || !found.isActive || found.release === 'bad' || isFormer) {
        this.#disturb(machine, () => {
          Object.assign(found, { release: this.desired, unit: this.unit, isActive: true })
        })
      }
      if (isLost) return result('unknown')
      return found.release === 'bad' ? result('failed', 'it is not ready') : result('changed')
    })

  readonly kept: KeptRelease = {
    look: async ({ name }) => {
      this.#reach(name, 'look at the unit of')
      const { isActive, kept, unit } = this.#of(name)
      const formers = unit === undefined || unit === this.unit ? [] : [{ unit, isContainer: false }]
      return { isActive, isBegun: kept !== undefined, formers }
    },
    keep: async ({ name }, _, { isGood }) => {
      this.#reach(name, 'keep the release of')
      const machine = this.#of(name)
      if (isGood && machine.kept === undefined)
        Object.assign(machine, { kept: machine.release, keptUnit: machine.unit })
    },
    retire: async ({ name }) => {
      this.#reach(name, 'retire what ran before on')
      const machine = this.#of(name)
      this.#disturb(name, () => Object.assign(machine, { isActive: false, unit: undefined }))
    },
    restore: async ({ name }) => {
      this.#reach(name, 'restore')
      const machine = this.#of(name)
      const { kept: release, keptUnit: unit } = machine
      this.#disturb(name, () => {
        Object.assign(machine, { release, unit, isActive: release !== undefined, kept: undefined, keptUnit: undefined })
      })
    },
    settle: async ({ name }) => {
      this.#reach(name, 'settle')
      Object.assign(this.#of(name), { kept: undefined, keptUnit: undefined })
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
    ready: async (_host, { machine }, { isOther } = { isOther: false }) => {
      this.#reachBalancer(`ready ${machine}`)
      const found = this.#of(machine)
      found.isDrained = false
      const isAlone = this.machines.size === 1 && found.isFoundUp
      if (isOther && isAlone) this.violations.push(`${machine} is kept from clients who have nobody else`)
      if (isOther) Object.assign(found, { isFoundUp: false, otherLooks: 0 })
    },
    state: async () => {
      this.#reachBalancer('ask the balancer')
      return [...this.machines].map(([machine, found]): ServerState => {
        const state = found.isTakenByHand
          ? 'maintenance'
          : found.isDrained
            ? 'draining'
            : this.#isFoundUp(machine) && found.lateLooks-- <= 0
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

  /** As HAProxy: two answers in a row make one up, three without make it down, and drained it goes on asking. */
  #isFoundUp(name: string): boolean {
    const found = this.#of(name)
    const answers = this.#answers(name)
    found.otherLooks = answers === found.isFoundUp ? 0 : found.otherLooks + 1
    if (found.otherLooks >= (answers ? 2 : 3)) Object.assign(found, { isFoundUp: answers, otherLooks: 0 })
    return found.isFoundUp
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
    // Of what nobody can have known yet, nothing is asked.
    if (!this.#answers(machine)) this.#of(machine).isFoundUp = false
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
