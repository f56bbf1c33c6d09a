import type { Clock } from '../../core/index.ts'
import type { Host } from '../host/host.ts'
import type { Balancer, ServerState } from './service-spec.ts'

/**
 * How a machine of a service is seen by load balancers together. `unknown`: one of them does not know it; `maintenance`: somebody
 * took it away by hand.
 */
export type ServerView = ServerState['state'] | 'unknown'

export interface ServerWatchOptions {
  service: string
  balancer: Balancer
  /** Load balancers of the service; none where nothing balances it. */
  hosts: readonly Host[]
  clock: Clock
  signal: AbortSignal
}

const betweenLooksMs = 250

/** The machines of one service at all of its load balancers. FLEET_BALANCER_AWAY, and what `Host` throws. */
export class ServerWatch {
  readonly #options: ServerWatchOptions

  constructor(options: ServerWatchOptions) {
    this.#options = options
  }

  get isBalanced(): boolean {
    return this.#options.hosts.length > 0
  }

  /** By machine: what each of the load balancers says of it. */
  async look(): Promise<Map<string, ServerState[]>> {
    const { balancer, hosts, service, signal } = this.#options
    const all = await Promise.all(hosts.map((host) => balancer.state(host, signal)))
    const found = new Map<string, ServerState[]>()
    for (const state of all.flat()) {
      if (state.service === service) found.set(state.machine, [...(found.get(state.machine) ?? []), state])
    }
    return found
  }

  async drain(machine: string): Promise<void> {
    const { balancer, hosts, service } = this.#options
    await Promise.all(hosts.map((host) => balancer.drain(host, { service, machine })))
  }

  /** Every one of them is told, also when another does not answer. */
  async ready(machine: string, release: { isOther: boolean }): Promise<void> {
    const { balancer, hosts, service } = this.#options
    const told = await Promise.allSettled(hosts.map((host) => balancer.ready(host, { service, machine }, release)))
    for (const one of told) if (one.status === 'rejected') throw one.reason
  }

  /** Until nothing is under way on it any more, its time is over, or one of the others is not up: then nobody would be left. */
  async idle(machine: string, others: readonly string[], withinMs: number): Promise<void> {
    const isIdle = (found: Found) => (found.get(machine) ?? []).every(({ sessions }) => sessions === 0)
    const isAlone = (found: Found) => others.some((other) => this.view(found, other) !== 'up')
    await this.#until(withinMs, (found) => isIdle(found) || isAlone(found))
  }

  /** Until each load balancer sends each of them its share. Answers who gets none, and why, when the time is over. */
  async up(machines: readonly string[], withinMs: number): Promise<string | undefined> {
    if (!this.isBalanced) return undefined
    const isUp = (found: Found) => machines.every((machine) => this.view(found, machine) === 'up')
    const found = await this.#until(withinMs, isUp)
    const away = machines.find((machine) => this.view(found, machine) !== 'up')
    return away && tell(found, away, this.view(found, away))
  }

  /** Until it has its share again where nobody has taken it away. Answers why it has not, when the time is over. */
  async back(machine: string, withinMs: number): Promise<string | undefined> {
    const found = await this.#until(withinMs, (seen) => this.ownView(seen, machine) === 'up')
    const view = this.ownView(found, machine)
    return view === 'up' ? undefined : tell(found, machine, view)
  }

  /** Whether it has its share all the time where nobody has taken it away. Answers why it has not, at once. */
  async stays(machine: string, forMs: number): Promise<string | undefined> {
    const found = await this.#until(forMs, (seen) => this.ownView(seen, machine) !== 'up')
    const view = this.ownView(found, machine)
    return view === 'up' ? undefined : tell(found, machine, view)
  }

  /** The least of what the load balancers say. */
  view(found: Found, machine: string): ServerView {
    const states = found.get(machine) ?? []
    if (states.length < this.#options.hosts.length) return 'unknown'
    return order.find((state) => states.some((one) => one.state === state)) ?? 'up'
  }

  /** The least of what those say that are told of it: `maintenance` where none is. */
  ownView(found: Found, machine: string): ServerView {
    const states = found.get(machine) ?? []
    if (states.length < this.#options.hosts.length) return 'unknown'
    const own = states.filter(({ state }) => state !== 'maintenance')
    if (own.length === 0) return 'maintenance'
    return order.find((state) => own.some((one) => one.state === state)) ?? 'up'
  }

  async #until(withinMs: number, isSo: (found: Found) => boolean): Promise<Found> {
    const { clock, signal } = this.#options
    const endMs = clock.monotonicMs() + withinMs
    for (;;) {
      const found = await this.look()
      if (isSo(found) || clock.monotonicMs() >= endMs) return found
      await clock.sleep(betweenLooksMs, signal)
    }
  }
}

type Found = ReadonlyMap<string, readonly ServerState[]>

function tell(found: Found, machine: string, view: ServerView): string {
  const why = found.get(machine)?.find((state) => state.why !== undefined)?.why
  return `${machine} is ${words[view]}${why === undefined ? '' : `: ${why}`}`
}

const order = ['maintenance', 'draining', 'down'] as const
const words: Readonly<Record<ServerView, string>> = {
  up: 'up',
  down: 'down at its load balancer',
  draining: 'drained',
  maintenance: 'taken away by hand at its load balancer',
  unknown: 'not known to its load balancer',
}
