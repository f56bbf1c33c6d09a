import type { BalanceSpec, ServiceSpec } from '../service/service-spec.ts'
import { statisticsPort } from './haproxy-config.ts'
import { folderOf } from './route.ts'

/** What keeps a service from being offered beside others. */
export interface BalancerConflict {
  readonly service: string
  readonly message: string
  readonly expected: string
}

/** Services of which a load balancer could not tell which one a client means: each is told with the one that comes before it. */
export function balancerConflicts(services: readonly ServiceSpec[]): BalancerConflict[] {
  const taken: Offer[] = []
  return services.flatMap(({ name, balance }): BalancerConflict[] => {
    if (balance === undefined) return []
    const offers = offersOf(name, balance)
    const conflict = offers.flatMap((offer) => conflictOf(offer, taken) ?? [])[0]
    taken.push(...offers)
    return conflict === undefined ? [] : [{ service: name, ...conflict }]
  })
}

/** A service at a port of a balancer. */
interface Offer {
  readonly service: string
  readonly machine: string
  readonly port: number
  readonly speaks: 'http' | 'https' | 'tcp'
  /** Of host and path: what clients ask for. */
  readonly routes: readonly string[]
}

function offersOf(service: string, { on, mode, port, hosts, path, tls }: BalanceSpec): Offer[] {
  const routes = (hosts.length === 0 ? ['*'] : hosts).map((host) => `${host}${folderOf(path)}`)
  const speaks = mode === 'tcp' ? 'tcp' : tls === undefined ? 'http' : 'https'
  return on.flatMap((machine) => [
    { service, machine, port, speaks, routes },
    ...(tls?.redirectFrom === undefined
      ? []
      : [{ service, machine, port: tls.redirectFrom, speaks: 'http' as const, routes }]),
  ])
}

function conflictOf(offer: Offer, taken: readonly Offer[]): Omit<BalancerConflict, 'service'> | undefined {
  const { machine, port } = offer
  if (port === statisticsPort) {
    return { message: `port ${port} is where load balancers tell of themselves`, expected: 'another port' }
  }
  const there = taken.filter((one) => one.machine === machine && one.port === port)
  const other = there.find((one) => one.speaks !== offer.speaks || offer.speaks === 'tcp')
  if (other !== undefined) {
    const message = `port ${port} of ${machine} is where ${other.service} is offered by ${other.speaks}, and this is ${offer.speaks}`
    return { message, expected: 'another port' }
  }
  const rival = there.find(({ routes }) => routes.some((route) => offer.routes.includes(route)))
  if (rival === undefined) return undefined
  return {
    message: `on port ${port} of ${machine}, ${rival.service} has the same host names and paths`,
    expected: 'another port, `hosts` or `path`',
  }
}
