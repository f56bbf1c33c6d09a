import { readFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { judgeNetwork } from '../../src/app/doctor/checks/network.ts'
import { isLarderError, systemClock } from '../../src/core/index.ts'
import { signalProcess } from '../../src/fleet/network/daemon/process-supervisor.ts'
import { networkSchema } from '../../src/fleet/network/network-schema.ts'
import { openNetworkSite, type NetworkSite } from '../../src/fleet/testing/network-site.ts'

const isRoot = process.getuid?.() === 0
const must = process.env['CI'] === 'true'

const base = { subnet: '10.77.0.0/24', gateway: '10.77.0.1', domain: 'lab.example.org', dns: { forward: false } }

describe.skipIf(!isRoot && !must)('the networks of a site [needs root]', () => {
  let site: NetworkSite
  let lab: NetworkSite['lab']
  let service: NetworkSite['service']
  let apply: NetworkSite['apply']

  beforeEach(async () => {
    site = await openNetworkSite()
    ;({ lab, service, apply } = site)
  })
  afterEach(() => site[Symbol.asyncDispose]())

  const dig = async (client: string, name: string): Promise<string> =>
    (await lab.in(client, 'dig', '+short', '+tries=2', '+time=2', '@10.77.0.1', name)).trim()

  it.each(['kea', 'dnsmasq'])('%s gives addresses and names; a second run changes nothing', async (server) => {
    const dhcp = { server, range: ['10.77.0.15', '10.77.0.150'] }
    const reservations = { tv: { mac: '02:00:00:00:00:07', address: '10.77.0.9' } }
    expect(await apply({ ...base, dhcp })).toEqual([
      `create: 10.77.0.0/24, .15–.150 handed out by ${server}, names are answered`,
    ])
    expect(await apply({ ...base, dhcp })).toEqual([])
    const client = await lab.addClient()
    const lease = await lab.askForAddress(client)
    expect(lease).toMatchObject({ dns: '10.77.0.1', domain: 'lab.example.org' })
    expect(await dig(client, 'web-1.lab.example.org')).toBe('10.77.0.5')
    expect(await dig(client, 'web-1')).toBe('10.77.0.5')
    expect(await dig(client, 'larder.lab.example.org')).toBe('10.77.0.1')
    expect(await dig(client, '-x10.77.0.5')).toBe('web-1.lab.example.org.')
    expect(await dig(client, 'elsewhere.lab.example.org')).toBe('')
    const narrower = { ...dhcp, range: ['10.77.0.15', '10.77.0.120'], reservations }
    expect(await apply({ ...base, dhcp: narrower })).toEqual([
      'update: range .15–.150 → .15–.120, 1 reservation added: tv',
    ])
    expect(await dig(client, 'tv.lab.example.org')).toBe('10.77.0.9')
    expect((await lab.askForAddress(await lab.addClient('02:00:00:00:00:07')))?.ip).toBe('10.77.0.9')
    expect(await service.leases()).toContainEqual(
      expect.objectContaining({ address: '10.77.0.9', network: 'default', reservedFor: 'tv' }),
    )
  })

  it.each(['kea', 'dnsmasq'])(
    'doctor tells of who has no lease of what %s reserves for it, or renews it late',
    async (server) => {
      const mac = '02:00:00:00:00:05'
      const reservations = { 'web-1': { mac, address: '10.77.0.5' } }
      await apply({ ...base, dhcp: { server, range: ['10.77.0.50', '10.77.0.60'], lease: '1h', reservations } })
      const words = async (inMinutes: number): Promise<string[]> => {
        const now = new Date(Date.now() + inMinutes * 60_000)
        const told = judgeNetwork(await service.status(), await service.leases(), {
          now,
          machines: [{ name: 'web-1', place: 'ssh' }],
        })
        return told.map(({ message }) => message)
      }
      expect(await words(0)).toEqual([expect.stringContaining('web-1 has no lease of 10.77.0.5')])
      const client = await lab.addClient(mac)
      expect(await lab.askForAddress(client)).toMatchObject({ ip: '10.77.0.5' })
      expect(await words(0)).toEqual([])
      expect(await words(55)).toEqual([expect.stringContaining('web-1 has not renewed 10.77.0.5')])
    },
  )

  it('gives names to clients that say theirs, and no client takes that of a machine', async () => {
    await apply({ ...base, dhcp: { range: ['10.77.0.15', '10.77.0.150'] } })
    const [honest, liar, rude] = [await lab.addClient(), await lab.addClient(), await lab.addClient()]
    const ask = (client: string, name: string): Promise<string> =>
      lab.in(client, 'busybox', 'udhcpc', '-i', 'eth0', '-n', '-q', '-f', '-x', `hostname:${name}`, '-s', '/bin/true')
    await ask(honest, 'laptop')
    await ask(liar, 'web-1')
    await ask(rude, '-.$(reboot)')
    expect(await service.tend()).toEqual([])
    const client = await lab.addClient()
    await lab.in(client, 'ip', 'addr', 'add', '10.77.0.200/24', 'dev', 'eth0')
    const leases = await service.leases()
    const address = leases.find(({ hostname }) => hostname === 'laptop')?.address
    expect(leases).toHaveLength(3)
    await expect.poll(() => dig(client, 'laptop.lab.example.org'), { timeout: 10_000 }).toBe(address)
    expect(await dig(client, 'web-1.lab.example.org')).toBe('10.77.0.5')
  })

  it.each(['dns', 'dhcp'])(
    'what the dnsmasq for %s is told while it runs, it has heard once that is said',
    async (which) => {
      const section = (address: string): unknown => {
        const dhcp = { server: 'dnsmasq', range: ['10.77.0.15', '10.77.0.150'], allowOther: true }
        return { ...base, dhcp: { ...dhcp, reservations: { tv: { mac: '02:00:00:00:00:07', address } } } }
      }
      await apply(section('10.77.0.8'))
      const found = await lab.in(lab.namespace, 'pgrep', '-f', `${lab.room.folder}/${which}-dnsmasq`)
      const pid = Number(found.trim())
      const { wanted } = await site.kind.observe(site.context, networkSchema.parse(section('10.77.0.9')))
      let isAwake = false
      signalProcess(pid, 'SIGSTOP')
      const applied = service.apply(wanted).then(() => isAwake)
      try {
        // Source: proc(5), ShdPnd; SIGHUP is the first of all signals.
        const pending = async () => /^ShdPnd:.*[13579bdf]$/m.test(await readFile(`/proc/${pid}/status`, 'utf8'))
        await expect.poll(pending).toBe(true)
        await systemClock.sleep(200)
      } finally {
        isAwake = true
        signalProcess(pid, 'SIGCONT')
      }
      expect(await applied).toBe(true)
    },
  )

  it('goes from one server to the other, ends what nobody wants, and says so', async () => {
    const range = ['10.77.0.15', '10.77.0.150']
    await apply({ ...base, dhcp: { range } })
    expect(await apply({ ...base, dhcp: { range, server: 'dnsmasq' } })).toEqual(['update: server kea → dnsmasq'])
    const client = await lab.addClient()
    expect((await lab.askForAddress(client))?.serverid).toBe('10.77.0.1')
    expect(await apply({ ...base })).toEqual(['update: no DHCP any more'])
    expect(await dig(client, 'web-1')).toBe('10.77.0.5')
    expect(await lab.askForAddress(client)).toBeUndefined()
    expect(await apply(undefined)).toEqual(['remove: 10.77.0.0/24 is no more'])
    expect(await apply(undefined)).toEqual([])
    expect(await service.status()).toMatchObject({ dhcp: undefined, dns: undefined })
  })

  it('starts again what has died, and plans it where nobody looked after it', async () => {
    const dhcp = { range: ['10.77.0.15', '10.77.0.150'] }
    await apply({ ...base, dhcp })
    const killAll = async (): Promise<void> => {
      const pids = (await lab.in(lab.namespace, 'pgrep', '-f', lab.room.folder)).trim().split('\n')
      for (const pid of pids) signalProcess(Number(pid), 'SIGKILL')
      await expect.poll(() => service.status(), { timeout: 10_000 }).toMatchObject({ dhcp: undefined, dns: undefined })
    }
    await killAll()
    expect(await service.tend()).toEqual(['kea', 'dns'])
    expect(await apply({ ...base, dhcp })).toEqual([])
    await killAll()
    expect(await apply({ ...base, dhcp })).toEqual(['update: kea does not run, names are not answered'])
    expect(await lab.askForAddress(await lab.addClient())).toBeDefined()
    expect(await service.obstacle()).toBeUndefined()
    await lab.in(lab.namespace, 'ip', 'addr', 'del', '10.77.0.1/24', 'dev', 'srv0')
    expect(await service.obstacle()).toMatchObject({ message: expect.stringContaining('an address in 10.77.0.0/24') })
  })

  it.each(['kea', 'dnsmasq'])(
    'a network that %s serves is made wider, and its clients keep what they have',
    async (server) => {
      const dhcp = { server, range: ['10.77.0.15', '10.77.0.16'] }
      await apply({ ...base, dhcp })
      const [first, second] = [await lab.addClient(), await lab.addClient()]
      const had = [(await lab.askForAddress(first))?.ip, (await lab.askForAddress(second))?.ip]
      expect(had.toSorted()).toEqual(['10.77.0.15', '10.77.0.16'])
      await lab.in(lab.namespace, 'ip', 'addr', 'add', '10.77.0.1/23', 'dev', 'srv0')
      for (const subnet of ['10.77.0.0/23', '10.76.0.0/15']) {
        expect(await apply({ ...base, subnet, dhcp })).toHaveLength(1)
        expect((await service.leases()).map(({ address }) => address)).toEqual(['10.77.0.15', '10.77.0.16'])
        expect((await lab.askForAddress(second))?.ip).toBe(had[1])
        expect((await lab.askForAddress(first))?.ip).toBe(had[0])
      }
    },
  )

  it('does not start where another DHCP server answers, unless it is told to', async () => {
    const stranger = await lab.addClient()
    await lab.in(stranger, 'ip', 'addr', 'add', '10.77.0.66/24', 'dev', 'eth0')
    const settings = [
      '--port=0',
      '--user=root',
      '--no-ping',
      '--pid-file=',
      `--dhcp-leasefile=${lab.room.folder}.other`,
    ]
    const range = '--dhcp-range=10.77.0.100,10.77.0.110,1h'
    const running = lab.in(stranger, 'dnsmasq', '--keep-in-foreground', '--conf-file=/dev/null', ...settings, range)
    const ended = running.catch(() => 'ended')
    try {
      const dhcp = { range: ['10.77.0.15', '10.77.0.50'] }
      const refused = await apply({ ...base, dhcp }).catch((error: unknown) => error)
      expect(isLarderError(refused, 'FLEET_NETWORK_OTHER_DHCP')).toBe(true)
      expect(refused).toMatchObject({ context: { server: '10.77.0.66', interface: 'srv0', network: 'default' } })
      expect(await service.status()).toMatchObject({ state: undefined, dhcp: undefined })
      expect(await apply({ ...base, dhcp: { ...dhcp, allowOther: true } })).toHaveLength(1)
    } finally {
      const pid = await lab.in(stranger, 'pgrep', '-f', `${lab.room.folder}.other`)
      signalProcess(Number(pid.trim().split('\n')[0]), 'SIGKILL')
      await ended
    }
  })

  it('makes a bridge that is asked for, and says what is there where no interface fits', async () => {
    const far = {
      subnet: '10.78.0.0/24',
      gateway: '10.78.0.1',
      dns: false,
      dhcp: { range: ['10.78.0.15', '10.78.0.50'] },
    }
    const refused = await apply(far).catch((error: unknown) => error)
    expect(isLarderError(refused, 'FLEET_NETWORK_INTERFACE_MISSING')).toBe(true)
    expect((refused as Error).message).toContain('srv0 (10.77.0.1)')
    expect(await apply({ ...far, bridge: 'larder0' })).toHaveLength(1)
    expect(await lab.in(lab.namespace, 'ip', '-br', '-4', 'addr', 'show', 'larder0')).toContain('10.78.0.1/24')
    expect(await apply({ ...far, bridge: 'larder0' })).toEqual([])
  })

  it('a bridge that it made has the address of its gateway alone, also when that is another one', async () => {
    const far = { subnet: '10.78.0.0/24', gateway: '10.78.0.1', dns: {}, bridge: 'larder0' }
    const addresses = async () =>
      (await lab.in(lab.namespace, 'ip', '-br', '-4', 'addr', 'show', 'larder0')).trim().split(/\s+/).slice(2)
    await apply(far)
    await lab.in(lab.namespace, 'ip', 'addr', 'add', '10.99.0.1/24', 'dev', 'larder0')
    for (const change of [{ gateway: '10.78.0.254' }, { subnet: '10.78.0.0/23' }, { gateway: '10.78.0.7' }]) {
      Object.assign(far, change)
      expect(await apply(far)).toHaveLength(1)
      // What somebody else has given it stays.
      expect(await addresses()).toEqual(['10.99.0.1/24', `${far.gateway}${far.subnet.slice(-3)}`])
    }
  })

  it.each(['kea', 'dnsmasq'])('%s serves several networks, each with what is its own', async (server) => {
    const subnets = {
      lab: { ...base, dhcp: { server, range: ['10.77.0.15', '10.77.0.50'] } },
      office: {
        subnet: '10.78.0.0/24',
        gateway: '10.78.0.1',
        domain: 'office.example.org',
        bridge: 'larder0',
        dhcp: { server, range: ['10.78.0.15', '10.78.0.50'] },
      },
    }
    await apply({ subnets })
    const [near, far] = [await lab.addClient(), await lab.addClient()]
    await lab.in(far, 'ip', 'link', 'set', 'eth0', 'down')
    const ports = (await lab.in(lab.namespace, 'ip', '-br', 'link', 'show', 'master', 'srv0')).match(/^[^@\s]+/gm) ?? []
    await lab.in(lab.namespace, 'ip', 'link', 'set', ports.at(-1)!, 'master', 'larder0')
    await lab.in(far, 'ip', 'link', 'set', 'eth0', 'up')
    expect(await lab.askForAddress(near)).toMatchObject({ router: '10.77.0.1', domain: 'lab.example.org' })
    expect(await lab.askForAddress(far)).toMatchObject({ router: '10.78.0.1', domain: 'office.example.org' })
    expect((await service.leases()).map(({ network }) => network)).toEqual(['lab', 'office'])
  })

  it('a bridge that it made goes with its network, when nobody is at it any more; others stay', async () => {
    const names = { subnet: '10.79.0.0/24', gateway: '10.79.0.1', dns: {} }
    const ip = (...args: string[]) => lab.in(lab.namespace, 'ip', ...args)
    const links = async () => (await ip('-br', 'link', 'show', 'type', 'bridge')).match(/^\S+/gm)
    await ip('link', 'add', 'theirs0', 'type', 'bridge')
    const subnets = {
      ours: { ...names, bridge: 'larder0' },
      theirs: { ...names, subnet: '10.80.0.0/24', gateway: '10.80.0.1', bridge: 'theirs0' },
    }
    await apply({ subnets })
    expect(await links()).toEqual(['srv0', 'theirs0', 'larder0'])
    await ip('link', 'add', 'machine0', 'type', 'veth', 'peer', 'name', 'machine1')
    await ip('link', 'set', 'machine0', 'master', 'larder0')
    await apply(undefined)
    await service.tend()
    expect(await links()).toContain('larder0')
    await ip('link', 'delete', 'machine0')
    await service.tend()
    expect(await links()).toEqual(['srv0', 'theirs0'])
    expect((await service.status()).state).toMatchObject({ left: [] })
  })
})
