import { ownValue, type KindContext } from '../../core/index.ts'
import type { Host } from '../host/host.ts'
import { machinesOf, type MachinesConfig } from '../machine/machine-schema.ts'
import { machineSpecs } from '../machine/machine-spec.ts'
import { machineVariables } from '../machine/machine-variables.ts'
import { stateOf } from '../machine/observe-machines.ts'
import type { MachineSpec } from '../place/place.ts'
import type { ServiceTarget } from './look-at-service.ts'
import type { ServiceKindOptions } from './service-kind-options.ts'
import { resolveService } from './service-resources.ts'
import type { ServiceConfig } from './service-schema.ts'

/** The machines of a site, as services find them. */
export interface SiteMachines {
  readonly config: MachinesConfig
  readonly specs: ReadonlyMap<string, MachineSpec>
}

export async function siteMachines({ machines }: ServiceKindOptions, context: KindContext): Promise<SiteMachines> {
  const config = machinesOf(context.site)
  const [known, own] = [await machines.memory.list(), await machines.ownAddresses(context)]
  return { config, specs: machineSpecs(config, { ...context, known, own }) }
}

/**
 * A service on each of its machines, with all that is declared of it. FLEET_IMAGE_UNKNOWN and FLEET_MIRROR_UNKNOWN until what it
 * needs is published; FLEET_SECRET_UNKNOWN and its like.
 */
export async function serviceTargets(
  options: ServiceKindOptions,
  context: KindContext,
  { name, config, machines }: { name: string; config: ServiceConfig; machines: SiteMachines },
): Promise<ServiceTarget[]> {
  const variables = machineVariables(machines.specs)
  const known = (await options.memory.list()).filter((one) => one.name === name)
  const room = {
    files: context.files,
    image: (image: string) => options.image(context, image),
    registry: await options.registry(context),
  }
  return Promise.all(
    config.machines.map(async (machine): Promise<ServiceTarget> => {
      const isNested = ownValue(machines.config, machine)?.at === 'container'
      const own = { machine: variables[machine], machines: variables, site: context.siteName }
      const ofMachine = { ...options.room(context, machine), ...room, variables: own }
      const resolved = await resolveService({ name, config, isNested }, ofMachine)
      const wasContainer = known.find((one) => one.machine === machine)?.reference !== undefined
      return { ...resolved, machine, host: await hostOf(options, machines, machine), wasContainer }
    }),
  )
}

/** A machine that is not there, or does not run; undefined: all do. */
export async function machineToCome(
  options: ServiceKindOptions,
  names: readonly string[],
  { config, specs }: SiteMachines,
): Promise<string | undefined> {
  const states = await Promise.all(names.map((name) => stateOf(options.machines, specs.get(name)!, config[name]!)))
  return names.find((_, index) => states[index] !== 'running')
}

/** How scripts are run on a machine of the site. */
export async function hostOf(
  { machines }: ServiceKindOptions,
  { config, specs }: SiteMachines,
  name: string,
): Promise<Host> {
  const place = await machines.place(config[name]!.at)
  return place.host(specs.get(name)!)
}
