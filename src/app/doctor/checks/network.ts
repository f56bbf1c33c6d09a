import { isMade, networkOf, type KnownMachine, type NetworkStatus, type SiteLease } from '../../../fleet/index.ts'
import type { Ailment, DoctorCheck } from '../check.ts'

/** The site's networks are made, their servers run, addresses are left to give, and machines renew those that are reserved for them. */
export const networkCheck: DoctorCheck = {
  name: 'network',
  async look({ context: { fleet, clock, siteHead }, isServing }) {
    const { network } = fleet
    const [status, head] = await Promise.all([network.status(), siteHead.current()])
    const declared = head && networkOf({ site: head.site.sections, siteName: head.site.name })
    const found = judgeDeclared(declared, status.state?.network)
    if (status.state === undefined) return found
    const fallen = judgeServers(status, { isServing, obstacle: await network.obstacle() })
    if (isServing) for (const one of fallen) one.mend = () => network.tend()
    const machines = await fleet.memory.list()
    return [...found, ...fallen, ...judgeNetwork(status, await network.leases(), { now: clock.now(), machines })]
  },
}

type Network = NonNullable<NetworkStatus['state']>['network']
type Subnet = Network['subnets'][number]

/** What main declares and no run has made: after a restore without `network/`, or because the run failed. Pure. */
export function judgeDeclared(declared: Network | undefined, made: Network | undefined): Ailment[] {
  return (declared?.subnets ?? []).flatMap((subnet): Ailment[] => {
    const known = made?.subnets.find(({ name }) => name === subnet.name)
    const lacking = [
      ...(subnet.dhcp !== undefined && known?.dhcp === undefined ? ['hands out addresses'] : []),
      ...(subnet.dns === 'larder' && known?.dns !== 'larder' ? ['answers for names'] : []),
    ]
    if (lacking.length === 0) return []
    return [
      {
        severity: 'error',
        subject: `network ${subnet.name}`,
        message: `Nobody ${lacking.join(' or ')} in ${subnet.subnet}: main declares it, and no run has made it here.`,
        hint: 'larder apply makes it; where that fails, it says why. Was the data folder restored without network/?',
      },
    ]
  })
}

interface Surroundings {
  isServing: boolean
  /** What is in the way of a start. */
  obstacle: { message: string; hint: string | undefined } | undefined
}

/** Pure. */
export function judgeServers({ state, dhcp, dns }: NetworkStatus, surroundings: Surroundings): Ailment[] {
  const { subnets = [], server } = state?.network ?? {}
  const hasDhcp = subnets.some((subnet) => subnet.dhcp !== undefined)
  const hasDns = subnets.some((subnet) => subnet.dns === 'larder')
  const isOther = hasDhcp && isDifferent(state?.dhcp, dhcp)
  const down = [
    ...(hasDhcp && dhcp === undefined
      ? [notRunning(`${server ?? ''}, which hands out addresses,`, 'dhcp', surroundings)]
      : []),
    ...(hasDns && dns === undefined ? [notRunning('What answers for names', 'dns', surroundings)] : []),
  ]
  return [...(down.length === 0 ? notServed(surroundings) : down), ...(isOther ? [misconfigured(server ?? '')] : [])]
}

function notRunning(what: string, name: string, { isServing, obstacle }: Surroundings): Ailment {
  const message = `${what} does not run${obstacle === undefined ? '.' : `: ${obstacle.message}`}`
  const starter = isServing
    ? `The controller tries every ten seconds; ${name}.log in network/, or journalctl -u 'larder-${name}-*', says why in vain.`
    : 'A controller starts it again within seconds: larder up, or systemctl start larder.'
  return { severity: 'error', subject: 'network', message, hint: obstacle?.hint ?? starter }
}

function isDifferent(made: string | undefined, running: string | undefined): boolean {
  return made !== undefined && running !== undefined && made !== running
}

/** The servers run, for the other networks. */
function notServed({ obstacle }: Surroundings): Ailment[] {
  if (obstacle === undefined) return []
  const { message, hint } = obstacle
  const more = hint === undefined ? {} : { hint }
  return [{ severity: 'error', subject: 'network', message: `Not all networks are served: ${message}`, ...more }]
}

function misconfigured(server: string): Ailment {
  return {
    severity: 'warning',
    subject: 'network',
    message: `${server} runs with another configuration than the last run made, or does not answer.`,
    hint: 'larder apply tells it again.',
  }
}

/** RFC 2131 §4.4.5: a client asks its server at half of the time, and everybody at seven eighths. */
const overdueShare = 1 / 8
const scarceShare = 0.05

/** `machines`: those that are known. Pure. */
export function judgeNetwork(
  { state, dhcp }: NetworkStatus,
  leases: readonly SiteLease[],
  { now, machines }: { now: Date; machines: readonly Pick<KnownMachine, 'name' | 'place'>[] },
): Ailment[] {
  const { subnets = [] } = state?.network ?? {}
  // Those that Larder makes have their addresses from it, and ask nobody.
  const clients = new Set(machines.flatMap(({ name, place }) => (isMade(place) ? [] : [name])))
  return [
    ...subnets.flatMap((subnet) => judgeRange(subnet, leases)),
    ...subnets.flatMap((subnet) => judgeRenewals(subnet, leases, now)),
    // Without a server nobody can renew: that is told of.
    ...(dhcp === undefined ? [] : subnets.flatMap((subnet) => judgeReservations(subnet, leases, clients))),
  ]
}

function judgeRange({ name, dhcp }: Subnet, leases: readonly SiteLease[]): Ailment[] {
  if (dhcp === undefined) return []
  const [first, last] = dhcp.range.map(numberOf) as [number, number]
  const isInRange = (address: string): boolean => numberOf(address) >= first && numberOf(address) <= last
  const taken = new Set([...dhcp.reservations, ...leases].map(({ address }) => address).filter(isInRange))
  const size = last - first + 1
  const left = size - taken.size
  if (left > size * scarceShare) return []
  return [
    {
      severity: left === 0 ? 'error' : 'warning',
      subject: `network ${name}`,
      message: `${left} of the ${size} addresses of ${dhcp.range.join(' to ')} are left: ${left === 0 ? 'whoever comes gets none' : 'soon whoever comes gets none'}.`,
      hint: 'Give it a larger range, or a shorter time of lease, so that who has gone gives back sooner: dhcp in larder.yaml.',
    },
  ]
}

function judgeRenewals({ name, dhcp }: Subnet, leases: readonly SiteLease[], now: Date): Ailment[] {
  if (dhcp === undefined) return []
  const overdueMs = dhcp.leaseSeconds * 1000 * overdueShare
  return leases.flatMap(({ network, reservedFor, address, expiresAt }): Ailment[] => {
    if (network !== name || reservedFor === undefined) return []
    if (expiresAt.getTime() - now.getTime() >= overdueMs) return []
    const message = `${reservedFor} has not renewed ${address}, which it has until ${expiresAt.toISOString()} only.`
    const hint = `Is it off, or cut off from this host? There: networkctl renew INTERFACE, or dhclient INTERFACE; here: dhcp.log in network/.`
    return [{ severity: 'warning', subject: `network ${name}`, message, hint }]
  })
}

/** A lease that is over is in no list of leases any more. */
function judgeReservations({ dhcp }: Subnet, leases: readonly SiteLease[], clients: ReadonlySet<string>): Ailment[] {
  return (dhcp?.reservations ?? []).flatMap(({ name, address }): Ailment[] => {
    if (!clients.has(name) || leases.some((lease) => lease.address === address)) return []
    const message = `${name} has no lease of ${address}, which is reserved for it: its lease has expired, or it never asked for one.`
    const hint = `Is it off, or cut off from this host? There: networkctl renew INTERFACE, or dhclient INTERFACE. Where it has an address of its own, take its reservation out of larder.yaml.`
    return [{ severity: 'warning', subject: `machine ${name}`, message, hint }]
  })
}

/** Of an IPv4 address that was checked. */
function numberOf(address: string): number {
  return address.split('.').reduce((number, part) => number * 256 + Number(part), 0)
}
