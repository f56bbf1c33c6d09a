import { describe, expect, it } from 'vitest'
import { bridgeName } from './bridge.ts'
import { findProgram } from './daemon/program.ts'
import { declareNetwork } from './declared-network.ts'
import { networkSchema } from './network-schema.ts'
import { findOwnAddresses, ownAddresses } from './own-addresses.ts'

const router = { subnet: '192.168.1.0/24', gateway: '192.168.1.1' }
const made = { name: bridgeName('lab', 'default'), addresses: ['192.168.1.1'] }
const eth0 = { name: 'eth0', addresses: ['203.0.113.9', '192.168.1.2', '192.168.1.3'] }
const eth1 = { name: 'eth1', addresses: ['192.168.1.4'] }
const bare = { name: 'eth2', addresses: [] }
const declared = (network: object) => declareNetwork(networkSchema.parse(network), 'lab')

describe('ownAddresses', () => {
  it.each([
    [
      'a host that is not the gateway',
      router,
      [eth0, eth1],
      '192.168.1.2',
      ['192.168.1.2', '192.168.1.3', '192.168.1.4'],
    ],
    ['the interface that is named', { ...router, interface: 'eth1' }, [eth0, eth1], '192.168.1.4', ['192.168.1.4']],
    [
      'a host that is the gateway',
      { ...router, gateway: '192.168.1.3' },
      [eth0],
      '192.168.1.3',
      ['192.168.1.2', '192.168.1.3'],
    ],
    [
      'a bridge that Larder makes',
      { ...router, bridge: 'larder0' },
      [{ name: 'larder0', addresses: ['192.168.1.9'] }],
      undefined,
      [],
    ],
    ['one that it makes where no interface is there', router, [{ ...made, addresses: ['192.168.1.9'] }], undefined, []],
    ['one that it made before there was an interface', router, [made, eth1], undefined, ['192.168.1.4']],
    ['a host that is not in the network', router, [bare], undefined, []],
  ])('of %s', (_what, network, interfaces, server, addresses) => {
    expect(ownAddresses(declared(network), interfaces).get('default')).toEqual({ server, addresses })
  })

  it('are those of the interfaces that are here', async (context) => {
    if ((await findProgram('ip')) === undefined) return context.skip('cannot apply: there is no ip(8)')
    const loopback = declared({ subnet: '127.0.0.0/8', gateway: '127.255.0.1', interface: 'lo' })
    const found = (await findOwnAddresses(loopback)).get('default')
    expect(found).toMatchObject({ server: '127.0.0.1' })
    expect(await findOwnAddresses(undefined)).toEqual(new Map())
  })
})
