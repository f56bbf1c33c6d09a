import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { describe, expect, it } from 'vitest'
import { silentProgress, systemClock } from '../../src/core/index.ts'
import { containerAddress } from '../../src/fleet/place/container/container-address.ts'
import { createContainerPlace } from '../../src/fleet/place/container/container-place.ts'
import { containerName } from '../../src/fleet/place/container/container-report.ts'
import type { MachineSpec } from '../../src/fleet/place/place.ts'
import { sh } from '../../src/fleet/shell/script.ts'
import { containerPlaceContract, dockerEngine, openContainerMachines } from './support/container-machines.ts'
import { machineBase } from './support/machine-base.ts'

const open = () => openContainerMachines({ site: 'test', subnet: '10.213.77' }, dockerEngine)

describe('at: container', () => {
  containerPlaceContract(open)
})

describe('machines in containers', () => {
  it('move to another address, and then to another subnet, with what they hold', async () => {
    await using opened = await open()
    const { place, credentials, machine, network } = opened
    const bringUp = async (spec: MachineSpec): Promise<string> => {
      const room = { progress: silentProgress, signal: new AbortController().signal }
      await place.bringUp(spec, { ...room, credentials: await credentials.of(spec.name) })
      const host = place.host(spec)
      const { stdout } = await host.run(
        sh`cat /root/kept 2>/dev/null || echo new; echo kept >/root/kept; systemctl is-system-running --wait`,
        {
          timeoutMs: 120_000,
        },
      )
      await host.close()
      return stdout.toString()
    }
    const at = (address: string, gateway: string) => ({ ...machine, addresses: [{ ...network, address, gateway }] })
    expect(await bringUp(machine)).toBe('new\nrunning\n')
    expect(await bringUp(at('10.213.77.12', '10.213.77.1'))).toBe('kept\nrunning\n')
    expect(await bringUp(at('10.213.78.12', '10.213.78.1'))).toBe('kept\nrunning\n')
    await place.remove(machine)
    const { stdout } = await opened.engine.run('network', 'ls', '--format', '{{.Name}}')
    expect(stdout).not.toContain('larder-')
  })

  it('start again with what they hold when somebody made their network anew while they stood still', async () => {
    await using opened = await open()
    const { place, credentials, machine, engine } = opened
    const bringUp = async (): Promise<string> => {
      const room = { progress: silentProgress, signal: new AbortController().signal }
      await place.bringUp(machine, { ...room, credentials: await credentials.of(machine.name) })
      const host = place.host(machine)
      const script = sh`cat /root/kept 2>/dev/null || echo new; echo kept >/root/kept`
      const { stdout } = await host.run(script, { timeoutMs: 120_000 })
      await host.close()
      return stdout.toString()
    }
    expect(await bringUp()).toBe('new\n')
    await engine.run('stop', 'larder-test-web-1')
    await engine.run('network', 'rm', 'larder-test-lan')
    expect(await place.observe(machine)).toBe('stopped')
    expect(await bringUp()).toBe('kept\n')
  })

  it('of a site without a network are found at the address that the engine gave them', async () => {
    await using opened = await open()
    const { place, credentials, engine } = opened
    const machine = { ...opened.machine, addresses: [] }
    const find = () => containerAddress({ dockerHost: engine.dockerHost }, machine.name)
    expect(await find()).toBeUndefined()
    const room = { progress: silentProgress, signal: new AbortController().signal }
    await place.bringUp(machine, { ...room, credentials: await credentials.of(machine.name) })
    const host = place.host(machine)
    const { stdout } = await host.run(sh`hostname --all-ip-addresses`, { timeoutMs: 120_000 })
    await host.close()
    expect(stdout.toString().trim().split(' ')).toContain(await find())
    await engine.run('stop', 'larder-test-web-1')
    expect(await find()).toBeUndefined()
  })

  it('begin with nothing of how their base was made', async (context) => {
    const base = await machineBase()
    if (base === undefined) return context.skip('this host has no APT sources to make a machine from')
    const { stdout } = await execa('tar', ['--list', `--file=${base.path}`])
    const paths = stdout.split('\n')
    expect(paths).toContain('./etc/dpkg/dpkg.cfg.d/')
    const ofMaking = /mmdebstrap|\.(cfg|list|sources)\.d\/.|sources\.list$|ssh_host_/
    expect(paths.filter((path) => path.startsWith('./etc/') && ofMaking.test(path))).toEqual([])
  })

  it('of one that is not ready, what failed in it is said', async () => {
    await using opened = await open()
    const { place, credentials, machine, engine, workspace } = opened
    const room = {
      progress: silentProgress,
      signal: new AbortController().signal,
      credentials: await credentials.of(machine.name),
    }
    await place.bringUp(machine, room)
    await engine.run('exec', containerName(machine), 'sh', '-c', 'echo Nonsense yes >>/etc/ssh/sshd_config')
    await engine.run('kill', containerName(machine))
    const reach = { credentials, controlFolder: workspace.path('c'), clock: systemClock }
    const hasty = createContainerPlace({ dockerHost: engine.dockerHost, reach, readyWithinMs: 10_000 })
    await expect(hasty.bringUp(machine, room)).rejects.toMatchObject({
      code: 'FLEET_MACHINE_FAILED',
      message: expect.stringMatching(/^web-1 did not come up: it is not ready: [^]*\nssh\.service .*failed/) as string,
    })
  })

  it('one that ends is not waited for, and its last words are said', async () => {
    await using opened = await open()
    const { place, credentials, machine, workspace } = opened
    const root = workspace.path('root')
    await mkdir(join(root, 'bin'), { recursive: true })
    await copyFile('/bin/busybox', join(root, 'bin/sh'))
    const path = workspace.path('no-init.tar')
    await execa('tar', ['--create', `--file=${path}`, `--directory=${root}`, '.'])
    const cannot = { ...machine, base: { path, digest: `sha256:${'0'.repeat(64)}` } }
    const room = { progress: silentProgress, signal: new AbortController().signal }
    const failing = place.bringUp(cannot, { ...room, credentials: await credentials.of(cannot.name) })
    await expect(failing).rejects.toMatchObject({
      code: 'FLEET_MACHINE_FAILED',
      message: expect.stringMatching(/^web-1 did not come up: it ends each time[^]*init/) as string,
    })
  })
})
