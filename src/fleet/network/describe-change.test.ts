import { describe, expect, it } from 'vitest'
import { declareNetwork, type DeclaredNetwork } from './declared-network.ts'
import { describeNetworkChange } from './describe-change.ts'
import { networkSchema } from './network-schema.ts'

const declared = (section: unknown): DeclaredNetwork => declareNetwork(networkSchema.parse(section), 'lab')
const lab = { subnet: '10.1.2.0/24', gateway: '10.1.2.1' }
const range = ['10.1.2.15', '10.1.2.150']
const tv = { mac: '52:54:00:00:00:01', address: '10.1.2.9' }
const before = declared({ ...lab, dhcp: { range, reservations: { tv } } })

describe('describeNetworkChange', () => {
  it.each([
    [{ ...lab, dhcp: { range, reservations: { tv } } }, []],
    [{ ...lab, dhcp: { range, reservations: { tv: { ...tv, mac: '52-54-00-00-00-01' } } } }, []],
    [{ ...lab, dhcp: { range: ['10.1.2.15', '10.1.2.120'], reservations: { tv } } }, ['range .15–.150 → .15–.120']],
    [
      { ...lab, dhcp: { range, lease: '2h', ntp: ['10.1.2.3'], reservations: { pc: tv } } },
      ['lease 3600 s → 7200 s', 'time server none → 10.1.2.3', '1 reservation added: pc', '1 reservation removed: tv'],
    ],
    [{ ...lab, dhcp: { range, reservations: { tv: { ...tv, address: '10.1.2.8' } } } }, ['1 reservation changed: tv']],
    [{ ...lab, dns: false, dhcp: { range, reservations: { tv } } }, ['name server Larder → none']],
    [
      { ...lab, dns: { forward: false }, dhcp: { range, reservations: { tv } } },
      ['names asked of whom this host asks → none'],
    ],
    [{ ...lab, dhcp: { range, server: 'dnsmasq', reservations: { tv } } }, ['server kea → dnsmasq']],
    [{ ...lab }, ['name server Larder → none', 'no DHCP any more']],
  ])('of %j', (after, expected) => {
    expect(describeNetworkChange(before, declared(after))).toEqual(expected)
  })

  it('of a site without networks', () => {
    expect(describeNetworkChange(before, declareNetwork({}, 'lab'))).toEqual(['10.1.2.0/24 is no more'])
  })

  it('of what is new, and of several networks by name', () => {
    expect(describeNetworkChange(undefined, before)).toEqual([
      '10.1.2.0/24, .15–.150 handed out by kea, 1 reservation, names are answered',
    ])
    const subnets = { a: lab, b: { subnet: '10.1.3.0/24', gateway: '10.1.3.1' } }
    const moved = { ...subnets, b: { ...subnets.b, gateway: '10.1.3.2' } }
    expect(describeNetworkChange(declared({ subnets }), declared({ subnets: moved }))).toEqual([
      'b: gateway 10.1.3.1 → 10.1.3.2',
    ])
    expect(describeNetworkChange(declared({ subnets }), declared({ subnets: { a: lab } }))).toEqual([
      '10.1.3.0/24 is no more (b)',
    ])
  })
})
