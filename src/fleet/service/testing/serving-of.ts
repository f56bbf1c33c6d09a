import type { ServingMachines } from '../../machine/converge-sessions.ts'
import type { ServiceWorld } from './service-world.ts'

/** Machines of these worlds that are left to be made again. */
export function servingOf(
  worlds: ServiceWorld | readonly ServiceWorld[],
  names: readonly string[] = [],
): ServingMachines {
  const made = new Set<string>()
  return {
    names: () => names,
    prepare: async () => {},
    isAsBefore: async (name) => !made.has(name),
    async makeAgain(name) {
      made.add(name)
      for (const world of [worlds].flat()) world.makeAgain(name)
    },
  }
}
