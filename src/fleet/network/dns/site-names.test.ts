import { describe, expect, it } from 'vitest'
import { declareNetwork } from '../declared-network.ts'
import { networkSchema } from '../network-schema.ts'
import { siteHosts } from './site-names.ts'

const expiresAt = new Date(0)
const lease = (address: string, hostname: string): Parameters<typeof siteHosts>[1]['leases'][number] => ({
  address,
  hostname,
  mac: '',
  expiresAt,
})

describe('siteHosts', () => {
  it('names what is declared, then clients by what they call themselves, and never twice', () => {
    const tv = { mac: '02:00:00:00:00:07', address: '10.1.2.9' }
    const section = {
      subnets: {
        a: {
          subnet: '10.1.2.0/24',
          gateway: '10.1.2.1',
          dhcp: { range: ['10.1.2.15', '10.1.2.90'], reservations: { tv } },
        },
        b: { subnet: '10.1.3.0/24', gateway: '10.1.3.1', domain: 'b.example.org' },
      },
    }
    const network = declareNetwork(networkSchema.parse(section), 'lab')
    const hosts = siteHosts(network, {
      footings: { a: { interface: 'x', address: '10.1.2.1' } },
      machines: [
        { name: 'web-1', address: '10.1.3.4' },
        { name: 'far', address: '172.16.0.1' },
      ],
      leases: [
        lease('10.1.2.20', 'Laptop.lab.internal'),
        lease('10.1.2.21', 'laptop'),
        lease('10.1.2.22', 'web-1'),
        lease('10.1.2.23', 'larder'),
        lease('10.1.2.24', 'a b\n10.1.2.1 bank'),
        lease('10.1.2.25', ''),
        ...['localhost', 'WPAD.lab.internal', 'isatap'].map((name) => lease('10.1.2.26', name)),
        lease('10.1.2.9', 'not-tv'),
      ],
    })
    expect(hosts.split('\n')).toEqual([
      '10.1.2.1 larder.lab.internal larder',
      '10.1.2.9 tv.lab.internal tv',
      '10.1.2.20 laptop.lab.internal laptop',
      '10.1.3.4 web-1.b.example.org web-1',
      '172.16.0.1 far.lab.internal far',
      '',
    ])
  })
})
