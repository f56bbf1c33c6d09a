import { ownValue, type Finding, type KindContext } from '../../core/index.ts'
import type { MachineSpec } from '../place/place.ts'
import type { StagedMachine } from './machine-change.ts'
import type { MachineKindOptions } from './machine-kind-options.ts'
import { machinesOf, type MachinesConfig } from './machine-schema.ts'
import { stateOf } from './observe-machines.ts'
import { machineSpecs } from './machine-spec.ts'

/**
 * Machines are there, as places see them. What is on them was read again right after it was changed. A run verifies them one
 * by one: where all are to be is worked out once.
 */
export function createMachineVerifier(
  options: MachineKindOptions,
): (context: KindContext, staged: StagedMachine) => Promise<Finding[]> {
  const all = new WeakMap<KindContext, Promise<ReadonlyMap<string, MachineSpec>>>()
  const specsOf = async (context: KindContext, desired: MachinesConfig) => {
    const [known, own] = [await options.memory.list(), await options.ownAddresses(context)]
    return machineSpecs(desired, { ...context, known, own })
  }
  return async (context, { machine, action }) => {
    const desired = machinesOf(context.site)
    const config = ownValue(desired, machine)
    if (action === 'remove' || config === undefined) return []
    const specs = all.get(context) ?? specsOf(context, desired)
    all.set(context, specs)
    const state = await stateOf(options, (await specs).get(machine)!, config)
    if (state === 'running') return []
    const subject = `machine ${machine}`
    return [{ severity: 'error', subject, message: `${machine} was brought up, and is ${state} now` }]
  }
}
