import { describe, expect, it } from 'vitest'
import type { MachineSpec } from '../place.ts'
import { isSamePlan, networkCards, type HostNetworks } from './network-card.ts'

const address = { network: 'lan', address: '192.168.137.11', prefixLength: 24, gateway: '192.168.137.1' }
const names = { servers: ['192.168.137.1'], domain: 'lab.example.org', isOwn: true }
const machine: MachineSpec = {
  name: 'web-1',
  site: 'campus',
  addresses: [address],
  identity: 'one',
  memoryMiB: 512,
  cpus: 1,
}
const host: HostNetworks = { interfaces: [], bridges: new Set(), nameServers: ['192.0.2.53'] }
const at = (more: Partial<MachineSpec['addresses'][number]>): MachineSpec => ({
  ...machine,
  addresses: [{ ...address, ...more }],
})

describe('a machine at a network of this host', () => {
  it('has a port of a bridge that Larder names, and always the same hardware address', () => {
    const [card] = networkCards(machine, host)
    expect(card).toEqual({
      mac: expect.stringMatching(/^02(:[0-9a-f]{2}){5}$/) as string,
      address: '192.168.137.11',
      prefixLength: 24,
      gateway: '192.168.137.1',
      nameServers: ['192.0.2.53'],
      domain: undefined,
      end: {
        kind: 'tap',
        tap: expect.stringMatching(/^lrt-[0-9a-f]{11}$/) as string,
        bridge: expect.stringMatching(/^lrd-[0-9a-f]{11}$/) as string,
      },
    })
    expect(networkCards(machine, host)).toEqual([card])
    expect(networkCards({ ...machine, name: 'web-2' }, host)[0]?.mac).not.toBe(card?.mac)
  })

  const bridge = (name: string, ...addresses: string[]): HostNetworks => ({
    ...host,
    interfaces: [{ name, addresses }],
    bridges: new Set(['br0']),
  })
  it.each([
    ['the one that is declared', at({ bridge: 'lab0' }), bridge('br0', '192.168.137.1'), 'lab0'],
    ['one that has an address in the subnet', machine, bridge('br0', '10.0.0.1', '192.168.137.9'), 'br0'],
    ['none that is elsewhere', machine, bridge('br0', '192.168.138.1'), undefined],
    ['no interface that is no bridge', machine, bridge('eth1', '192.168.137.9'), undefined],
  ])('%s', (_, spec, networks, expected) => {
    const [card] = networkCards(spec, networks)
    const own = networkCards(machine, host)[0]?.end
    expect(card?.end).toMatchObject({ bridge: expected ?? (own?.kind === 'tap' ? own.bridge : '') })
  })

  it('asks whom the network says, by the hardware address that it says', () => {
    const spec = at({ names, mac: '52:54:00:12:34:56' })
    expect(networkCards(spec, host)).toMatchObject([
      { nameServers: ['192.168.137.1'], domain: 'lab.example.org', mac: '52:54:00:12:34:56' },
    ])
  })
})

describe('a machine in a network that QEMU pretends', () => {
  it('has the address that is declared, and this host as its gateway', () => {
    expect(networkCards(at({ names }), undefined)).toMatchObject([
      {
        address: '192.168.137.11',
        gateway: '192.168.137.1',
        nameServers: ['192.168.137.3'],
        domain: 'lab.example.org',
        end: { kind: 'user', subnet: '192.168.137.0/24', nameServer: '192.168.137.3' },
      },
    ])
  })

  it.each([
    ['192.168.137.3', '192.168.137.4'],
    ['192.168.137.4', '192.168.137.3'],
  ])('at %s it asks for names at %s', (own, server) => {
    expect(networkCards(at({ address: own }), undefined)[0]?.nameServers).toEqual([server])
  })

  it('has one where the site has none', () => {
    expect(networkCards({ ...machine, addresses: [] }, host)).toMatchObject([
      { address: '10.0.2.15', gateway: '10.0.2.2', nameServers: ['10.0.2.3'], end: { kind: 'user' } },
    ])
  })
})

describe('isSamePlan', () => {
  const cards = networkCards(machine, host)
  const bridged = networkCards(at({ bridge: 'lab0' }), host)
  it.each([
    ['the same', cards, true],
    ['another bridge, which needs no start', bridged, true],
    ['another address', networkCards(at({ address: '192.168.137.12' }), host), false],
    ['another gateway', networkCards(at({ gateway: '192.168.137.254' }), host), false],
    ['no network of this host any more', networkCards(machine, undefined), false],
    ['one more', [...cards, ...cards], false],
  ])('%s', (_, planned, expected) => {
    expect(isSamePlan(cards, planned)).toBe(expected)
  })
})
