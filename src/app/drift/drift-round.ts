import { foundMachine, type FoundMachine, type KnownMachine, type ObservedMachine } from '../../fleet/index.ts'
import { beginLimitedApply } from '../begin-limited-apply.ts'
import type { ControllerContext } from '../controller/context.ts'
import type { Run } from '../../pipeline/index.ts'
import { lookAtMachines } from '../look-at-machines.ts'
import { driftedServices, type DriftedService } from './drifted-services.ts'
import type { Patience } from './patience.ts'

export interface DriftRoundOptions {
  context: ControllerContext
  /** When a machine is healed again that no healing helps. */
  patience: Patience
  /** Is told of a machine that was as declared, or otherwise, at the last look. */
  onDrift: (drift: MachineDrift) => Promise<void>
}

/** What was found of a machine that is not as declared. */
export interface MachineDrift {
  machine: string
  state: FoundMachine['state']
  why: string
  /** Run that puts it back; undefined: it is only told of. */
  run: number | undefined
}

/** `busy`: a run is under way that does the same, or is still to come. */
export type DriftOutcome = 'busy' | 'clean' | 'different' | 'unreachable'

/**
 * Looks at all machines that were applied once, and at services on them, and remembers how they are. One that a run has found as
 * declared, and so has not touched, is known from the first look at which it still is. What differs is put back by a run of the
 * fleet's sections alone, on those machines alone, or told of, as each machine says. `renewed`: mirrors
 * that were published without a run, as `mirror base`; whoever uses them converges, whatever it says of drift.
 */
export async function driftRound(options: DriftRoundOptions, renewed: readonly string[] = []): Promise<DriftOutcome> {
  const { context } = options
  const applied = await appliedCommit(context)
  if (applied === undefined) return 'busy'
  const known = new Map((await context.fleet.memory.list()).map((machine) => [machine.name, machine]))
  const all = await lookAtMachines(context, { renewed })
  const looked = all.filter(({ name }) => known.has(name))
  const services = await driftedServices(context)
  // What a run has begun meanwhile is not drift.
  if ((await appliedCommit(context)) !== applied) return 'busy'
  const found = looked.map((machine) => ({ machine, found: foundMachine(machine) }))
  for (const one of found) await remember(context, { ...one, known: known.get(one.machine.name) })
  for (const machine of all.filter(({ name }) => !known.has(name))) {
    const found = foundMachine(machine)
    if (found?.state === 'converged') await remember(context, { machine, found, known: undefined })
  }
  const ofServices = await machinesOfServices(options, { services, looked })
  const different = found.filter((one) => isToHeal(options, one)).map(({ machine }) => machine.name)
  const toHeal = [...new Set([...different, ...ofServices])]
  const run = toHeal.length === 0 ? undefined : await heal(context, applied, toHeal)
  if (run === 'outdated') return 'busy'
  for (const one of found) {
    const { name } = one.machine
    await tell(options, { ...one, run: toHeal.includes(name) ? run?.id : undefined, before: known.get(name) })
  }
  return outcomeOf([...found.map((one) => one.found?.state), ...services.map(() => 'different' as const)])
}

interface Found {
  machine: ObservedMachine
  found: FoundMachine | undefined
}

/**
 * The head of main, when all that is to be done about it was tried: what a merge is about to change is no drift, and what
 * was never applied, or somebody has cancelled, is not for us to apply.
 */
async function appliedCommit({ runs, siteHead }: ControllerContext): Promise<string | undefined> {
  const head = await siteHead.current()
  const latest = await latestValid(runs)
  if (head === undefined || latest?.commit !== head.commit || latest.finishedAt === undefined) return undefined
  const atWork = [...(await runs.waiting()), ...(await runs.list({ limit: 20, state: 'running' }))]
  const isBusy = atWork.some(({ branch, goal }) => branch === 'main' && goal === 'apply')
  return isBusy ? undefined : head.commit
}

/** A commit that cannot be read changes nothing: what came before it still is what is declared. */
async function latestValid(runs: ControllerContext['runs']): Promise<Run | undefined> {
  const latest = await runs.latest('main', 'apply')
  if (latest === undefined || !isUnreadable(latest)) return latest
  const before = await runs.list({ limit: 200, before: latest.id })
  return before.find(
    ({ branch, goal, pullRequest, sections, ...run }) =>
      branch === 'main' &&
      goal === 'apply' &&
      pullRequest === undefined &&
      sections === undefined &&
      !['superseded', 'cancelled'].includes(run.state) &&
      !isUnreadable(run),
  )
}

const isUnreadable = ({ error }: Pick<Run, 'error'>): boolean => error?.code === 'SITE_INVALID'

/** `outdated`: a merge has come meanwhile, which brings its own; this would bring back what it replaces. */
async function heal(context: ControllerContext, commit: string, machines: string[]): Promise<Run | 'outdated'> {
  const isOutdated = (newest: Run): boolean =>
    !isUnreadable(newest) && (newest.commit !== commit || newest.finishedAt === undefined)
  return (await beginLimitedApply(context, { commit, machines, origin: 'drift' }, isOutdated)) ?? 'outdated'
}

function isToHeal({ patience }: DriftRoundOptions, { machine, found }: Found): boolean {
  if (found?.state === 'converged') patience.forget(machine.name)
  if (found === undefined || found.state === 'unreachable') return false
  if (machine.renewed.length > 0) return true
  return found.state === 'different' && machine.config.drift === 'heal' && patience.mayTry(machine.name)
}

/** Where a service is not as declared, on machines that are put back. */
async function machinesOfServices(
  { context, patience }: DriftRoundOptions,
  { services, looked }: { services: readonly DriftedService[]; looked: readonly ObservedMachine[] },
): Promise<string[]> {
  const known = await context.fleet.services.memory.list()
  for (const { name } of known)
    if (!services.some(({ service }) => service === name)) patience.forget(`service ${name}`)
  return services.flatMap((one) => {
    const healed = looked.filter(({ name, config }) => config.drift === 'heal' && one.machines.includes(name))
    const own = healed.map(({ name }) => name)
    return own.length > 0 && patience.mayTry(`service ${one.service}`) ? own : []
  })
}

async function remember(
  { fleet }: ControllerContext,
  { machine, found, known }: Found & { known: KnownMachine | undefined },
): Promise<void> {
  if (found === undefined) return
  const { name, config, spec, movesFrom } = machine
  const detail = { ...found.detail, os: found.detail.os ?? known?.detail.os }
  const about = { name, place: movesFrom ?? config.at, identity: spec.identity, runId: known?.runId }
  const base = machine.state === 'running' && found.state !== 'unreachable' ? machine.base : undefined
  await fleet.memory.report({ ...about, state: found.state, detail, hasChanged: false, base })
}

async function tell(
  { context: { log }, patience, onDrift }: DriftRoundOptions,
  { machine: { name }, found, run, before }: Found & { run: number | undefined; before: KnownMachine | undefined },
): Promise<void> {
  const why = found?.detail.why
  if (found === undefined || why === undefined || !patience.isNews(name, why, before?.state === 'converged')) return
  log.warn(`machine ${name} is not as declared`, { why, run })
  await onDrift({ machine: name, state: found.state, why, run })
}

function outcomeOf(states: readonly (FoundMachine['state'] | undefined)[]): DriftOutcome {
  if (states.includes('different')) return 'different'
  return states.includes('unreachable') ? 'unreachable' : 'clean'
}
