import type { MachineConfig } from './machine-schema.ts'

/** Whether Larder makes machines at this place, and removes them with all that is on them; others exist without it. */
export function isMade(at: MachineConfig['at']): boolean {
  return at === 'container' || at === 'vm'
}
