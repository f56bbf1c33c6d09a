import type { NetworkStatus, SiteLease } from '../../../fleet/index.ts'
import type { Ailment, DoctorCheck } from '../check.ts'

/** The servers of the site's networks run, addresses are left to give, and machines renew those that are reserved for them. */
export const networkCheck: DoctorCheck = {
  name: 'network',
  async look({ context: { fleet, clock } }) {
    const status = await fleet.network.status()
    if (status.state === undefined) return []
    return judgeNetwork(status, await fleet.network.leases(), clock.now())
  },
}

/** RFC 2131 §4.4.5: a client asks its server at half of the time, and everybody at seven eighths. */
const overdueShare = 1 / 8
const scarceShare = 0.05

/** Pure. */
export function judgeNetwork({ state, dhcp, dns }: NetworkStatus, leases: readonly SiteLease[], now: Date): Ailment[] {
  const { subnets = [] } = state?.network ?? {}
  const hasDhcp = subnets.some((subnet) => subnet.dhcp !== undefined)
  const hasDns = subnets.some((subnet) => subnet.dns === 'larder')
  return [
    ...(hasDhcp && dhcp === undefined ? [notRunning('hands out addresses')] : []),
    ...(hasDns && dns === undefined ? [notRunning('answers for names')] : []),
    ...subnets.flatMap((subnet) => judgeRange(subnet, leases)),
    ...subnets.flatMap((subnet) => judgeRenewals(subnet, leases, now)),
  ]
}

function notRunning(what: string): Ailment {
  const hint =
    'A controller starts it again within seconds: systemctl status larder; else see dhcp.log and dns.log in network/.'
  return { severity: 'error', subject: 'network', message: `What ${what} does not run.`, hint }
}

type Subnet = NonNullable<NetworkStatus['state']>['network']['subnets'][number]

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
    const hint = `Is it off, or cut off from this host? There: networkctl renew, or dhclient; here: dhcp.log in network/.`
    return [{ severity: 'warning', subject: `network ${name}`, message, hint }]
  })
}

/** Of an IPv4 address that was checked. */
function numberOf(address: string): number {
  return address.split('.').reduce((number, part) => number * 256 + Number(part), 0)
}
