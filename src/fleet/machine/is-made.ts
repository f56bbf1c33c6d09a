import type { KnownMachine } from './machine-memory.ts'
import type { MachineConfig } from './machine-schema.ts'

/** Whether Larder makes machines at this place, and removes them with all that is on them; others exist without it. */
export function isMade(at: MachineConfig['at']): boolean {
  return at === 'container' || at === 'vm'
}

/** Where a machine was made before, and is to be removed, since it is declared to live elsewhere by now. */
export function placeBefore(
  known: readonly Pick<KnownMachine, 'name' | 'place'>[],
  { name, at }: { name: string; at: MachineConfig['at'] },
): MachineConfig['at'] | undefined {
  const before = known.find((one) => one.name === name)?.place
  return before !== undefined && before !== at && isMade(before) ? before : undefined
}
