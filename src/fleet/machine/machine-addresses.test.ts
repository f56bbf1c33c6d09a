import { describe, expect, it } from 'vitest'
import { declareNetwork } from '../network/declared-network.ts'
import { networkSchema } from '../network/network-schema.ts'
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

function addresses(machines: object, known: Record<string, string> = {}, network: object = lab) {
  const declared = declareNetwork(networkSchema.parse(network), 'site')
  const assigned = machineAddresses(machinesSchema.parse(machines), declared, new Map(Object.entries(known)))
  return Object.fromEntries([...assigned].map(([name, { address }]) => [name, address]))
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
  it('is quick in a network that is handed out but for its ends', () => {
    const dhcp = { range: ['10.0.0.2', '10.255.255.253'] }
    expect(addresses({ a: {} }, {}, { subnet: '10.0.0.0/8', gateway: '10.0.0.1', dhcp })).toEqual({
      a: '10.255.255.254',
    })
  })
  it('gives none to machines that exist, and none without a network', () => {
    expect(addresses({ a: { at: 'local' }, b: { at: 'ssh', ssh: { address: 'b' } } })).toEqual({})
    expect(addresses({ a: {} }, {}, { subnets: {} })).toEqual({})
  })
  it('says so when there is none left', () => {
    expect(() => addresses({ a: {}, b: {}, c: {} })).toThrow(expect.objectContaining({ code: 'FLEET_NETWORK_FULL' }))
  })
  it('tells the subnet, and the hardware address of a reservation', () => {
    const declared = declareNetwork(networkSchema.parse(lab), 'site')
    expect(machineAddresses(machinesSchema.parse({ printer: {} }), declared, new Map()).get('printer')).toEqual({
      network: 'default',
      address: '10.1.0.4',
      prefixLength: 29,
      mac: '02:00:00:00:00:01',
      gateway: '10.1.0.1',
      names: { server: '10.1.0.1', domain: 'site.internal' },
    })
  })
})
