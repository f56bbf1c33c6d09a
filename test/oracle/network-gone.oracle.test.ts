import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openNetworkSite, type NetworkSite } from '../../src/fleet/testing/network-site.ts'

const isRoot = process.getuid?.() === 0
const must = process.env['CI'] === 'true'

const far = { subnet: '10.78.0.0/24', gateway: '10.78.0.1', domain: 'far.example.org', dns: { forward: false } }

describe.skipIf(!isRoot && !must)('networks whose interfaces go and come again [needs root]', () => {
  let site: NetworkSite
  let lab: NetworkSite['lab']
  let service: NetworkSite['service']
  let apply: NetworkSite['apply']

  beforeEach(async () => {
    site = await openNetworkSite()
    ;({ lab, service, apply } = site)
  })
  afterEach(() => site[Symbol.asyncDispose]())

  const ip = (...args: string[]) => lab.in(lab.namespace, 'ip', ...args)
  const portOf = async (client: string): Promise<string> => {
    const index = (await lab.in(client, 'cat', '/sys/class/net/eth0/iflink')).trim()
    const links = JSON.parse(await ip('-json', 'link', 'show')) as { ifname: string; ifindex: number }[]
    return links.find(({ ifindex }) => ifindex === Number(index))!.ifname
  }

  it.each(['kea', 'dnsmasq'])('%s hears clients at a bridge that was removed and is made again', async (server) => {
    const client = await lab.addClient()
    const port = await portOf(client)
    await apply({ ...far, bridge: 'larder0', dhcp: { server, range: ['10.78.0.15', '10.78.0.50'] } })
    await ip('link', 'set', port, 'master', 'larder0')
    const lease = await lab.askForAddress(client)
    expect(lease).toMatchObject({ router: '10.78.0.1' })
    await ip('link', 'delete', 'larder0')
    await service.tend()
    await ip('link', 'set', port, 'master', 'larder0')
    await service.tend()
    expect(await lab.askForAddress(client)).toMatchObject({ ip: lease?.ip })
    expect(await lab.in(client, 'dig', '+short', '@10.78.0.1', 'web-1')).toContain('10.77.0.5')
    expect(await service.obstacle()).toBeUndefined()
  })

  it.each(['kea', 'dnsmasq'])(
    '%s serves the networks that have an interface, and the other when it is back',
    async (server) => {
      const near = { subnet: '10.77.0.0/24', gateway: '10.77.0.1', interface: 'srv0', dns: { forward: false } }
      const card = ['link', 'add', 'eth2', 'type', 'bridge']
      const setUp = async () => {
        await ip(...card)
        await ip('addr', 'add', '10.78.0.1/24', 'dev', 'eth2')
        await ip('link', 'set', 'eth2', 'up')
      }
      await setUp()
      const subnets = {
        near: { ...near, dhcp: { server, range: ['10.77.0.15', '10.77.0.50'] } },
        far: { ...far, interface: 'eth2', dhcp: { server, range: ['10.78.0.15', '10.78.0.50'] } },
      }
      await apply({ subnets })
      const client = await lab.addClient()
      const ask = () => lab.in(client, 'dig', '+short', '+tries=2', '+time=2', '@10.77.0.1', 'web-1')
      // As after a start of the host that found one of its cards alone.
      await service.stop()
      await ip('link', 'delete', 'eth2')
      expect(await service.tend()).toEqual([server, 'dns'])
      const lease = await lab.askForAddress(client)
      expect(lease).toMatchObject({ router: '10.77.0.1' })
      expect(await ask()).toContain('10.77.0.5')
      expect(await service.obstacle()).toMatchObject({ message: expect.stringContaining('eth2') })
      expect(await service.tend()).toEqual([])
      await setUp()
      await service.tend()
      expect(await service.obstacle()).toBeUndefined()
      expect(await apply({ subnets })).toEqual([])
      const port = await portOf(client)
      await ip('link', 'set', port, 'master', 'eth2')
      expect(await lab.askForAddress(client)).toMatchObject({ router: '10.78.0.1' })
      // And as one that is taken out while they run.
      await ip('link', 'delete', 'eth2')
      await service.tend()
      await ip('link', 'set', port, 'master', 'srv0')
      // Nothing was at that bridge for a while: where it was not up when Kea was told, Kea hears there after the next round.
      const askAgain = async () => {
        await service.tend()
        return (await lab.askForAddress(client))?.ip
      }
      await expect.poll(askAgain, { timeout: 60_000 }).toBe(lease?.ip)
      expect(await ask()).toContain('10.77.0.5')
    },
  )
})
