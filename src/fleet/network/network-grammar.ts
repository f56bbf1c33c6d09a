import type { KindGrammar } from '../../core/index.ts'
import { checkNetwork } from './check-network.ts'
import type { AddressedMachine } from './checked-subnet.ts'
import { networkSchema, type NetworkConfig } from './network-schema.ts'

/** What the files of a site may say of its networks, with nothing opened. */
export function networkGrammar(): KindGrammar<NetworkConfig> {
  return {
    section: 'network',
    schema: networkSchema,
    check: async (desired, context) => checkNetwork(desired, context, addressedMachines(context.site)),
  }
}

/** Machines of the site whose address is written in it. */
export function addressedMachines(site: Readonly<Record<string, unknown>>): AddressedMachine[] {
  const machines = Object.entries((site['machines'] ?? {}) as Readonly<Record<string, { address?: unknown }>>)
  return machines.flatMap(([name, { address }]) => (typeof address === 'string' ? [{ name, address }] : []))
}
