import { expect, it } from 'vitest'
import { networkSchema } from '../network/network-schema.ts'
import { isSamePlan, networkCards } from '../place/vm/network-card.ts'
import { machinesSchema } from './machine-schema.ts'
import { machineSpecs } from './machine-spec.ts'

function specOf(server: string | undefined) {
  const network = networkSchema.parse({ subnet: '10.1.0.0/24', gateway: '10.1.0.1', dns: {} })
  const own = new Map([['default', { server, addresses: ['10.1.0.2'] }]])
  const machines = machinesSchema.parse({ a: { at: 'vm' } })
  return machineSpecs(machines, { site: { network }, siteName: 'lab', known: [], own }).get('a')!
}

it('makes no other machine of one that is to ask somebody else for names', () => {
  const [before, after] = [specOf(undefined), specOf('10.1.0.2')]
  expect(before.addresses[0]).toMatchObject({ address: '10.1.0.3', names: { servers: ['10.1.0.1'] } })
  expect(after.addresses[0]).toMatchObject({ address: '10.1.0.3', names: { servers: ['10.1.0.2'] } })
  expect(after.identity).toBe(before.identity)
  const host = { interfaces: [], bridges: new Set<string>(), nameServers: [] }
  expect(isSamePlan(networkCards(before, host), networkCards(after, host))).toBe(true)
})
