import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { silentLog, systemClock } from '../../core/index.ts'
import { findProgram } from './daemon/program.ts'
import { declareNetwork, type DeclaredSubnet } from './declared-network.ts'
import { networkSchema } from './network-schema.ts'
import { createNetworkService } from './network-service.ts'
import { ownAddressClash } from './refuse-own-address.ts'

const dhcp = { range: ['192.168.1.10', '192.168.1.99'] }
const router = { subnet: '192.168.1.0/24', gateway: '192.168.1.1', dhcp }
const mac = '02:00:00:00:00:01'
const ownMac = '02:00:00:00:00:02'

interface Site {
  network?: object
  machine?: string
  subnet?: Partial<DeclaredSubnet>
}

/** Where this host has 192.168.1.20 at br0. */
function clash({ network = {}, machine = '192.168.1.5', subnet = {} }: Site) {
  const declared = declareNetwork(networkSchema.parse({ ...router, ...network }), 'lab')
  const wanted = { ...declared, subnets: declared.subnets.map((one) => ({ ...one, ...subnet })) }
  const footings = { default: { interface: 'br0', address: '192.168.1.20' } }
  return ownAddressClash({ network: wanted, names: [{ name: 'web', address: machine }] }, footings, new Set([ownMac]))
}

const after = { range: ['192.168.1.21', '192.168.1.99'] }
const reserved = (mac: string) => ({ reservations: { printer: { mac, address: '192.168.1.20' } } })

describe('an address of this host', () => {
  it.each<[string, Site, RegExp, RegExp]>([
    [
      'in the range',
      {},
      /Network default: 192\.168\.1\.20, .* at br0, is in the range .*10 to 192\.168\.1\.99/,
      /dhcp\.range/,
    ],
    [
      'reserved for somebody',
      { network: { dhcp: { ...after, ...reserved(mac) } } },
      /192\.168\.1\.20 is reserved for printer/,
      /Reserve another/,
    ],
    [
      'that of a machine',
      { network: { dhcp: after }, machine: '192.168.1.20' },
      /is the address of machine web/,
      /Declare another/,
    ],
    [
      'that of a machine, without DHCP',
      { network: { dhcp: undefined }, machine: '192.168.1.20' },
      /machine web/,
      /Declare/,
    ],
    [
      'that of a machine, reserved for this host',
      { network: { dhcp: { ...dhcp, ...reserved(ownMac) } }, machine: '192.168.1.20' },
      /machine web/,
      /Declare/,
    ],
  ])('is refused where it is %s', (_what, site, message, hint) => {
    const found = clash(site)
    expect(found).toMatchObject({
      code: 'FLEET_NETWORK_OWN_ADDRESS',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
      context: { network: 'default', interface: 'br0', address: '192.168.1.20' },
    })
  })

  it.each<[string, Site]>([
    ['nobody else gets it', { network: { dhcp: after } }],
    ['it is reserved for this host itself', { network: { dhcp: { ...dhcp, ...reserved(ownMac) } } }],
    ['it is the gateway', { network: { gateway: '192.168.1.20', dhcp: after }, machine: '192.168.1.20' }],
    ['it is a former one of a bridge that Larder makes', { subnet: { bridge: 'br0' } }],
    ['it is a former one of a bridge that Larder makes by itself', { subnet: { fallbackBridge: 'br0' } }],
  ])('is let be where %s', (_what, site) => {
    expect(clash(site)).toBeUndefined()
  })

  it('is refused before anything is done', async (context) => {
    if ((await findProgram('ip')) === undefined) return context.skip('cannot apply: there is no ip(8)')
    const folder = await mkdtemp(join(tmpdir(), 'larder-own-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const service = await createNetworkService({ folder, clock: systemClock, log: silentLog })
    const section = networkSchema.parse({ subnet: '127.0.0.0/8', gateway: '127.255.0.1', interface: 'lo' })
    const prepare = (address: string) =>
      service.prepare({ network: declareNetwork(section, 'lab'), names: [{ name: 'web', address }] })
    await expect(prepare('127.0.0.1')).rejects.toMatchObject({ code: 'FLEET_NETWORK_OWN_ADDRESS' })
    await prepare('127.255.0.9')
  })
})
