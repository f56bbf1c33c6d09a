import { expect, it } from 'vitest'
import { declareNetwork } from '../declared-network.ts'
import type { HeldLease } from '../dhcp-server.ts'
import { leaseFileText, parseHeldLeases } from '../dnsmasq/dnsmasq-leases.ts'
import { networkSchema } from '../network-schema.ts'
import { keaLeaseText, parseKeaLeaseFiles } from './kea-lease-file.ts'

const now = new Date('2026-01-01T00:00:00Z')
const second = now.getTime() / 1000
const declared = declareNetwork(networkSchema.parse({ subnet: '10.1.0.0/24', gateway: '10.1.0.1' }), 'lab')
const network = { ...declared, subnets: declared.subnets.map((subnet) => ({ ...subnet, leaseId: 7 })) }

const lease: HeldLease = {
  address: '10.1.0.15',
  mac: '02:00:00:00:00:01',
  hostname: 'pc',
  clientId: '01:02',
  expiresAt: new Date((second + 60) * 1000),
}

it.each<[string, Partial<HeldLease>, string[]]>([
  ['all of it', {}, [`10.1.0.15,02:00:00:00:00:01,01:02,60,${second + 60},7,0,0,pc,0,`]],
  [
    'a client id that Kea has none of',
    { clientId: '01' },
    [`10.1.0.15,02:00:00:00:00:01,,60,${second + 60},7,0,0,pc,0,`],
  ],
  ['of no subnet', { address: '10.2.0.15' }, []],
  ['over', { expiresAt: now }, []],
  [
    'for ever',
    { expiresAt: new Date(8.64e15), hostname: '', clientId: '' },
    [`10.1.0.15,02:00:00:00:00:01,,2147483647,${second + 2_147_483_647},7,0,0,,0,`],
  ],
])('Kea is given a lease as a row: %s', (_what, more, rows) => {
  expect(
    keaLeaseText([{ ...lease, ...more }], network, now)
      .split('\n')
      .slice(1, -1),
  ).toEqual(rows)
})

it('what is written as Kea or dnsmasq has it is read as what it was', () => {
  const leases = [lease, { ...lease, address: '10.1.0.16', hostname: '', clientId: '' }]
  expect(parseKeaLeaseFiles([keaLeaseText(leases, network, now)], now)).toEqual({ leases, unread: 0 })
  const never = { ...lease, address: '10.1.0.17', expiresAt: new Date(8.64e15) }
  expect(parseHeldLeases(leaseFileText([...leases, never]), now)).toEqual({ leases: [...leases, never], unread: 0 })
})

it('later columns of Kea, in whatever order, are no obstacle; rows of no known form are counted', () => {
  const text = `hwaddr,address,client_id,pool_id,valid_lifetime,expire,hostname,state\n02:00:00:00:00:01,10.1.0.15,01:02,9,60,${second + 60},pc.,0\n,,\n02:0`
  expect(parseKeaLeaseFiles([text], now)).toEqual({ leases: [lease], unread: 2 })
})
