import { quote, type CheckContext, type Problem } from '../../core/index.ts'
import { isMade } from '../machine/is-made.ts'
import { machinesOf } from '../machine/machine-schema.ts'
import { addressNumber, blockText, isWithin, parseBlock } from './address.ts'
import { checkReservations } from './check-reservations.ts'
import { hosts, rangeOf, wrongHost, type AddressedMachine, type CheckedSubnet, type Report } from './checked-subnet.ts'
import { namedSubnets } from './declared-network.ts'
import type { NetworkConfig, SubnetConfig } from './network-schema.ts'

/** What the schema cannot see: addresses against their subnet, and against each other. */
export function checkNetwork(
  config: NetworkConfig,
  context: CheckContext,
  machines: readonly AddressedMachine[],
): Problem[] {
  const problems: Problem[] = []
  const names = context.declared['machines'] ?? []
  const existing = Object.entries(machinesOf(context.site)).flatMap(([name, { at }]) => (isMade(at) ? [] : [name]))
  const subnets = namedSubnets(config).map(([name, subnet]) => {
    const root = config.subnets === undefined ? ['network'] : ['network', 'subnets', name]
    const report: Report = (path, message, more = {}) => {
      problems.push({ severity: 'error', message, ...context.positionOf([...root, ...path]), ...more })
    }
    return { name, config: subnet, block: parseBlock(subnet.subnet) ?? { first: 0, last: 0, prefixLength: 32 }, report }
  })
  for (const subnet of subnets) {
    checkSubnet(subnet)
    checkReservations(subnet, { machines, names, existing })
    checkMachines(subnet, machines, (name, message, expected) => {
      const position = context.positionOf(['machines', name, 'address'])
      problems.push({ severity: 'error', message, ...position, expected })
    })
  }
  subnets.forEach((subnet, index) => {
    for (const earlier of subnets.slice(0, index)) {
      checkPair(subnet, earlier)
      checkForward(subnet, earlier)
    }
  })
  return problems
}

function checkSubnet({ config, block, report }: CheckedSubnet): void {
  const { subnet, gateway, dhcp } = config
  if (blockText(block) !== subnet) {
    report(['subnet'], `${subnet} is an address within a subnet`, { expected: blockText(block) })
  }
  if (block.prefixLength < 8 || block.prefixLength > 30) {
    report(['subnet'], `a subnet of /${block.prefixLength}`, { expected: '/8 to /30' })
  }
  const wrongGateway = wrongHost(block, gateway)
  if (wrongGateway !== undefined) report(['gateway'], `the gateway ${wrongGateway}`, { expected: hosts(block) })
  if (config.interface !== undefined && config.bridge !== undefined) {
    report(['interface'], 'there are both interface and bridge', { expected: 'one of them' })
  }
  if (dhcp !== undefined) checkRange({ config, block, report }, dhcp.range)
}

function checkRange(
  { config, block, report }: CheckedSubnet,
  [first, last]: NonNullable<SubnetConfig['dhcp']>['range'],
): void {
  const ends = [first, last].map((address, index) => {
    const wrong = wrongHost(block, address)
    if (wrong !== undefined) report(['dhcp', 'range', index], `the range ${wrong}`, { expected: hosts(block) })
    return addressNumber(address) ?? 0
  }) as [number, number]
  const range = { first: ends[0], last: ends[1] }
  if (range.last < range.first) {
    report(['dhcp', 'range'], `the range ends before it begins`, { expected: `[${last}, ${first}]` })
  } else if (isWithin(range, addressNumber(config.gateway) ?? -1)) {
    report(['dhcp', 'range'], `the gateway ${config.gateway} is in the range`, { expected: 'a range without it' })
  }
}

type ReportMachine = (name: string, message: string, expected: string) => void

/** Machines have their address by themselves: one that is handed out to others too would be there twice. */
function checkMachines(
  { config, block }: CheckedSubnet,
  machines: readonly AddressedMachine[],
  report: ReportMachine,
): void {
  const { dhcp, gateway } = config
  for (const { name, address } of machines) {
    const number = addressNumber(address) ?? -1
    if (!isWithin(block, number)) continue
    const wrong = address === gateway ? `${address} is the gateway` : wrongHost(block, address)
    if (wrong !== undefined) report(name, wrong, `another one from ${hosts(block)}`)
    if (dhcp === undefined || !isWithin(rangeOf(dhcp.range), number)) continue
    if (Object.values(dhcp.reservations).some((reserved) => reserved.address === address)) continue
    const range = `the range that is handed out, ${dhcp.range.join(' to ')}`
    report(name, `${address} is in ${range}, and not reserved`, `one outside of it, or a reservation for ${name}`)
  }
}

type NamedSubnet = CheckedSubnet & { name: string }

function checkPair({ config, block, report }: NamedSubnet, earlier: NamedSubnet): void {
  if (isWithin(block, earlier.block.first) || isWithin(earlier.block, block.first)) {
    report(['subnet'], `${config.subnet} overlaps ${earlier.config.subnet} of ${quote(earlier.name)}`, {
      expected: 'subnets with no address in common',
    })
  }
  const device = config.bridge ?? config.interface
  if (device !== undefined && device === (earlier.config.bridge ?? earlier.config.interface)) {
    const key = config.bridge === undefined ? 'interface' : 'bridge'
    report([key], `${device} is that of ${quote(earlier.name)} already`, { expected: 'one network on each interface' })
  }
  const [own, other] = [config.dhcp?.server, earlier.config.dhcp?.server]
  if (own !== undefined && other !== undefined && own !== other) {
    report(['dhcp', 'server'], `${quote(earlier.name)} has ${other}`, { expected: `${other} for all networks` })
  }
}

/** One server answers for names in all networks, whoever asks: it cannot ask others for some of them alone. */
function checkForward(one: NamedSubnet, other: NamedSubnet): void {
  const [isClosed, isOtherClosed] = [isClosedTo(one.config), isClosedTo(other.config)]
  if (isClosed === undefined || isOtherClosed === undefined || isClosed === isOtherClosed) return
  const [closed, open] = isClosed ? [one, other] : [other, one]
  closed.report(['dns', 'forward'], `names outside of the site are asked for in ${quote(open.name)}, and not here`, {
    expected: 'forward: false in each network that Larder answers in, or in none',
  })
}

/** Whether clients learn no names from outside; undefined: they do not ask Larder. */
function isClosedTo({ dns, dhcp }: SubnetConfig): boolean | undefined {
  if (dns === undefined) return dhcp === undefined ? undefined : false
  if (dns === false || Array.isArray(dns)) return undefined
  return dns.forward === false
}
