import { isLarderError, ownValue, type KindContext } from '../../core/index.ts'
import { hostFailures } from '../converge/plan-host.ts'
import { createKeptRelease } from './kept-release.ts'
import { isToDo, lookAtService, type FoundService, type ServiceTarget } from './look-at-service.ts'
import { ServerWatch } from './server-watch.ts'
import type { ObservedService, ObservedServices } from './service-change.ts'
import type { ServiceKindOptions } from './service-kind-options.ts'
import type { KnownService } from './service-memory.ts'
import type { ServiceConfig, ServicesConfig } from './service-schema.ts'
import { hostOf, machineToCome, serviceTargets, siteMachines, type SiteMachines } from './service-targets.ts'

/** Looks at all services at once. For somebody whom nobody here has vouched for, nothing is run on machines. */
export async function observeServices(
  options: ServiceKindOptions,
  context: KindContext,
  desired: ServicesConfig,
): Promise<ObservedServices> {
  const known = await options.memory.list()
  const asked = await askedFor(options, context, desired)
  const restarted = await options.restartOf(context.runId)
  const machines = await siteMachines(options, context)
  const services = await Promise.all(
    asked.map(async ([name, config]): Promise<ObservedService> => {
      const own = known.filter((one) => one.name === name)
      const versions = new Map(own.map(({ machine, version }) => [machine, version]))
      const base = { name, config, versions, isRestarted: restarted === name }
      if (context.trust !== 'trusted') return { ...base, waitsFor: undefined, found: undefined }
      const observed = await observeService(options, context, { name, config, machines })
      await noteGood(options, own, { name, found: observed.found ?? [] })
      return { ...base, ...observed }
    }),
  )
  const isLimited = (await options.machines.limitOf(context.runId)) !== undefined || restarted !== undefined
  return { services, leftOver: isLimited ? [] : known.filter((one) => !isDeclared(one, desired)) }
}

/** Services that something is to be done about, and the machines where that is known. */
export function servicesToDo({ services }: ObservedServices): { name: string; machines: string[] }[] {
  return services.flatMap(({ name, found = [] }) => {
    const todo = found.filter((one) => one.problem === undefined && isToDo(one))
    return todo.length === 0 ? [] : [{ name, machines: todo.map(({ target }) => target.machine) }]
  })
}

/** Services that a run is about: those that are on its machines. */
export async function askedFor(
  { machines, restartOf }: ServiceKindOptions,
  { runId }: KindContext,
  desired: ServicesConfig,
): Promise<[string, ServiceConfig][]> {
  const limit = await machines.limitOf(runId)
  const restarted = await restartOf(runId)
  return Object.entries(desired).filter(([name, config]) => {
    if (restarted !== undefined) return name === restarted
    return limit === undefined || config.machines.some((machine) => limit.includes(machine))
  })
}

/** What is as declared and was not known to be so: nothing is to be done about it, so that no rollout tells. */
async function noteGood(
  { memory }: ServiceKindOptions,
  known: readonly KnownService[],
  { name, found }: { name: string; found: readonly FoundService[] },
): Promise<void> {
  for (const one of found) {
    const { machine, unit, version, reference } = one.target
    const before = known.find((other) => other.machine === machine)
    if (isToDo(one) || (before?.state === 'ready' && before.reference === reference)) continue
    const about = { name, machine, unit, version, reference, runId: before?.runId }
    await memory.report({ ...about, state: 'ready', why: undefined, hasChanged: false })
  }
}

function isDeclared({ name, machine }: KnownService, desired: ServicesConfig): boolean {
  return ownValue(desired, name)?.machines.includes(machine) === true
}

async function observeService(
  options: ServiceKindOptions,
  context: KindContext,
  service: { name: string; config: ServiceConfig; machines: SiteMachines },
): Promise<Pick<ObservedService, 'waitsFor' | 'found'>> {
  const { config, machines } = service
  const waits = (waitsFor: string) => ({ waitsFor, found: undefined })
  const toCome = await machineToCome(options, [...config.machines, ...(config.balance?.on ?? [])], machines)
  const planned = context.planned?.find(({ subject }) => subject === `image ${config.image ?? ''}`)
  const awaited = toCome === undefined ? planned?.subject : `machine ${toCome}`
  try {
    // Mistakes are told before anything is made for it.
    const targets = await serviceTargets(options, context, service)
    if (awaited !== undefined) return waits(awaited)
    return { waitsFor: undefined, found: await lookOrTell(options, context, { ...service, targets }) }
  } catch (error) {
    if (!isLarderError(error, 'FLEET_MIRROR_UNKNOWN', 'FLEET_IMAGE_UNKNOWN', 'FLEET_BALANCER_AWAY')) throw error
    return waits(awaited ?? error.message)
  }
}

async function lookOrTell(
  options: ServiceKindOptions,
  context: KindContext,
  service: { name: string; config: ServiceConfig; machines: SiteMachines; targets: readonly ServiceTarget[] },
): Promise<FoundService[]> {
  const { name, targets } = service
  const { signal } = context
  const watch = await serverWatch(options, context, service)
  const kept = createKeptRelease(signal)
  const plan = (asked: readonly ServiceTarget[]) => options.machines.plan(asked, { signal })
  try {
    return await lookAtService(name, targets, { plan, kept, watch })
  } catch (error) {
    // A load balancer that cannot be reached: what it would say is not known.
    if (!isLarderError(error, ...hostFailures)) throw error
    const unseen = {
      differences: [],
      isActive: false,
      formers: [],
      isReady: false,
      isBegun: false,
      view: undefined,
      leastView: undefined,
      isServing: false,
    }
    return targets.map((target) => ({ target, problem: error, ...unseen }))
  }
}

export async function serverWatch(
  options: ServiceKindOptions,
  { clock, signal }: KindContext,
  { name, config, machines }: { name: string; config: ServiceConfig; machines: SiteMachines },
): Promise<ServerWatch> {
  const hosts = await Promise.all((config.balance?.on ?? []).map((machine) => hostOf(options, machines, machine)))
  return new ServerWatch({ service: name, balancer: options.balancer, hosts, clock, signal })
}
