import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isLarderError } from '../../src/core/index.ts'
import { declareNetwork } from '../../src/fleet/network/declared-network.ts'
import { signalProcess } from '../../src/fleet/network/daemon/process-supervisor.ts'
import { networkSchema } from '../../src/fleet/network/network-schema.ts'
import { createNetworkService, type NetworkService } from '../../src/fleet/network/network-service.ts'
import { createNetworkLab, type NetworkLab } from '../../src/fleet/testing/network-lab.ts'

const isRoot = process.getuid?.() === 0
const must = process.env['CI'] === 'true'

const lab = { subnet: '10.77.0.0/24', gateway: '10.77.0.1', dns: false }
const office = { subnet: '10.78.0.0/24', gateway: '10.78.0.1', dns: false, interface: 'office0' }
const near = { range: ['10.77.0.15', '10.77.0.50'] }
const far = { range: ['10.78.0.15', '10.78.0.50'] }

describe.skipIf(!isRoot && !must)('a network that is added while ours serves another [needs root]', () => {
  let net: NetworkLab
  let service: NetworkService
  let client: string
  /** Ends the DHCP server of somebody else in the office. */
  let endStranger: () => Promise<void>

  beforeEach(async () => {
    net = await createNetworkLab()
    service = await createNetworkService(net.room)
    client = await net.addClient()
    const stranger = await net.addClient()
    const ip = (...args: string[]) => net.in(net.namespace, 'ip', ...args)
    await ip('link', 'add', 'office0', 'type', 'bridge')
    await ip('addr', 'add', '10.78.0.1/24', 'dev', 'office0')
    await ip('link', 'set', 'office0', 'up')
    const ports = (await ip('-br', 'link', 'show', 'master', 'srv0')).match(/^[^@\s]+/gm) ?? []
    await ip('link', 'set', ports.at(-1)!, 'master', 'office0')
    await net.in(stranger, 'ip', 'addr', 'add', '10.78.0.66/24', 'dev', 'eth0')
    endStranger = await startStranger(stranger)
  })

  afterEach(async () => {
    try {
      await endStranger()
      await service.stop()
    } finally {
      await net.remove()
    }
  })

  async function startStranger(namespace: string): Promise<() => Promise<void>> {
    const leases = `${net.room.folder}.other`
    const settings = ['--port=0', '--user=root', '--no-ping', '--pid-file=', `--dhcp-leasefile=${leases}`]
    const range = '--dhcp-range=10.78.0.100,10.78.0.110,1h'
    const running = net.in(namespace, 'dnsmasq', '--keep-in-foreground', '--conf-file=/dev/null', ...settings, range)
    const ended = running.catch(() => 'ended')
    return async () => {
      const pid = await net.in(namespace, 'pgrep', '-f', leases)
      signalProcess(Number(pid.trim().split('\n')[0]), 'SIGKILL')
      await ended
    }
  }

  async function apply(section: unknown): Promise<void> {
    const wanted = { network: declareNetwork(networkSchema.parse(section), 'lab'), names: [] }
    await service.prepare(wanted)
    await service.apply(wanted)
  }

  it('is looked at as the first one was; where that is told to, it is served beside the other', async () => {
    await apply({ subnets: { lab: { ...lab, dhcp: near } } })
    const refused = await apply({ subnets: { lab: { ...lab, dhcp: near }, office: { ...office, dhcp: far } } }).catch(
      (error: unknown) => error,
    )
    expect(isLarderError(refused, 'FLEET_NETWORK_OTHER_DHCP')).toBe(true)
    expect(refused).toMatchObject({ context: { server: '10.78.0.66', interface: 'office0', network: 'office' } })
    expect((await service.status()).state?.network.subnets.map(({ name }) => name)).toEqual(['lab'])
    expect((await net.askForAddress(client))?.serverid).toBe('10.77.0.1')

    const beside = { ...far, allowOther: true }
    await apply({ subnets: { lab: { ...lab, dhcp: near }, office: { ...office, dhcp: beside } } })
    const alone = apply({ subnets: { lab: { ...lab, dhcp: near }, office: { ...office, dhcp: far } } })
    await expect(alone).rejects.toMatchObject({ code: 'FLEET_NETWORK_OTHER_DHCP' })
  })

  it('ours is no other, also where nobody noted that it was told to serve', async () => {
    const before = {
      subnets: { lab: { ...lab, dhcp: near }, office: { ...office, dhcp: { ...far, allowOther: true } } },
    }
    await apply(before)
    await endStranger()
    endStranger = async () => {}
    await apply({ subnets: { lab: { ...lab, dhcp: near }, office: { ...office, dhcp: far } } })
    expect((await net.askForAddress(client))?.serverid).toBe('10.77.0.1')
  })
})
