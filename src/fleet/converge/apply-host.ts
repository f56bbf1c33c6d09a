import { isLarderError, type Clock, type LarderError } from '../../core/index.ts'
import type { Resource } from '../resource/resource-type.ts'
import { entryLines } from './entry-lines.ts'
import { makeNonce, readFrames, type FramedOutput } from './frame.ts'
import type { AppliedEntry, ConvergeTarget, HostResult, Outcome } from './host-plan.ts'
import { lockHost } from './lock-host.ts'
import { lookAtHost, lookScript, readLook, type Look } from './look-at-host.ts'
import { owedBy, notifiersOf, readinessOwed } from './notification.ts'
import { orderResources } from './order-resources.ts'
import { hostFailures, planEntries } from './plan-host.ts'
import { runUnit, UnitNotStarted } from './run-unit.ts'
import { judgeLevel } from './judge-level.ts'
import { planSteps, tellingLevels, type Level, type Step } from './step.ts'
import { unitNamed } from './unit-script.ts'

export interface ApplyOptions {
  signal: AbortSignal
  /** Small letters, digits, hyphens; at most 40. The same after a restart: what it has left at work is then waited for. */
  runId: string
  /** Who holds the host meanwhile, for people: the name of the site, and the run. */
  owner: string
  clock: Clock
  /** A line for people, about one resource: what became of it, and before that what it has printed. */
  log: (line: string) => void
  /** Takes secrets out of what was printed. */
  mask: (text: string) => string
  /** For looking at the host. Default 60,000. */
  timeoutMs?: number
  /** For one resource. Default 900,000. */
  stepMs?: number
  /** Until a resource is of use that does not say how long it may take. Default 60,000. */
  readyMs?: number
  /** How long a host that was lost is tried. Default 60,000. */
  reconnectMs?: number
}

/**
 * Makes a host as declared. As it is already: one look, and nothing else. Otherwise it is taken (`lockHost`), looked at
 * again, and changed level by level; what failed holds up only what comes after it. Where it was lost meanwhile and somebody
 * else took it, nothing more begins. FLEET_RESOURCE_INVALID, CANCELLED.
 */
export async function applyHost(target: ConvergeTarget, options: ApplyOptions): Promise<HostResult> {
  const { machine } = target
  try {
    const { timeoutMs = 60_000, signal, runId, owner } = options
    const look = await lookAtHost(target.host, target.resources, { timeoutMs, signal })
    const levels = orderResources(machine, target.resources, look.facts)
    if (planEntries(levels, look).every(({ state }) => state === 'ok')) {
      const entries = levels.flat().map(({ id }) => entryOf(id, 'ok'))
      return { machine, facts: look.facts, entries }
    }
    const lock = await lockHost(target.host, { runId, owner, signal })
    try {
      return await new HostApply(target, options, { levels, hold: () => lock.hold() }).run()
    } finally {
      await lock.release()
    }
  } catch (error) {
    if (isLarderError(error, ...hostFailures)) return { machine, unreachable: error }
    throw error
  }
}

class HostApply {
  readonly #target: ConvergeTarget
  readonly #options: ApplyOptions
  /** Before anything begins there. */
  readonly #hold: () => Promise<void>
  readonly #levels: readonly Resource[][]
  readonly #all: readonly Resource[]
  readonly #entries = new Map<string, AppliedEntry>()
  #lost: LarderError | undefined
  #units = 0

  constructor(
    target: ConvergeTarget,
    options: ApplyOptions,
    { levels, hold }: { levels: readonly Resource[][]; hold: () => Promise<void> },
  ) {
    this.#target = target
    this.#options = options
    this.#hold = hold
    this.#levels = levels
    this.#all = levels.flat()
  }

  async run(): Promise<HostResult> {
    const { machine, host } = this.#target
    const { signal, timeoutMs = 60_000 } = this.#options
    let look: Look | undefined = await lookAtHost(host, this.#all, { timeoutMs, signal })
    const { facts } = look
    const telling = tellingLevels(this.#levels)
    const ownLevels = new Map(this.#levels.flatMap((level, at) => level.map((resource) => [resource, at] as const)))
    const count = Math.max(this.#levels.length, ...[...telling.values()].map((level) => level + 1))
    for (let number = 0; number < count; number++) {
      const seen: Look | undefined = look
      const resources: readonly Resource[] = (this.#levels[number] ?? []).filter((resource) =>
        this.#mayBegin(resource, seen !== undefined),
      )
      if (seen === undefined) continue
      const told = this.#told(seen, (resource) => telling.get(resource) === number)
      // Not before what notifies it: that may be what mends it.
      const unheard: readonly Resource[] = this.#all.filter(
        (resource) =>
          (telling.get(resource) ?? ownLevels.get(resource)) === number &&
          !this.#hasFailed(resource.id) &&
          readinessOwed(resource, seen.pending) !== undefined,
      )
      const rest = this.#levels.slice(number + 1).flat()
      look = await this.#level(seen, { resources, told, unheard, rest }).catch((error: unknown) =>
        this.#loseHost(error, resources),
      )
    }
    return {
      machine,
      facts,
      entries: this.#all.map(({ id }) => this.#entries.get(id) ?? entryOf(id, 'unknown', 'it was not reached')),
      lost: this.#lost,
    }
  }

  /** What was done before stays noted; where nothing was, the host as a whole is what failed. */
  #loseHost(error: unknown, atWork: readonly Resource[]): undefined {
    if (!isLarderError(error, ...hostFailures) || this.#entries.size === 0) throw error
    this.#lost = error
    for (const { id } of atWork) if (!this.#entries.has(id)) this.#note(entryOf(id, 'unknown', error.message))
  }

  /** Notes those that come after something that has failed, or after the host was lost. */
  #mayBegin(resource: Resource, isThere: boolean): boolean {
    const before = resource.after.find((id) => this.#hasFailed(id))
    if (before === undefined && isThere) return true
    const lost = this.#lost?.message ?? 'the connection was lost before its turn'
    const why = before === undefined ? lost : `it comes after ${before}`
    this.#note(entryOf(resource.id, 'skipped', why))
    return false
  }

  #hasFailed(id: string): boolean {
    const outcome = this.#entries.get(id)?.outcome
    return outcome === 'failed' || outcome === 'skipped' || outcome === 'unknown'
  }

  #told(look: Look, isNow: (resource: Resource) => boolean): Resource[] {
    return this.#all.filter((resource) => {
      if (!isNow(resource) || this.#hasFailed(resource.id)) return false
      const changed = notifiersOf(resource, this.#all).some((id) => this.#entries.get(id)?.outcome === 'changed')
      return changed || owedBy(resource, this.#all, look.pending).length > 0
    })
  }

  /** Answers what was seen afterwards; undefined: the host is lost. */
  async #level(look: Look, { resources, told, unheard, rest }: AtLevel): Promise<Look | undefined> {
    const { stepMs = 900_000, readyMs = 60_000 } = this.#options
    const limits = { stepMs, readyMs }
    const steps = planSteps({ resources, all: this.#all, look, facts: look.facts, told, unheard, limits })
    for (const { id } of resources) if (!steps.some((step) => step.resource.id === id)) this.#note(entryOf(id, 'ok'))
    if (steps.length === 0) return look
    const again = [...new Set([...steps.map(({ resource }) => resource), ...rest])]
    const nonce = makeNonce()
    const output = await this.#runSteps(steps, { nonce, again })
    if (typeof output === 'string') {
      for (const { resource } of steps) this.#note(entryOf(resource.id, 'failed', output))
      return look
    }
    const frames = readFrames(output, nonce)
    const after = this.#lookIn(output, frames, { nonce, again })
    for (const entry of judgeLevel(steps, { frames, after, before: look, mask: this.#options.mask })) this.#note(entry)
    return after
  }

  /** A text: why it could not be begun. */
  async #runSteps(
    steps: readonly Step[],
    { nonce, again }: { nonce: string; again: readonly Resource[] },
  ): Promise<Buffer | string> {
    const { signal, clock, runId, reconnectMs = 60_000 } = this.#options
    const script = lookScript(nonce, again)
    const unit = unitNamed(runId, this.#units++)
    try {
      const room = { nonce, runId, steps, look: script, signal, clock, reconnectMs, hold: this.#hold }
      return await runUnit(this.#target.host, unit, room)
    } catch (error) {
      if (error instanceof UnitNotStarted) return `it could not be begun: ${error.message.trim().slice(0, 300)}`
      throw error
    }
  }

  #lookIn(
    output: Buffer,
    frames: ReadonlyMap<string, FramedOutput>,
    { nonce, again }: { nonce: string; again: readonly Resource[] },
  ): Look | undefined {
    if (!frames.has('host')) return undefined
    return readLook(this.#target.host.name, { output, nonce, resources: again, said: '' })
  }

  #note(entry: AppliedEntry): void {
    if (this.#entries.get(entry.id)?.outcome === 'changed' && entry.outcome === 'ok') return
    this.#entries.set(entry.id, entry)
    for (const line of entryLines(entry)) this.#options.log(line)
  }
}

interface AtLevel extends Pick<Level, 'resources' | 'told' | 'unheard'> {
  /** Of later levels. */
  rest: readonly Resource[]
}

function entryOf(id: string, outcome: Outcome, why?: string): AppliedEntry {
  return { id, outcome, why, log: '' }
}
