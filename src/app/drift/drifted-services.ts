import { isLarderError } from '../../core/index.ts'
import { observeServices, servicesOf, servicesToDo } from '../../fleet/index.ts'
import type { ControllerContext } from '../controller/context.ts'
import { lookContext } from '../look-at-machines.ts'

/** A service that a run has brought to machines, and those on which it is not as declared any more. */
export interface DriftedService {
  service: string
  machines: string[]
}

/** None where a look is not possible now: the run that brought them tells what is wrong with what is declared. */
export async function driftedServices(context: ControllerContext): Promise<DriftedService[]> {
  const { services } = context.fleet
  const known = new Set((await services.memory.list()).map(({ name }) => name))
  const look = known.size === 0 ? undefined : await lookContext(context)
  if (look === undefined) return []
  const declared = Object.entries(servicesOf(look.site)).filter(([name]) => known.has(name))
  try {
    const observed = await observeServices(services.options, look, Object.fromEntries(declared))
    return servicesToDo(observed).map(({ name, machines }) => ({ service: name, machines }))
  } catch (error) {
    if (!isLarderError(error)) throw error
    context.log.warn('services could not be looked at', { why: error.message })
    return []
  }
}
