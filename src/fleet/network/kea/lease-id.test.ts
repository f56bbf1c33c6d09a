import { describe, expect, it } from 'vitest'
import { declareNetwork, type DeclaredNetwork } from '../declared-network.ts'
import { networkSchema } from '../network-schema.ts'
import { keepLeaseIds, leaseId } from './lease-id.ts'

function networkOf(subnets: Record<string, string>): DeclaredNetwork {
  const written = Object.entries(subnets).map(([name, subnet]) => [name, { subnet, gateway: '10.1.0.1' }])
  return declareNetwork(networkSchema.parse({ subnets: Object.fromEntries(written) as unknown }), 'lab')
}

const own = (subnet: string): number => leaseId({ subnet })

/** Numbers by name after these states, one after the other. */
function idsAfter(...states: Record<string, string>[]): Record<string, number> {
  let last: DeclaredNetwork | undefined
  for (const state of states) last = keepLeaseIds(networkOf(state), last)
  return Object.fromEntries((last?.subnets ?? []).map((subnet) => [subnet.name, leaseId(subnet)]))
}

describe('the number that leases are under', () => {
  it('is the hash of the subnet, as it always was, where nothing was before', () => {
    expect(own('10.77.0.0/24')).toBe(1_686_312_962)
    expect(keepLeaseIds(networkOf({ a: '10.1.0.0/24' }), undefined)).toEqual(networkOf({ a: '10.1.0.0/24' }))
  })

  const [narrow, wide] = ['10.1.0.0/24', '10.1.0.0/23']
  it.each([
    ['widened', [{ a: narrow }, { a: wide }], { a: own(narrow) }],
    ['and again', [{ a: narrow }, { a: wide }, { a: '10.1.0.0/22' }], { a: own(narrow) }],
    ['and back', [{ a: narrow }, { a: wide }, { a: narrow }], { a: own(narrow) }],
    ['also with another name', [{ a: narrow }, { b: wide }], { b: own(narrow) }],
    ['not where its addresses are others', [{ a: narrow }, { a: '10.2.0.0/24' }], { a: own('10.2.0.0/24') }],
    [
      'names change places',
      [
        { a: narrow, b: '10.1.1.0/24' },
        { a: '10.1.1.0/24', b: narrow },
      ],
      { a: own('10.1.1.0/24'), b: own(narrow) },
    ],
    ['two become one', [{ a: narrow, b: '10.1.1.0/24' }, { b: wide }], { b: own('10.1.1.0/24') }],
    [
      'one becomes two, and its first half is not given the number that the other keeps',
      [{ b: narrow }, { b: wide }, { a: narrow, b: '10.1.1.0/24' }],
      { a: own(narrow) + 1, b: own(narrow) },
    ],
  ])('%s', (_what, states, expected) => {
    expect(idsAfter(...(states as Record<string, string>[]))).toEqual(expected)
  })
})
