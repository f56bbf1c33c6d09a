import { isLarderError, ownValue, type LarderError, type KindContext } from '../../core/index.ts'
import { clientsGone } from './clients-gone.ts'
import { createKeptRelease } from './kept-release.ts'
import { variableFiles } from './release-scripts.ts'
import type { ServiceTarget } from './look-at-service.ts'
import { askedFor, serverWatch } from './observe-services.ts'
import { declaredService } from './declared-service.ts'
import type { Rollout } from './make-again.ts'
import { oneOf } from './one-of.ts'
import { rollAll } from './roll-all.ts'
import type { RolloutRoom } from './roll-service.ts'
import type { StagedService } from './service-change.ts'
import { ownerOf } from '../machine/machine-kind-options.ts'
import { resolveMachine } from '../machine/observe-machines.ts'
import type { ServiceKindOptions } from './service-kind-options.ts'
import type { ServiceReport } from './service-memory.ts'
import { servicesOf, type ServiceConfig } from './service-schema.ts'
import { hostOf, serviceTargets, siteMachines, type SiteMachines } from './service-targets.ts'

/**
 * A run switches services one by one; the first that is asked for rolls all that the run is about, one after the other, so that
 * what fails in one keeps no other from its release.
 */
export class ServiceRollouts {
  readonly #options: ServiceKindOptions
  readonly #runs = new WeakMap<KindContext, Promise<LarderError[]>>()

  constructor(options: ServiceKindOptions) {
    this.#options = options
  }

  /** Until all are as declared, or what failed is known. FLEET_ROLLOUT_FAILED and its like. */
  async done(context: KindContext, { service, leaves }: StagedService): Promise<void> {
    if (leaves !== undefined) return this.#remove(context, { name: service, ...leaves })
    const rolling = this.#runs.get(context) ?? this.#rollAll(context)
    this.#runs.set(context, rolling)
    const failures = await rolling
    if (failures.length > 0) throw oneOf(failures)
  }

  async #remove(context: KindContext, left: { name: string; machine: string; unit: string }): Promise<void> {
    const { name, machine, unit } = left
    const machines = await siteMachines(this.#options, context)
    if (Object.hasOwn(machines.config, machine)) {
      const host = await hostOf(this.#options, machines, machine)
      const config = ownValue(servicesOf(context.site), name)
      // Its load balancers have been told by the machines' part of the run; they end there what they had begun.
      if (config?.balance !== undefined) {
        const { port, drainMs } = declaredService(name, config)
        // What is left there was never told of another port.
        await clientsGone(host, { port, files: variableFiles(name), withinMs: drainMs }, context.signal)
      }
      const { reference } = (await this.#options.memory.get(name, machine)) ?? {}
      const isOfMachine = await this.#isOfMachine(context, { name, machine, unit, machines })
      const release = { wasContainer: reference !== undefined && !isOfMachine, hasText: !isOfMachine }
      await createKeptRelease(context.signal).remove(host, { service: name, unit, ...release })
    }
    await this.#options.memory.forget(name, machine)
  }

  /** Whether a machine itself has the text of a unit, or a container of the name, which then stay; also where that cannot be known now. */
  async #isOfMachine(
    context: KindContext,
    { name, machine, unit, machines }: { name: string; machine: string; unit: string; machines: SiteMachines },
  ): Promise<boolean> {
    const declared = { name: machine, config: machines.config[machine]!, specs: machines.specs }
    try {
      const found = await resolveMachine(this.#options.machines, context, declared)
      const ids = [`unit:${unit}`, `file:/etc/systemd/system/${unit}`, `container:${name}`]
      return found.some(({ id }) => ids.includes(id))
    } catch (error) {
      if (isLarderError(error)) return true
      throw error
    }
  }

  async #rollAll(context: KindContext): Promise<LarderError[]> {
    const machines = await siteMachines(this.#options, context)
    const asked = await askedFor(this.#options, context, servicesOf(context.site))
    const serving = this.#options.serving(context)
    return rollAll(new Map(asked), {
      serving,
      open: (service) => this.#open(context, { ...service, machines }),
      signal: context.signal,
    })
  }

  async #open(
    context: KindContext,
    service: { name: string; config: ServiceConfig; machines: SiteMachines; left: ReadonlySet<string> },
  ): Promise<Rollout> {
    const { name, config, left } = service
    const { signal, runId, progress } = context
    const { machines: ways, restartOf } = this.#options
    const targets = await serviceTargets(this.#options, context, service)
    const log = (line: string): void => progress.log(`service ${name}: ${line}`)
    const reports = new Reports(this.#options, context, name)
    const spec = declaredService(name, config)
    const { readyMs } = spec
    const room: RolloutRoom = {
      spec,
      kept: createKeptRelease(signal, readyMs),
      watch: await serverWatch(this.#options, context, service),
      plan: (asked) => ways.plan(asked, { signal }),
      apply: (asked) => ways.apply(asked, { signal, runId, owner: ownerOf(context), log, readyMs }),
      progress: { log },
      signal,
      restart: (await restartOf(runId)) === name,
      upMs: spec.balance?.upMs ?? 0,
      onBegun: (target) => reports.begun(target),
      onDone: (target) => reports.done(target),
      onFailed: (target, error) => reports.failed(target, error),
      left,
    }
    return { targets, room, balancers: config.balance?.on ?? [] }
  }
}

/** Keeps what becomes of a service on its machines. */
class Reports {
  readonly #options: ServiceKindOptions
  readonly #context: KindContext
  readonly #service: string

  constructor(options: ServiceKindOptions, context: KindContext, service: string) {
    this.#options = options
    this.#context = context
    this.#service = service
  }

  async begun(target: ServiceTarget): Promise<void> {
    await this.#report(target, {
      state: 'changing',
      ...(await this.#before(target)),
      why: undefined,
      hasChanged: false,
    })
  }

  async done(target: ServiceTarget): Promise<void> {
    const { version, reference } = target
    await this.#report(target, { state: 'ready', version, reference, why: undefined, hasChanged: true })
  }

  async failed(target: ServiceTarget, { message }: LarderError): Promise<void> {
    await this.#report(target, { state: 'failed', ...(await this.#before(target)), why: message, hasChanged: false })
  }

  /** What ran there before, which is what is put back. */
  async #before({ machine }: ServiceTarget): Promise<Pick<ServiceReport, 'version' | 'reference'>> {
    const { version, reference } = (await this.#options.memory.get(this.#service, machine)) ?? {}
    return { version, reference }
  }

  async #report(
    { machine, unit }: ServiceTarget,
    found: Pick<ServiceReport, 'state' | 'version' | 'reference' | 'why' | 'hasChanged'>,
  ): Promise<void> {
    const runId = Number(this.#context.runId) || undefined
    await this.#options.memory.report({ name: this.#service, machine, unit, runId, ...found })
  }
}
