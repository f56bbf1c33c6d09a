import type { DeclaredDhcp, DeclaredNetwork, DeclaredSubnet, Reservation } from './declared-network.ts'

/** What differs between two states of the networks, a phrase each: `range .15–.150 → .15–.120`, `1 reservation added: tv`. */
export function describeNetworkChange(before: DeclaredNetwork | undefined, after: DeclaredNetwork): string[] {
  const was = new Map((before?.subnets ?? []).map((subnet) => [subnet.name, subnet]))
  const isAlone = after.subnets.length < 2 && was.size < 2
  const phrases = after.subnets.flatMap((subnet) => {
    const old = was.get(subnet.name)
    const found = old === undefined ? [describeNew(subnet, after)] : describeSubnet(old, subnet)
    return isAlone ? found : found.map((phrase) => `${subnet.name}: ${phrase}`)
  })
  const gone = [...was.values()].filter(({ name }) => after.subnets.every((subnet) => subnet.name !== name))
  const hasDhcp = [before, after].every((one) => one?.subnets.some(({ dhcp }) => dhcp !== undefined))
  return [
    ...(before !== undefined && hasDhcp && before.server !== after.server
      ? [`server ${before.server} → ${after.server}`]
      : []),
    ...phrases,
    ...gone.map(({ name, subnet }) => `${subnet} is no more${isAlone ? '' : ` (${name})`}`),
  ]
}

function describeNew({ subnet, dhcp, dns }: DeclaredSubnet, { server }: DeclaredNetwork): string {
  const names = dns === 'larder' ? ', names are answered' : ''
  if (dhcp === undefined) return `${subnet} without DHCP${names}`
  const reserved = dhcp.reservations.length === 0 ? '' : `, ${counted(dhcp.reservations.length)}`
  return `${subnet}, ${short(dhcp.range)} handed out by ${server}${reserved}${names}`
}

function describeSubnet(before: DeclaredSubnet, after: DeclaredSubnet): string[] {
  return [
    ...differing('subnet', before.subnet, after.subnet),
    ...differing('gateway', before.gateway, after.gateway),
    ...differing('domain', before.domain, after.domain),
    ...differing('interface', before.interface ?? 'by address', after.interface ?? 'by address'),
    ...differing('name server', namesOf(before), namesOf(after)),
    ...differing('names asked of', forwardOf(before), forwardOf(after)),
    ...describeDhcp(before.dhcp, after.dhcp),
  ]
}

function describeDhcp(before: DeclaredDhcp | undefined, after: DeclaredDhcp | undefined): string[] {
  if (before === undefined || after === undefined) {
    if (before === after) return []
    return [after === undefined ? 'no DHCP any more' : `${short(after.range)} handed out`]
  }
  return [
    ...differing('range', short(before.range), short(after.range)),
    ...differing('lease', `${before.leaseSeconds} s`, `${after.leaseSeconds} s`),
    ...differing('time server', listed(before.ntp), listed(after.ntp)),
    ...(before.allowOther === after.allowOther
      ? []
      : [after.allowOther ? 'other DHCP servers are allowed' : 'alone again']),
    ...describeReservations(before.reservations, after.reservations),
  ]
}

function describeReservations(before: readonly Reservation[], after: readonly Reservation[]): string[] {
  const find = (all: readonly Reservation[], { name }: Reservation): Reservation | undefined =>
    all.find((one) => one.name === name)
  const added = after.filter((one) => find(before, one) === undefined)
  const removed = before.filter((one) => find(after, one) === undefined)
  const changed = after.filter((one) => {
    const old = find(before, one)
    return old !== undefined && (old.address !== one.address || old.mac !== one.mac)
  })
  return [[added, 'added'] as const, [removed, 'removed'] as const, [changed, 'changed'] as const].flatMap(
    ([all, what]) => (all.length === 0 ? [] : [`${counted(all.length)} ${what}: ${some(all)}`]),
  )
}

function differing(what: string, before: string, after: string): string[] {
  return before === after ? [] : [`${what} ${before} → ${after}`]
}

function namesOf({ dns }: DeclaredSubnet): string {
  return dns === 'larder' ? 'Larder' : listed(dns)
}

function forwardOf({ forward }: DeclaredSubnet): string {
  return forward === undefined ? 'whom this host asks' : listed(forward)
}

function listed(values: readonly string[]): string {
  return values.length === 0 ? 'none' : values.join(', ')
}

/** `.15–.150` where the beginning is the same. */
function short([first, last]: readonly [string, string]): string {
  const from = first.lastIndexOf('.')
  const isSame = first.slice(0, from) === last.slice(0, last.lastIndexOf('.'))
  return isSame ? `${first.slice(from)}–${last.slice(last.lastIndexOf('.'))}` : `${first}–${last}`
}

function counted(count: number): string {
  return count === 1 ? '1 reservation' : `${count} reservations`
}

const shown = 5

function some(all: readonly Reservation[]): string {
  const names = all.slice(0, shown).map(({ name }) => name)
  return `${names.join(', ')}${all.length > shown ? ' …' : ''}`
}
