import { appendFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { signalProcess } from '../../src/fleet/network/daemon/process-supervisor.ts'
import { openNetworkSite, type NetworkSite } from '../../src/fleet/testing/network-site.ts'

const isRoot = process.getuid?.() === 0
const must = process.env['CI'] === 'true'

const base = { subnet: '10.77.0.0/24', gateway: '10.77.0.1', dns: false }

describe.skipIf(!isRoot && !must)('from one DHCP server to the other [needs root]', () => {
  let site: NetworkSite
  let lab: NetworkSite['lab']

  beforeEach(async () => {
    site = await openNetworkSite()
    ;({ lab } = site)
  })
  afterEach(() => site[Symbol.asyncDispose]())

  /** Three addresses, so that whoever gets one that is another's is seen. */
  const serve = (server: string) =>
    site.apply({ ...base, dhcp: { server, range: ['10.77.0.15', '10.77.0.17'], allowOther: true } })

  const named = async () =>
    (await site.service.leases()).map(({ address, mac, hostname }) => ({ address, mac, hostname }))

  /** With a name and a client id, as most clients have. */
  async function come(name: string, at: number): Promise<{ client: string; lease: { address: string } }> {
    const mac = `02:00:00:00:00:0${at}`
    const client = await lab.addClient(mac)
    const args = ['-x', `hostname:${name}`, '-x', `0x3d:010203040${at}`, '-s', '/bin/true']
    await lab.in(client, 'busybox', 'udhcpc', '-i', 'eth0', '-n', '-q', '-f', ...args)
    const address = (await site.service.leases()).find((lease) => lease.mac === mac)?.address
    const lease = { address: address!, mac, hostname: name }
    expect(address).toBeDefined()
    return { client, lease }
  }

  const byAddress = (left: { address: string }, right: { address: string }) => (left.address < right.address ? -1 : 1)

  it.each([
    ['kea', 'dnsmasq'],
    ['dnsmasq', 'kea'],
  ])('%s → %s → back: each client keeps its address, and no other gets it', async (former, next) => {
    await serve(former)
    const first = await come('laptop', 1)
    expect(await serve(next)).toEqual([`update: server ${former} → ${next}`])
    expect(await named()).toEqual([first.lease])
    const second = await come('phone', 2)
    expect(await serve(former)).toHaveLength(1)
    expect(await named()).toEqual([first.lease, second.lease].toSorted(byAddress))
    const third = await come('tv', 3)
    const all = [first.lease, second.lease, third.lease].toSorted(byAddress)
    expect(await named()).toEqual(all)
    expect(await serve(next)).toHaveLength(1)
    expect(await named()).toEqual(all)
    // All are given: for whom is not known, there is none.
    expect(await lab.askForAddress(await lab.addClient())).toBeUndefined()
    expect((await lab.askForAddress(first.client))?.ip).toBe(first.lease.address)
    expect((await lab.askForAddress(third.client))?.ip).toBe(third.lease.address)
  })

  it.each([
    ['kea', 'dnsmasq'],
    ['dnsmasq', 'kea'],
  ])('%s → %s, killed after the new one was started: whoever is started next has its leases', async (former, next) => {
    await serve(former)
    const applied = join(lab.room.folder, 'applied.json')
    const before = await readFile(applied)
    const first = await come('laptop', 1)
    await serve(next)
    const second = await come('phone', 2)
    const both = [first.lease, second.lease].toSorted(byAddress)
    const pids = (await lab.in(lab.namespace, 'pgrep', '-f', lab.room.folder)).trim().split('\n')
    for (const pid of pids) signalProcess(Number(pid), 'SIGKILL')
    // As a run that did not come to its end, and a controller that looks after what was there before it.
    await writeFile(applied, before)
    expect(await site.service.tend()).toEqual([former])
    expect(await named()).toEqual(both)
    expect(await serve(next)).toHaveLength(1)
    expect(await named()).toEqual(both)
  })

  it('a Kea whose file is damaged is no obstacle, and what can be read of it is kept', async () => {
    await serve('kea')
    const first = await come('laptop', 1)
    await site.service.stop()
    await appendFile(join(lab.room.folder, 'kea', 'leases.csv'), '10.77.0.16,02:0')
    await serve('dnsmasq')
    expect(await named()).toEqual([first.lease])
    await serve('kea')
    expect(await named()).toEqual([first.lease])
  })
})
