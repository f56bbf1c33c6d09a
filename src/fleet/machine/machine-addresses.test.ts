import { describe, expect, it } from 'vitest'
import { declareNetwork } from '../network/declared-network.ts'
import { networkSchema } from '../network/network-schema.ts'
import type { OwnInSubnet } from '../network/own-addresses.ts'
import { machineAddresses } from './machine-addresses.ts'
import { machinesSchema } from './machine-schema.ts'

const lab = {
  subnet: '10.1.0.0/29',
  gateway: '10.1.0.1',
  dhcp: {
    range: ['10.1.0.2', '10.1.0.3'],
    reservations: { printer: { mac: '02:00:00:00:00:01', address: '10.1.0.4' } },
  },
}

interface Found {
  known?: Record<string, string>
  network?: object
  own?: Partial<OwnInSubnet>
}

function assign(machines: object, { known = {}, network = lab, own = {} }: Found = {}) {
  const declared = declareNetwork(networkSchema.parse(network), 'site')
  return machineAddresses(machinesSchema.parse(machines), declared, {
    known: new Map(Object.entries(known)),
    own: new Map([['default', { server: undefined, addresses: [], ...own }]]),
  })
}

function addresses(machines: object, known: Record<string, string> = {}, more: Found = {}) {
  return Object.fromEntries([...assign(machines, { known, ...more })].map(([name, { address }]) => [name, address]))
}

describe('machineAddresses', () => {
  it('gives the next address that nothing else has and that is not handed out', () => {
    expect(addresses({ a: {}, b: { at: 'vm' } })).toEqual({ a: '10.1.0.5', b: '10.1.0.6' })
  })
  it('gives what is written, and what is reserved', () => {
    expect(addresses({ a: {}, b: { address: '10.1.0.5' }, printer: {} })).toEqual({
      a: '10.1.0.6',
      b: '10.1.0.5',
      printer: '10.1.0.4',
    })
  })
  it('leaves a machine the address that it had, as long as that is right', () => {
    expect(addresses({ a: {}, b: {} }, { b: '10.1.0.5', a: '10.2.0.1' })).toEqual({ a: '10.1.0.6', b: '10.1.0.5' })
    expect(addresses({ a: {} }, { a: '10.1.0.2' })).toEqual({ a: '10.1.0.5' })
    expect(addresses({ a: {} }, { a: '10.1.0.1' })).toEqual({ a: '10.1.0.5' })
  })
  it('gives the address of one that is to be removed only where there is no other', () => {
    expect(addresses({ a: {} }, { old: '10.1.0.5' })).toEqual({ a: '10.1.0.6' })
    expect(addresses({ a: {}, b: {} }, { old: '10.1.0.5' })).toEqual({ a: '10.1.0.6', b: '10.1.0.5' })
    expect(addresses({ a: { address: '10.1.0.5' } }, { old: '10.1.0.5' })).toEqual({ a: '10.1.0.5' })
  })
  it('gives none that this host has; a machine that has one keeps it', () => {
    const own = { addresses: ['10.1.0.5'] }
    expect(addresses({ a: {} }, {}, { own })).toEqual({ a: '10.1.0.6' })
    expect(addresses({ a: {} }, { old: '10.1.0.6' }, { own })).toEqual({ a: '10.1.0.6' })
    expect(addresses({ a: {}, b: {} }, { b: '10.1.0.5' }, { own })).toEqual({ a: '10.1.0.6', b: '10.1.0.5' })
    expect(() => addresses({ a: {}, b: {} }, {}, { own })).toThrow(
      expect.objectContaining({ code: 'FLEET_NETWORK_FULL' }),
    )
  })
  it('is quick in a network that is handed out but for its ends', () => {
    const dhcp = { range: ['10.0.0.2', '10.255.255.253'] }
    const network = { subnet: '10.0.0.0/8', gateway: '10.0.0.1', dhcp }
    expect(addresses({ a: {} }, {}, { network })).toEqual({ a: '10.255.255.254' })
  })
  it('gives none to machines that exist, and none without a network', () => {
    expect(addresses({ a: { at: 'local' }, b: { at: 'ssh', ssh: { address: 'b' } } })).toEqual({})
    expect(addresses({ a: {} }, {}, { network: { subnets: {} } })).toEqual({})
  })
  it('says so when there is none left', () => {
    expect(() => addresses({ a: {}, b: {}, c: {} })).toThrow(expect.objectContaining({ code: 'FLEET_NETWORK_FULL' }))
  })
  it('tells the subnet, and the hardware address of a reservation', () => {
    expect(assign({ printer: {} }).get('printer')).toEqual({
      network: 'default',
      address: '10.1.0.4',
      prefixLength: 29,
      mac: '02:00:00:00:00:01',
      gateway: '10.1.0.1',
      names: { servers: ['10.1.0.1'], domain: 'site.internal', isOwn: true },
    })
  })
  it('has names asked for where this host answers, at the gateway where it has no other address, and where a list says', () => {
    const names = (network: object, own: Partial<OwnInSubnet>) => assign({ a: {} }, { network, own }).get('a')?.names
    const domain = 'site.internal'
    expect(names(lab, { server: '10.1.0.6' })).toEqual({ servers: ['10.1.0.6'], domain, isOwn: true })
    expect(names(lab, {})).toEqual({ servers: ['10.1.0.1'], domain, isOwn: true })
    const dns = ['192.0.2.53', '192.0.2.54']
    expect(names({ ...lab, dns }, { server: '10.1.0.6' })).toEqual({ servers: dns, domain, isOwn: false })
    expect(names({ ...lab, dns: false }, { server: '10.1.0.6' })).toBeUndefined()
  })
})
