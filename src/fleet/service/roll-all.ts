import { isLarderError, type LarderError } from '../../core/index.ts'
import type { ServingMachines } from '../machine/converge-sessions.ts'
import { makeMachineAgain, whomItServes, type Rollout } from './make-again.ts'
import { rollService } from './roll-service.ts'
import type { ServiceConfig } from './service-schema.ts'

export interface RollAllRoom {
  serving: ServingMachines
  /** `left`: machines that have their turn later. FLEET_SECRET_UNKNOWN and its like. */
  open: (service: { name: string; config: ServiceConfig; left: ReadonlySet<string> }) => Promise<Rollout>
  signal: AbortSignal
}

/**
 * Rolls all services of a run one after the other, and has machines made again that they are on: first those that serve nobody,
 * then the services, then the other machines in turn. What fails in one service keeps no other from its release.
 */
export async function rollAll(
  asked: ReadonlyMap<string, ServiceConfig>,
  { serving, open, signal }: RollAllRoom,
): Promise<LarderError[]> {
  const run = new RunOfRollouts(asked, serving, signal)
  await run.open(open)
  await run.makeWhatServesNobody()
  await run.roll()
  await run.takeTurns()
  return run.failures
}

class RunOfRollouts {
  readonly failures: LarderError[] = []
  readonly #asked: ReadonlyMap<string, ServiceConfig>
  readonly #serving: ServingMachines
  readonly #signal: AbortSignal
  readonly #left: Set<string>
  readonly #opened = new Map<string, Rollout>()
  readonly #failed = new Set<string>()

  constructor(asked: ReadonlyMap<string, ServiceConfig>, serving: ServingMachines, signal: AbortSignal) {
    this.#asked = asked
    this.#serving = serving
    this.#signal = signal
    this.#left = new Set(serving.names())
  }

  async open(open: RollAllRoom['open']): Promise<void> {
    for (const [name, config] of this.#asked) {
      await this.#attempt([name], async () => {
        this.#opened.set(name, await open({ name, config, left: this.#left }))
      })
    }
  }

  /** Others wait for these to be up. Whom one serves is not known where one of its services could not be opened. */
  async makeWhatServesNobody(): Promise<void> {
    const unseen = new Set<string>()
    for (const machine of this.#serving.names()) {
      const services = this.#servicesOn(machine)
      if (services.some((name) => !this.#opened.has(name))) continue
      const serves = await whomItServes(machine, [...this.#opened.values()])
      if (serves === 'somebody') continue
      if (serves === 'unseen') {
        // It may be dead, or serve and not be seen: the others have their turn when this one is up.
        if (services.some((name) => unseen.has(name))) continue
        for (const name of services) unseen.add(name)
      }
      if (await this.#attempt(services, () => this.#serving.makeAgain(machine))) this.#left.delete(machine)
    }
  }

  async roll(): Promise<void> {
    for (const [name, { targets, room }] of this.#opened) await this.#attempt([name], () => rollService(targets, room))
  }

  /** None is taken from its clients where another one of its service may be away. */
  async takeTurns(): Promise<void> {
    const rollouts = [...this.#opened.values()]
    for (const machine of this.#left) {
      if (this.#hasFailed(machine)) continue
      await this.#attempt(this.#servicesOn(machine), () => makeMachineAgain(machine, rollouts, this.#serving))
    }
  }

  /** Answers whether it went well; these services are known to have failed where it did not. */
  async #attempt(services: readonly string[], work: () => Promise<void>): Promise<boolean> {
    try {
      await work()
      return true
    } catch (error) {
      if (!isLarderError(error) || this.#signal.aborted) throw error
      this.failures.push(error)
      for (const name of services) this.#failed.add(name)
      return false
    }
  }

  #servicesOn(machine: string): string[] {
    return [...this.#asked].flatMap(([name, { machines }]) => (machines.includes(machine) ? [name] : []))
  }

  #hasFailed(machine: string): boolean {
    return this.#servicesOn(machine).some((name) => this.#failed.has(name))
  }
}
