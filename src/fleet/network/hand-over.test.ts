import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock, type Log } from '../../core/index.ts'
import { readIfThere } from '../read-if-there.ts'
import { createProcessSupervisor } from './daemon/process-supervisor.ts'
import { declareNetwork, type DeclaredNetwork } from './declared-network.ts'
import type { DhcpServer, HeldLease } from './dhcp-server.ts'
import { createDnsmasqServer } from './dnsmasq/dnsmasq-server.ts'
import { handOverLeases, joinLeases } from './hand-over.ts'
import { createKeaServer } from './kea/kea-server.ts'
import { leaseId } from './kea/lease-id.ts'
import { networkSchema } from './network-schema.ts'

const now = new Date('2026-01-01T00:00:00Z')
const second = now.getTime() / 1000

function networkOf(server: string, subnet = '10.1.0.0/24'): DeclaredNetwork {
  const dhcp = { server, range: ['10.1.0.15', '10.1.0.99'] }
  const subnets = { a: { subnet, gateway: '10.1.0.1', dhcp }, b: { subnet: '10.2.0.0/24', gateway: '10.2.0.1' } }
  return declareNetwork(networkSchema.parse({ subnets }), 'lab')
}

function lease(address: string, client: number, more: Partial<HeldLease> = {}): HeldLease {
  const mac = `02:00:00:00:00:0${client}`
  return { address, mac, hostname: '', clientId: '', expiresAt: new Date((second + 60) * 1000), ...more }
}

describe('joinLeases', () => {
  it.each([
    ['what both know', [lease('10.1.0.15', 1)], [lease('10.1.0.15', 1, { hostname: 'old' })], ['10.1.0.15 1']],
    ['an address that is of another client by now', [lease('10.1.0.15', 1)], [lease('10.1.0.15', 2)], ['10.1.0.15 1']],
    ['a client that has another by now', [lease('10.1.0.16', 1)], [lease('10.1.0.15', 1)], ['10.1.0.16 1']],
    ['what nothing speaks against', [lease('10.1.0.16', 1)], [lease('10.1.0.15', 2)], ['10.1.0.15 2', '10.1.0.16 1']],
    ['another subnet, or one without DHCP', [lease('10.3.0.1', 1), lease('10.2.0.9', 2)], [lease('10.9.0.1', 3)], []],
  ])('%s', (_what, given, own, expected) => {
    const joined = joinLeases(given, own, networkOf('kea'))
    expect(joined.map(({ address, mac }) => `${address} ${mac.at(-1)}`)).toEqual(expected)
    expect(joined.every(({ hostname }) => hostname === '')).toBe(true)
  })

  it('takes no name that would be more than a word', () => {
    const names = ['pc_1.lab', 'a b', 'a\n1', 'a,b', '*'].map((hostname, at) =>
      lease(`10.1.0.2${at}`, at, { hostname }),
    )
    const joined = joinLeases(names, [], networkOf('kea'))
    expect(joined.map(({ hostname }) => hostname)).toEqual(['pc_1.lab', '', '', '', ''])
  })
})

describe('handOverLeases', () => {
  let folder: string
  let told: string[]
  let dhcp: Record<'kea' | 'dnsmasq', DhcpServer>

  const pathOf = { kea: 'kea/leases.csv', dnsmasq: 'dhcp-dnsmasq/leases' }
  const read = (path: string) => readIfThere(join(folder, path))
  const log = { info: () => undefined, warn: (words: string) => void told.push(words) } as unknown as Log
  const clock = { ...systemClock, now: () => now }
  const handOver = (server: string, before?: DeclaredNetwork) =>
    handOverLeases(dhcp, { network: networkOf(server), before }, { folder, clock, log })
  const rowOf = (address: string, client: number, more = 'pc.,0,') =>
    `${address},02:00:00:00:00:0${client},01:02,60,${second + 60},${leaseId({ subnet: '10.1.0.0/24' })},0,0,${more}\n`
  const head =
    'address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context\n'

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'larder-hand-over-'))
    told = []
    const room = { folder, clock, log }
    const supervisor = createProcessSupervisor(room)
    dhcp = { kea: await createKeaServer(room, supervisor), dnsmasq: createDnsmasqServer(room, supervisor) }
    // None runs, and none need be installed.
    for (const server of Object.values(dhcp)) server.stop = () => Promise.resolve()
    for (const path of Object.values(pathOf)) await mkdir(join(folder, path, '..'), { recursive: true })
  })
  afterEach(() => rm(folder, { recursive: true }))

  it('writes what the other reads, and back', async () => {
    await writeFile(join(folder, pathOf.kea), `${head}${rowOf('10.1.0.16', 2, ',0,')}${rowOf('10.1.0.15', 1)}`)
    await handOver('dnsmasq', networkOf('kea'))
    const lines = `${second + 60} 02:00:00:00:00:01 10.1.0.15 pc 01:02\n${second + 60} 02:00:00:00:00:02 10.1.0.16 * 01:02\n`
    expect(await read(pathOf.dnsmasq)).toBe(lines)
    expect(await read('leases-at')).toBe('dnsmasq\n')
    expect(await readdir(join(folder, 'kea'))).toEqual([])
    await handOver('kea', networkOf('dnsmasq'))
    expect(await read(pathOf.kea)).toBe(`${head}${rowOf('10.1.0.15', 1, 'pc,0,')}${rowOf('10.1.0.16', 2, ',0,')}`)
    expect(await read(pathOf.dnsmasq)).toBeUndefined()
    expect(told).toEqual([])
  })

  it('takes a file of Kea in all its parts, without what was given back, declined or is over', async () => {
    const over = rowOf('10.1.0.19', 5).replaceAll(`60,${second + 60}`, `60,${second}`)
    const back = rowOf('10.1.0.16', 2).replace(',60,', ',0,')
    await writeFile(join(folder, `${pathOf.kea}.2`), `${head}${rowOf('10.1.0.15', 9)}${rowOf('10.1.0.16', 2)}`)
    await writeFile(join(folder, `${pathOf.kea}.1`), `${head}${rowOf('10.1.0.17', 3)}`)
    await writeFile(
      join(folder, pathOf.kea),
      `${head}${rowOf('10.1.0.15', 1)}${back}${over}${rowOf('10.1.0.18', 4, ',1,')}`,
    )
    const addresses = async () =>
      (await dhcp.kea.store.read()).leases.map(({ address, mac }) => `${address} ${mac.at(-1)}`)
    expect(await addresses()).toEqual(['10.1.0.15 1', '10.1.0.17 3'])
    await writeFile(join(folder, `${pathOf.kea}.completed`), `${head}${rowOf('10.1.0.20', 6)}`)
    expect(await addresses()).toEqual(['10.1.0.15 1', '10.1.0.20 6'])
    await dhcp.kea.store.write([lease('10.1.0.21', 7)], networkOf('kea'))
    expect(await addresses()).toEqual(['10.1.0.21 7'])
  })

  it('once the new one has them, does it not again; and tells from the file alone who that is', async () => {
    await writeFile(join(folder, pathOf.kea), `${head}${rowOf('10.1.0.15', 1)}`)
    await handOver('dnsmasq', networkOf('kea'))
    // What dnsmasq has given since; and a Kea file that a killed run had not removed yet.
    const newer = `${second + 60} 02:00:00:00:00:02 10.1.0.15 * *\n`
    await writeFile(join(folder, pathOf.dnsmasq), newer)
    await writeFile(join(folder, pathOf.kea), `${head}${rowOf('10.1.0.15', 1)}`)
    await handOver('dnsmasq', networkOf('kea'))
    expect(await read(pathOf.dnsmasq)).toBe(newer)
    await handOver('kea', networkOf('kea'))
    expect((await dhcp.kea.store.read()).leases).toEqual([lease('10.1.0.15', 2)])
  })

  it('killed before the new one is known to have them, does it again with what the former has by then', async () => {
    await writeFile(join(folder, pathOf.dnsmasq), `${second + 60} 02:00:00:00:00:01 10.1.0.15 * *\n`)
    await writeFile(join(folder, pathOf.kea), `${head}${rowOf('10.1.0.15', 2)}${rowOf('10.1.0.16', 1)}`)
    await handOver('kea', networkOf('dnsmasq'))
    expect((await dhcp.kea.store.read()).leases).toEqual([lease('10.1.0.15', 1)])
  })

  it('goes on where leases cannot be read, says so, and removes none of them', async () => {
    const text = `${head}${rowOf('10.1.0.15', 1)}nonsense\n10.1.0.16,evil mac,,60,${second + 60},1,0,0,,0,\n`
    await writeFile(join(folder, pathOf.kea), text)
    await handOver('dnsmasq', networkOf('kea'))
    expect((await dhcp.dnsmasq.store.read()).leases).toHaveLength(1)
    expect(told).toEqual([expect.stringContaining(`2 lines of the leases of kea cannot be read`)])
    expect(await read(pathOf.kea)).toBe(text)
    await rm(join(folder, pathOf.dnsmasq))
    await mkdir(join(folder, pathOf.dnsmasq))
    await handOver('kea')
    expect(told.at(-2)).toContain('the leases of dnsmasq cannot be read (EISDIR')
    expect(await read('leases-at')).toBe('kea\n')
    expect((await dhcp.kea.store.read()).leases).toHaveLength(1)
  })
})
