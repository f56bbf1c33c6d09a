import type { KindContext } from '../../core/index.ts'
import { declareNetwork, type DeclaredNetwork } from '../network/declared-network.ts'
import type { NetworkConfig } from '../network/network-schema.ts'
import type { OwnAddresses } from '../network/own-addresses.ts'
import type { MachineSpec } from '../place/place.ts'
import { machineAddresses, type MachineAddress } from './machine-addresses.ts'
import { identityOf, type Identity } from './machine-identity.ts'
import type { KnownMachine } from './machine-memory.ts'
import type { MachineConfig, MachinesConfig } from './machine-schema.ts'

/** All machines of a site as places have to know them, without what they begin with. By name. `own`: what this host has in its networks. */
export function machineSpecs(
  desired: MachinesConfig,
  { site, siteName, known, own }: SiteOf & { known: readonly KnownMachine[]; own: OwnAddresses },
): Map<string, MachineSpec> {
  const mirrors = Object.keys(site['mirrors'] ?? {})
  const bases = new Map(known.map(({ name, base }) => [name, base]))
  const before = known.flatMap(({ name, detail }) =>
    detail.address === undefined ? [] : [[name, detail.address] as const],
  )
  const network = networkOf({ site, siteName })
  const addresses = machineAddresses(desired, network, { known: new Map(before), own })
  return new Map(
    Object.entries(desired).map(([name, config]) => {
      const identity = identityOf(config, { mirrors, base: bases.get(name) })
      return [name, specOf({ name, siteName, config, identity }, addresses.get(name))]
    }),
  )
}

type SiteOf = Pick<KindContext, 'site' | 'siteName'>

export function networkOf({ site, siteName }: SiteOf): DeclaredNetwork | undefined {
  const network = site['network'] as NetworkConfig | undefined
  return network && declareNetwork(network, siteName)
}

interface DeclaredMachine {
  name: string
  siteName: string
  config: MachineConfig
  identity: Identity
}

function specOf(
  { name, siteName, config, identity: { identity, others } }: DeclaredMachine,
  address: MachineAddress | undefined,
): MachineSpec {
  const { memory_mb: memoryMiB, cpus, disk_mb: diskMiB } = config
  return {
    name,
    site: siteName,
    addresses: address === undefined ? [] : [address],
    ...(config.ssh === undefined ? {} : { ssh: config.ssh }),
    identity,
    otherIdentities: others,
    memoryMiB,
    cpus,
    ...(diskMiB === undefined ? {} : { diskMiB }),
  }
}
