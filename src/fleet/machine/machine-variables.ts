import type { MachineSpec } from '../place/place.ts'

export interface MachineVariables {
  name: string
  /** '' where nobody knows it yet. */
  address: string
  network: string
}

/** What templates may say of machines, by name. */
export function machineVariables(specs: ReadonlyMap<string, MachineSpec>): Record<string, MachineVariables> {
  const entries = [...specs].map(([name, { addresses, ssh }]): [string, MachineVariables] => [
    name,
    { name, address: addresses[0]?.address ?? ssh?.address ?? '', network: addresses[0]?.network ?? '' },
  ])
  return Object.fromEntries(entries)
}
