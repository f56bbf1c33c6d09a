import type { Finding, KindContext } from '../../core/index.ts'
import type { StagedMachine } from './machine-change.ts'
import type { MachineKindOptions } from './machine-kind-options.ts'
import type { MachinesConfig } from './machine-schema.ts'
import { stateOf } from './observe-machines.ts'
import { machineSpecs } from './machine-spec.ts'

/** The machine is there, as a place sees it. What is on it was read again right after it was changed. */
export async function verifyMachine(
  { place, memory }: MachineKindOptions,
  context: KindContext,
  { machine, action }: StagedMachine,
): Promise<Finding[]> {
  const desired = (context.site['machines'] ?? {}) as MachinesConfig
  const config = desired[machine]
  const spec = machineSpecs(desired, { ...context, known: await memory.list() }).get(machine)
  if (action === 'remove' || config === undefined || spec === undefined) return []
  const state = await stateOf({ place }, spec, config)
  if (state === 'running') return []
  const subject = `machine ${machine}`
  return [{ severity: 'error', subject, message: `${machine} was brought up, and is ${state} now` }]
}
