import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isLarderError } from '../../core/index.ts'
import { createNetworkLab, type NetworkLab } from '../testing/network-lab.ts'
import { signalProcess } from './daemon/process-supervisor.ts'
import { createSupervisor, type Supervisor } from './daemon/supervisor.ts'
import { declareNetwork } from './declared-network.ts'
import type { DhcpServer, Footings, ServerConfig } from './dhcp-server.ts'
import { findFootings } from './footing.ts'
import { networkSchema } from './network-schema.ts'
import type { NetworkRoom } from './network-room.ts'

/** A server that is judged, and how its process is found. */
export interface ServerUnderTest {
  open(room: NetworkRoom, supervisor: Supervisor): Promise<DhcpServer>
  /** What its command ends with, by which it is found and killed. */
  configFile(room: NetworkRoom): string
  /** What a change of the range is made by. */
  rangeChange: 'live' | 'restarted'
}

const isRoot = process.getuid?.() === 0
/** In CI nothing may be skipped. */
const must = process.env['CI'] === 'true'

interface Asked {
  last?: number
  reservations?: Record<string, { mac: string; address: string }>
}

const tv = { mac: '02:00:00:00:00:07', address: '10.77.0.9' }

/** What holds for every DHCP server, with real clients in network namespaces. As root. */
export function dhcpServerContract(name: string, { open, configFile, rangeChange }: ServerUnderTest): void {
  describe.skipIf(!isRoot && !must)(`${name} as a DHCP server [needs root]`, () => {
    let lab: NetworkLab
    let server: DhcpServer
    let footings: Footings
    let client: string

    function configOf({ last = 150, reservations = { tv } }: Asked = {}): ServerConfig {
      const range = ['10.77.0.15', `10.77.0.${last}`]
      const section = { subnet: '10.77.0.0/24', gateway: '10.77.0.1', dns: ['10.77.0.3'], domain: 'lab.example.org' }
      const dhcp = { server: name, range, lease: '30m', ntp: ['10.77.0.4'], reservations }
      return server.compile(declareNetwork(networkSchema.parse({ ...section, dhcp }), 'lab'), footings)
    }

    async function pid(): Promise<number> {
      const found = await lab.in(lab.namespace, 'pgrep', '-f', `${configFile(lab.room)}$`)
      return Number(found.trim().split('\n')[0])
    }

    beforeAll(async () => {
      lab = await createNetworkLab()
      server = await open(lab.room, await createSupervisor(lab.room))
      const section = { subnet: '10.77.0.0/24', gateway: '10.77.0.1' }
      footings = await findFootings(declareNetwork(networkSchema.parse(section), 'lab'), lab.room)
      client = await lab.addClient()
    })

    afterAll(async () => {
      try {
        await server.stop()
      } finally {
        await lab.remove()
      }
    })

    it('does not run before it is asked to', async () => {
      expect(footings).toEqual({ default: { interface: 'srv0', address: '10.77.0.1' } })
      expect(await server.unusable()).toBeUndefined()
      expect(await server.running()).toBeUndefined()
      expect(await server.ensure()).toBe(false)
      expect(await server.leases()).toEqual([])
      await server.stop()
    })

    it('refuses a configuration that its program refuses, before anybody depends on it', async () => {
      await server.check(configOf())
      const { config } = configOf()
      for (const broken of [config.replaceAll('10.77.0.15', '10.77.0.999'), `${config.slice(0, 300)}\n{{{`]) {
        const refused = await server.check({ ...configOf(), config: broken }).catch((error: unknown) => error)
        expect(isLarderError(refused, 'FLEET_NETWORK_CONFIG_REFUSED')).toBe(true)
      }
      expect(await server.running()).toBeUndefined()
    })

    it('gives an address of the range with all that is declared, and is found by whoever looks next', async () => {
      expect(await server.apply(configOf())).toBe('started')
      expect(await server.running()).toBe(configOf().digest)
      const lease = await lab.askForAddress(client)
      expect(lease).toMatchObject({ mask: '24', router: '10.77.0.1', dns: '10.77.0.3', domain: 'lab.example.org' })
      expect(lease).toMatchObject({ ntpsrv: '10.77.0.4', lease: '1800', serverid: '10.77.0.1' })
      const last = Number(lease?.ip.split('.')[3])
      expect(last).toBeGreaterThanOrEqual(15)
      expect(last).toBeLessThanOrEqual(150)
      const leases = await server.leases()
      expect(leases.map(({ address }) => address)).toEqual([lease?.ip])
      const again = await open(lab.room, await createSupervisor(lab.room))
      expect(await again.running()).toBe(configOf().digest)
      expect(await again.apply(configOf())).toBe('unchanged')
      expect(await again.ensure()).toBe(false)
    })

    it('keeps an address for whom it is reserved', async () => {
      const reserved = await lab.addClient(tv.mac)
      expect((await lab.askForAddress(reserved))?.ip).toBe(tv.address)
      expect(await server.leases()).toContainEqual(expect.objectContaining({ ...tv, hostname: 'tv' }))
    })

    it('is changed twenty times, and no lease is lost', async () => {
      const before = (await server.leases()).map(({ address, mac }) => ({ address, mac }))
      const process = await pid()
      for (let round = 0; round < 10; round++) {
        const reservations = {
          tv,
          [`pc-${round}`]: { mac: `02:00:00:00:01:0${round}`, address: `10.77.0.${200 + round}` },
        }
        expect(await server.apply(configOf({ reservations, last: 150 }))).toBe('live')
      }
      expect(await pid()).toBe(process)
      for (let round = 0; round < 10; round++) {
        // Never smaller than what was given out of it: whoever has another address by then must take one of the range.
        expect(await server.apply(configOf({ last: 151 + round }))).toBe(rangeChange)
      }
      expect((await server.leases()).map(({ address, mac }) => ({ address, mac }))).toEqual(before)
      const address = (await lab.askForAddress(client))?.ip
      expect(before.map((lease) => lease.address)).toContain(address)
    })

    it('has its leases after kill -9, and is started by whoever looks after it', async () => {
      const before = (await server.leases()).map(({ address }) => address)
      expect(before.length).toBeGreaterThan(0)
      for (let round = 0; round < 3; round++) {
        signalProcess(await pid(), 'SIGKILL')
        await expect.poll(() => server.running(), { timeout: 10_000 }).toBeUndefined()
        expect(await server.ensure()).toBe(true)
        expect((await server.leases()).map(({ address }) => address)).toEqual(before)
      }
      expect(await server.running()).toBe(configOf({ last: 160 }).digest)
    })

    it('goes where it is told to, and starts with the leases it had', async () => {
      const before = (await server.leases()).map(({ address }) => address)
      await server.stop()
      expect(await server.running()).toBeUndefined()
      expect(await lab.askForAddress(await lab.addClient())).toBeUndefined()
      expect(await server.ensure()).toBe(false)
      expect(await server.apply(configOf())).toBe('started')
      expect((await server.leases()).map(({ address }) => address)).toEqual(before)
    })
  })
}
