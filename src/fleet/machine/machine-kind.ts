import { LarderError, type Kind, type KindContext } from '../../core/index.ts'
import { ConvergeSessions } from './converge-sessions.ts'
import type { MachineChange, ObservedMachines, StagedMachine } from './machine-change.ts'
import { machineGrammar } from './machine-grammar.ts'
import { baseOf } from './machine-base.ts'
import type { MachineKindOptions } from './machine-kind-options.ts'
import type { MachinesConfig } from './machine-schema.ts'
import { observeMachines } from './observe-machines.ts'
import { planMachine, planRemoval } from './plan-machine.ts'
import { createMachineVerifier } from './verify-machine.ts'

export type MachineKind = Kind<MachinesConfig, ObservedMachines, MachineChange, StagedMachine>

/** The kind `machines`: hosts that are brought up, and kept as they are declared. */
export function createMachineKind(
  options: MachineKindOptions,
  sessions: ConvergeSessions = new ConvergeSessions(options),
): MachineKind {
  return {
    ...machineGrammar(),
    nothing: {},
    observe: (context, desired) => observeMachines(options, context, desired),
    plan: (_desired, { machines, leftOver }) => [
      ...leftOver.filter(({ isInTheWay }) => isInTheWay).map(planRemoval),
      ...machines.flatMap(planMachine),
      ...leftOver.filter(({ isInTheWay }) => !isInTheWay).map(planRemoval),
    ],
    stage: (context, change, observed) => stageMachine(options, context, { change, observed }),
    switch: (context, staged) => sessions.of(context).done(staged),
    verify: createMachineVerifier(options),
  }
}

/** What takes long and nobody sees: the root that a machine begins with. */
async function stageMachine(
  options: MachineKindOptions,
  context: KindContext,
  { change, observed }: { change: MachineChange; observed: ObservedMachines },
): Promise<StagedMachine> {
  const { machine, place, whole } = change.detail
  const found = observed.machines.find(({ name }) => name === machine)
  if (found !== undefined && whole !== undefined) {
    const lacking = await (await options.place(place)).unusable()
    if (lacking !== undefined) throw new LarderError('FLEET_PLACE_UNUSABLE', lacking)
    if (found.waitsFor === undefined && !found.isBaseToCome) await baseOf(options, context, found.config)
  }
  return { machine, place, action: whole === 'remove' ? 'remove' : 'converge' }
}
