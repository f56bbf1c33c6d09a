import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { networkSchema } from '../../src/fleet/network/network-schema.ts'
import { openNetworkSite, type NetworkSite } from '../../src/fleet/testing/network-site.ts'

const isRoot = process.getuid?.() === 0
const must = process.env['CI'] === 'true'

const base = { subnet: '10.77.0.0/24', gateway: '10.77.0.1', domain: 'lab.example.org', dns: { forward: false } }

describe.skipIf(!isRoot && !must)('networks that change while clients come [needs root]', () => {
  let site: NetworkSite
  let lab: NetworkSite['lab']
  let service: NetworkSite['service']
  let apply: NetworkSite['apply']

  beforeEach(async () => {
    site = await openNetworkSite()
    ;({ lab, service, apply } = site)
  })
  afterEach(() => site[Symbol.asyncDispose]())

  it.each(['kea', 'dnsmasq'])('%s answers each of 200 clients', async (server) => {
    await apply({ ...base, dhcp: { server, range: ['10.77.0.2', '10.77.0.250'] } })
    const client = await lab.addClient()
    await lab.in(client, 'ip', 'addr', 'add', '10.77.0.254/24', 'dev', 'eth0')
    const load = ['-4', '-l', 'eth0', '-R', '200', '-n', '200', '-r', '50', '-d', '30', '-W', '5000000']
    const report = await lab.in(client, 'perfdhcp', ...load)
    expect(report.match(/drops: \d+/g)).toEqual(['drops: 0', 'drops: 0'])
    expect(await service.leases()).toHaveLength(200)
  })

  it.each(['kea', 'dnsmasq'])(
    '%s is changed fifty times while 200 clients come, and no lease is lost',
    async (server) => {
      const change = async (round: number): Promise<unknown> => {
        const reservations = { tv: { mac: '02:00:00:00:00:07', address: `10.77.0.${251 + (round % 3)}` } }
        const section = { ...base, dhcp: { server, range: ['10.77.0.2', '10.77.0.250'], reservations } }
        return service.apply((await site.kind.observe(site.context, networkSchema.parse(section))).wanted)
      }
      const addresses = async (): Promise<string[]> => (await service.leases()).map(({ address }) => address)
      expect(await change(0)).toBe('started')
      const client = await lab.addClient()
      await lab.in(client, 'ip', 'addr', 'add', '10.77.0.254/24', 'dev', 'eth0')
      const load = ['-4', '-l', 'eth0', '-R', '200', '-n', '200', '-r', '25', '-d', '30', '-W', '5000000']
      // It ends with 3 where an answer is missing.
      const coming = lab.in(client, 'perfdhcp', ...load).catch((ended: unknown) => (ended as { stdout: string }).stdout)
      for (let round = 1; round <= 50; round++) {
        const before = await addresses()
        expect(await change(round)).toBe('live')
        expect(await addresses()).toEqual(expect.arrayContaining(before))
      }
      const drops = (await coming).match(/drops: \d+/g)
      // perfdhcp asks once. Kea is deaf for the milliseconds of a change, and clients ask again, as all of these do now.
      if (server === 'dnsmasq') expect(drops).toEqual(['drops: 0', 'drops: 0'])
      const before = await addresses()
      expect((await lab.in(client, 'perfdhcp', ...load)).match(/drops: \d+/g)).toEqual(['drops: 0', 'drops: 0'])
      expect(await addresses()).toEqual(expect.arrayContaining(before))
      expect(await addresses()).toHaveLength(200)
    },
  )

  it.each(['kea', 'dnsmasq'])(
    'clients of %s, who ask again as clients do, get addresses while it changes',
    async (server) => {
      const section = (round: number): unknown => {
        const reservations = { tv: { mac: '02:00:00:00:00:07', address: `10.77.0.${251 + (round % 3)}` } }
        return { ...base, dhcp: { server, range: ['10.77.0.2', `10.77.0.${250 - (round % 2)}`], reservations } }
      }
      await apply(section(0))
      const clients: string[] = []
      for (let count = 0; count < 5; count++) clients.push(await lab.addClient())
      const held = new Set<string>()
      const asking = Promise.all(
        clients.map(async (client) => {
          for (let time = 0; time < 3; time++) held.add((await lab.askForAddress(client))?.ip ?? 'nothing')
        }),
      )
      for (let round = 1; round <= 10; round++) {
        const before = (await service.leases()).map(({ address }) => address)
        await apply(section(round))
        expect((await service.leases()).map(({ address }) => address)).toEqual(expect.arrayContaining(before))
      }
      await asking
      expect(held).not.toContain('nothing')
      expect(held.size).toBe(clients.length)
    },
  )
})
