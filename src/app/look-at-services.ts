import { observeServices, planServices, servicesOf, type ServiceChange, type ServicesConfig } from '../fleet/index.ts'
import type { ControllerContext } from './controller/context.ts'
import { lookContext } from './look-at-machines.ts'

export interface LookedServices {
  declared: ServicesConfig
  changes: readonly ServiceChange[]
}

/**
 * What a run would change of services of main, by how they are found now: of all, or of those that are on these machines. Nothing
 * is changed or remembered. FLEET_SECRET_UNKNOWN and its like.
 */
export async function lookAtServices(
  context: ControllerContext,
  names: readonly string[] | undefined,
): Promise<LookedServices> {
  const look = await lookContext(context)
  if (look === undefined) return { declared: {}, changes: [] }
  const { options } = context.fleet.services
  const declared = servicesOf(look.site)
  const quiet = {
    ...options,
    memory: { ...options.memory, report: () => Promise.resolve() },
    machines: { ...options.machines, limitOf: () => Promise.resolve(names) },
  }
  return { declared, changes: planServices(await observeServices(quiet, look, declared)) }
}
