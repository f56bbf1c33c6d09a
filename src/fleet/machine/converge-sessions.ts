import { isLarderError, LarderError, ownValue, type KindContext } from '../../core/index.ts'
import type { HostResult } from '../converge/host-plan.ts'
import type { MachineSpec } from '../place/place.ts'
import type { StagedMachine } from './machine-change.ts'
import { atOnce } from '../converge/at-once.ts'
import { isMade, placeBefore } from './is-made.ts'
import { baseOf, knownBase } from './machine-base.ts'
import { ownerOf, type MachineKindOptions } from './machine-kind-options.ts'
import { machineLevels } from './machine-levels.ts'
import { machinesOf, type MachineConfig } from './machine-schema.ts'
import { machineSpecs } from './machine-spec.ts'
import { resolveMachine, stateOf } from './observe-machines.ts'
import { reportMachine } from './report-machine.ts'
import { servicesOf } from '../service/service-schema.ts'

/**
 * A run switches machines one by one, and they converge side by side: the first that is asked for starts all that the run
 * is about, each when those that it waits for are ready. Whoever asks for one waits for that one, and is told what failed.
 */
export class ConvergeSessions {
  readonly #options: MachineKindOptions
  readonly #sessions = new WeakMap<KindContext, ConvergeSession>()

  constructor(options: MachineKindOptions) {
    this.#options = options
  }

  of(context: KindContext): ConvergeSession {
    const session = this.#sessions.get(context) ?? new ConvergeSession(this.#options, context)
    this.#sessions.set(context, session)
    return session
  }
}

/** Machines that are made, or converge, at once. */
const mostAtOnce = 16

/**
 * Machines that are to be made again, and that services run on. They are left as they are until those have been renewed: then each
 * is taken from its services, made again and given back, one after the other.
 */
export interface ServingMachines {
  /** In the order of the run. */
  names(): readonly string[]
  /** What takes long, and may fail, before anybody is kept from it. FLEET_BASE_INCOMPLETE and its like. */
  prepare(name: string): Promise<void>
  /** FLEET_APPLY_FAILED and its like. */
  makeAgain(name: string): Promise<void>
  /** Whether it is still what it was before. */
  isAsBefore(name: string): Promise<boolean>
}

class ConvergeSession implements ServingMachines {
  readonly #options: MachineKindOptions
  readonly #context: KindContext
  readonly #serving = new Map<string, MachineAtWork>()
  /** Machines that the run is about, in its order. */
  #order: readonly string[] = []
  #all: Promise<Map<string, LarderError | undefined>> | undefined

  constructor(options: MachineKindOptions, context: KindContext) {
    this.#options = options
    this.#context = context
  }

  /** Until the machine is as declared. All others are finished too before a failure is told. FLEET_APPLY_FAILED and its like. */
  async done({ machine, place, action }: StagedMachine): Promise<void> {
    if (action === 'remove') return this.#remove(machine, place)
    const failures = await (this.#all ??= this.#convergeAll())
    const failed = [...failures].flatMap(([name, error]) => (error === undefined ? [] : [{ name, error }]))
    const [first, ...others] = failed
    if (first === undefined) return
    if (others.length === 0) throw first.error
    throw new LarderError(first.error.code, {
      message: failed.map(({ error }) => error.message).join('\n'),
      hint: first.error.hint ?? 'larder machine ls tells of each.',
      context: { machines: failed.map(({ name }) => name) },
    })
  }

  names(): readonly string[] {
    return this.#order.filter((name) => this.#serving.has(name))
  }

  async prepare(name: string): Promise<void> {
    const machine = this.#leftOne(name)
    await resolveMachine(this.#options, this.#context, machine)
    await baseOf(this.#options, this.#context, machine.config)
  }

  async isAsBefore(name: string): Promise<boolean> {
    const { spec, config } = this.#leftOne(name)
    return (await stateOf(this.#options, spec, config)) === 'other'
  }

  #leftOne(name: string): MachineAtWork {
    const machine = this.#serving.get(name)
    if (machine === undefined) throw new Error(`${name} is not to be made again`)
    return machine
  }

  async makeAgain(name: string): Promise<void> {
    const machine = this.#leftOne(name)
    const error = await this.#report(machine, () => this.#bringUp(machine))
    if (error !== undefined) throw error
  }

  async #remove(name: string, at: StagedMachine['place']): Promise<void> {
    const { place, memory } = this.#options
    if (isMade(at)) {
      const where = await place(at)
      await where.remove({ name, site: this.#context.siteName })
    }
    await memory.forget(name)
  }

  async #convergeAll(): Promise<Map<string, LarderError | undefined>> {
    const context = this.#context
    const desired = machinesOf(context.site)
    const limit = await this.#options.limitOf(context.runId)
    const known = await this.#options.memory.list()
    const specs = machineSpecs(desired, { ...context, known, own: await this.#options.ownAddresses(context) })
    const order = machineLevels(desired).levels.flat()
    const asked = order.filter((name) => limit === undefined || limit.includes(name))
    this.#order = asked
    const inTurn = atOnce(mostAtOnce)
    const work = new Map<string, Promise<LarderError | undefined>>()
    for (const name of asked) {
      const config = desired[name]!
      // Who comes first stands first in the order: its work has begun.
      const before = config.after.map(async (other) => ({ other, error: await work.get(other) }))
      const converge = async (): Promise<LarderError | undefined> => {
        const failed = (await Promise.all(before)).find(({ error }) => error !== undefined)
        if (failed !== undefined) return notReached(name, failed.other)
        const movesFrom = placeBefore(known, { name, at: config.at })
        return inTurn(() => this.#converge({ name, config, spec: specs.get(name)!, specs, movesFrom }))
      }
      work.set(name, converge())
    }
    // None is left alone at work by the failure of another.
    await Promise.allSettled(work.values())
    return new Map(await Promise.all([...work].map(async ([name, done]) => [name, await done] as const)))
  }

  /** What went wrong, if anything did; nothing that one machine does ends the others. */
  #converge(machine: MachineAtWork): Promise<LarderError | undefined> {
    const { name } = machine
    return this.#report(machine, async () => {
      if (!(await this.#isServing(machine))) return this.#bringUp(machine)
      this.#context.progress.log(`machine ${name}: is made again once it is taken from its services, in turn`)
      this.#serving.set(name, machine)
      return undefined
    })
  }

  /**
   * Who finds it by another address does not find it again by that: nobody can be kept waiting for it. Nor is one left for which others
   * of the run wait.
   */
  async #isServing({ name, config, spec, movesFrom }: MachineAtWork): Promise<boolean> {
    const machines = machinesOf(this.#context.site)
    if (this.#order.some((other) => machines[other]?.after.includes(name))) return false
    const services = servicesOf(this.#context.site)
    const isOn = (service: string): boolean => ownValue(services, service)?.machines.includes(name) === true
    const known = (await this.#options.services.list()).filter((one) => one.machine === name && isOn(one.name))
    if (known.length === 0 || movesFrom !== undefined) return false
    const address = (await this.#options.memory.get(name))?.detail.address
    if (address === undefined || address !== spec.addresses[0]?.address) return false
    return (await stateOf(this.#options, spec, config)) === 'other'
  }

  /** Undefined where nothing was done. */
  async #report(
    { name, config, spec, movesFrom }: MachineAtWork,
    work: () => Promise<HostResult | undefined>,
  ): Promise<LarderError | undefined> {
    const { memory } = this.#options
    const common = { name, place: config.at, identity: spec.identity, runId: Number(this.#context.runId) || undefined }
    const address = spec.addresses[0]?.address ?? config.ssh?.address
    try {
      const result = await work()
      if (result === undefined) return undefined
      const { report, error } = reportMachine(name, result, address)
      const base = 'unreachable' in result ? undefined : knownBase(this.#context, config)
      await memory.report({ ...common, ...report, base })
      return error
    } catch (error) {
      if (!isLarderError(error) || this.#context.signal.aborted) throw error
      const detail = { address, os: undefined, ok: 0, resources: [], why: error.message }
      const place = movesFrom === undefined ? config.at : ((await memory.get(name))?.place ?? config.at)
      await memory.report({ ...common, place, state: 'failed', detail, hasChanged: false })
      return error
    }
  }

  async #bringUp(machine: MachineAtWork): Promise<HostResult> {
    const { name, config, spec, movesFrom } = machine
    const { place: placeOf, credentials } = this.#options
    const { signal, progress, runId } = this.#context
    const place = await placeOf(config.at)
    const resources = await resolveMachine(this.#options, this.#context, machine)
    if (movesFrom !== undefined) {
      progress.log(`machine ${name}: is removed from where it was (${movesFrom})`)
      await (await placeOf(movesFrom)).remove({ name, site: this.#context.siteName })
      await this.#noteBegun(machine)
    }
    if ((await stateOf(this.#options, spec, config)) !== 'running') {
      progress.log(`machine ${name}: is brought up`)
      await this.#noteBegun(machine)
      const base = await baseOf(this.#options, this.#context, config)
      const room = { credentials: await credentials(name), progress, signal }
      await place.bringUp({ ...spec, base }, room)
    }
    const target = { machine: name, host: place.host(spec), resources }
    const log = (line: string): void => progress.log(`machine ${name}: ${line}`)
    const [result] = await this.#options.apply([target], { signal, runId, owner: ownerOf(this.#context), log })
    if (result === undefined) throw new Error(`nothing was said of ${name}`)
    return result
  }

  /** Before it is made: whatever ends this, what is there is known. */
  async #noteBegun({ name, config, spec }: MachineAtWork): Promise<void> {
    const detail = { address: spec.addresses[0]?.address, os: undefined, ok: 0, resources: [], why: undefined }
    const begun = { name, place: config.at, identity: spec.identity, runId: undefined, hasChanged: true }
    await this.#options.memory.report({ ...begun, state: 'changing', detail })
  }
}

interface MachineAtWork {
  name: string
  config: MachineConfig
  spec: MachineSpec
  /** Of all machines. */
  specs: ReadonlyMap<string, MachineSpec>
  movesFrom: MachineConfig['at'] | undefined
}

function notReached(name: string, other: string): LarderError {
  return new LarderError('FLEET_APPLY_FAILED', {
    message: `Machine ${name} waits for ${other}, which is not as declared.`,
    hint: `Mend ${other} first.`,
    context: { machine: name },
  })
}
