import { createHash } from 'node:crypto'
import { isWithin } from '../address.ts'
import { blockOf, type DeclaredNetwork, type DeclaredSubnet } from '../declared-network.ts'

/** Number that leases of a subnet are under: the same whatever other subnets there are. 1 to 2³². */
export function leaseId({ subnet, leaseId: kept }: Pick<DeclaredSubnet, 'subnet' | 'leaseId'>): number {
  return kept ?? (createHash('sha256').update(subnet).digest().readUInt32BE() >>> 1) + 1
}

/**
 * A subnet that takes the place of one of before, wider or narrower, keeps the number of that one: addresses that are given out would be
 * nobody's else, and be refused to those who have them. Of several, the same addresses come first, then the same name. Pure.
 */
export function keepLeaseIds(network: DeclaredNetwork, before: DeclaredNetwork | undefined): DeclaredNetwork {
  const former = [...(before?.subnets ?? [])]
  const ids = new Map<string, number>()
  const isSame = [
    (one: DeclaredSubnet, other: DeclaredSubnet) => one.subnet === other.subnet,
    (one: DeclaredSubnet, other: DeclaredSubnet) => one.name === other.name && overlap(one, other),
    overlap,
  ]
  for (const test of isSame) {
    for (const subnet of network.subnets.filter(({ name }) => !ids.has(name))) {
      const at = former.findIndex((other) => test(subnet, other))
      if (at >= 0) ids.set(subnet.name, leaseId(former.splice(at, 1)[0]!))
    }
  }
  const taken = new Set(ids.values())
  const subnets = network.subnets.map((subnet) => {
    const own = leaseId({ subnet: subnet.subnet })
    const id = ids.get(subnet.name) ?? firstFree(own, taken)
    taken.add(id)
    return id === own ? subnet : { ...subnet, leaseId: id }
  })
  return { ...network, subnets }
}

/** One that has its own number may be where another keeps that: a half of what was one. */
function firstFree(id: number, taken: ReadonlySet<number>): number {
  return taken.has(id) ? firstFree(id + 1, taken) : id
}

function overlap(one: DeclaredSubnet, other: DeclaredSubnet): boolean {
  const [left, right] = [blockOf(one), blockOf(other)]
  return isWithin(left, right.first) || isWithin(right, left.first)
}
