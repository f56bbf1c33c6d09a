import { isLarderError, retell, type KindContext } from '../../core/index.ts'
import type { HostPlan } from '../converge/host-plan.ts'
import type { MachineSpec, MachineState } from '../place/place.ts'
import type { Resource } from '../resource/resource-type.ts'
import { declaredServices } from '../service/declared-service.ts'
import { servicesOf } from '../service/service-schema.ts'
import type { ObservedMachine, ObservedMachines } from './machine-change.ts'
import { knownBase } from './machine-base.ts'
import { isMade, placeBefore } from './is-made.ts'
import type { MachineKindOptions } from './machine-kind-options.ts'
import type { MachineConfig, MachinesConfig } from './machine-schema.ts'
import { machineSpecs } from './machine-spec.ts'
import { machineVariables } from './machine-variables.ts'

/**
 * Looks at all machines at once: which there are, and how what is on them differs from what is declared. For somebody whom
 * nobody here has vouched for, no secret is opened and nothing is run on machines.
 */
export async function observeMachines(
  options: MachineKindOptions,
  context: KindContext,
  desired: MachinesConfig,
): Promise<ObservedMachines> {
  const known = await options.memory.list()
  const limit = await options.limitOf(context.runId)
  const specs = machineSpecs(desired, { ...context, known, own: await options.ownAddresses(context) })
  const asked = Object.entries(desired).filter(([name]) => limit === undefined || limit.includes(name))
  const mayLook = context.trust === 'trusted'
  const planned = new Set(context.planned?.map(({ subject }) => subject))
  const found = await Promise.all(
    asked.map(async ([name, config]): Promise<Found> => {
      const spec = specs.get(name)!
      const movesFrom = placeBefore(known, { name, at: config.at })
      const base = knownBase(context, config)
      const about = { name, config, spec, movesFrom, base }
      if (!mayLook) return { ...about, ...unseen }
      const resolved = await resolveOrWait(options, context, { name, config, specs })
      const looked = movesFrom === undefined ? await lookForIt(options, spec, config) : moving
      const isBaseToCome = base !== undefined && planned.has(`mirror ${base}`)
      return { ...about, ...resolved, ...looked, isBaseToCome }
    }),
  )
  const plans = await planRunning(options, context, found)
  const leftOver = limit === undefined ? known.filter(({ name }) => !Object.hasOwn(desired, name)) : []
  const wanted = new Set([...specs.values()].flatMap(({ addresses }) => addresses.map(({ address }) => address)))
  return {
    machines: found.map(({ away, ...machine }) => ({ ...machine, plan: away ?? plans.get(machine.name) })),
    leftOver: leftOver.map(({ name, place, detail }) => ({
      name,
      place,
      isInTheWay: wanted.has(detail.address ?? ''),
    })),
  }
}

const unseen = {
  resources: [],
  waitsFor: undefined,
  renewed: [],
  isBaseToCome: false,
  state: undefined,
  away: undefined,
}
const moving = { state: 'other', away: undefined } as const

const placeFailures = [
  'FLEET_PLACE_UNUSABLE',
  'FLEET_MACHINE_FAILED',
  'TOOL_MISSING',
  'FLEET_NETWORK_INTERFACE_MISSING',
] as const

/** What makes machines may be away itself: that keeps nobody from looking at all others, nor from what a run has to do besides. */
async function lookForIt(
  options: MachineKindOptions,
  spec: MachineSpec,
  config: MachineConfig,
): Promise<Pick<Found, 'state' | 'away'>> {
  try {
    return { state: await stateOf(options, spec, config), away: undefined }
  } catch (error) {
    if (!isLarderError(error, ...placeFailures)) throw error
    return { state: 'running', away: { machine: spec.name, unreachable: error } }
  }
}

/** The mirror or image that a machine asks for may come with the very run that plans it. */
async function resolveOrWait(
  options: MachineKindOptions,
  context: KindContext,
  machine: Parameters<typeof resolveMachine>[2],
): Promise<Pick<ObservedMachine, 'resources' | 'waitsFor' | 'renewed'>> {
  const used = new Set<string>()
  try {
    const resources = await resolveDeclared(noting(options, used), context, machine)
    const renewed = (context.planned ?? []).map(({ subject }) => subject).filter((subject) => used.has(subject))
    return { resources, waitsFor: undefined, renewed }
  } catch (error) {
    if (!isLarderError(error, 'FLEET_MIRROR_UNKNOWN', 'FLEET_IMAGE_UNKNOWN')) throw ofMachine(machine.name, error)
    return { resources: [], waitsFor: error.message, renewed: [] }
  }
}

/** Notes which mirrors and images are asked for, as `mirror base`. */
function noting(options: MachineKindOptions, used: Set<string>): MachineKindOptions {
  return {
    ...options,
    room(context, name) {
      const { mirror, image, ...room } = options.room(context, name)
      const note = (subject: string): void => void used.add(subject)
      return {
        ...room,
        mirror: (asked) => (note(`mirror ${asked}`), mirror(asked)),
        image: (asked) => (note(`image ${asked}`), image(asked)),
      }
    },
  }
}

type Found = Omit<ObservedMachine, 'plan'> & { away: HostPlan | undefined }

/** Hosts that exist are asked for their facts at once: that tells as well whether they are there. */
export async function stateOf(
  { place }: Pick<MachineKindOptions, 'place'>,
  spec: MachineSpec,
  config: MachineConfig,
): Promise<MachineState> {
  if (!isMade(config.at)) return 'running'
  return (await place(config.at)).observe(spec)
}

async function planRunning(
  options: MachineKindOptions,
  { signal }: KindContext,
  found: readonly Found[],
): Promise<Map<string, HostPlan>> {
  const running = found.filter(
    ({ state, waitsFor, away }) => state === 'running' && waitsFor === undefined && away === undefined,
  )
  if (running.length === 0) return new Map()
  const targets = await Promise.all(
    running.map(async ({ name, config, spec, resources }) => {
      const place = await options.place(config.at)
      return { machine: name, host: place.host(spec), resources }
    }),
  )
  const plans = await options.plan(targets, { signal })
  return new Map(plans.map((plan) => [plan.machine, plan]))
}

type ResolveOptions = Pick<MachineKindOptions, 'resolve' | 'certify' | 'room'>

/** What is declared of a machine, with files, secrets and addresses of mirrors and images in it. FLEET_RESOURCE_INVALID and its like. */
export async function resolveMachine(
  options: ResolveOptions,
  context: KindContext,
  { name, config, specs }: { name: string; config: MachineConfig; specs: ReadonlyMap<string, MachineSpec> },
): Promise<Resource[]> {
  try {
    return await resolveDeclared(options, context, { name, config, specs })
  } catch (error) {
    throw ofMachine(name, error)
  }
}

async function resolveDeclared(
  options: ResolveOptions,
  context: KindContext,
  { name, config, specs }: Parameters<typeof resolveMachine>[2],
): Promise<Resource[]> {
  const machines = machineVariables(specs)
  const variables = { machine: machines[name], machines, site: context.siteName, ...config.variables }
  const services = declaredServices(servicesOf(context.site))
  return options.resolve(
    { name, config, services, certify: options.certify },
    { files: context.files, variables, ...options.room(context, name) },
  )
}

function ofMachine(name: string, error: unknown): unknown {
  return isLarderError(error) ? retell(error, `Machine ${name}: ${error.message}`, { machine: name }) : error
}
