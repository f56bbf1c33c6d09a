import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sh } from '../../src/fleet/shell/script.ts'
import { hostContract } from '../../src/fleet/testing/host-contract.ts'
import { canStartSshd, knownHost, makeKey, startSshd, type TestSshd } from '../../src/fleet/testing/start-sshd.ts'
import { scanHostKey } from '../../src/fleet/host/host-key.ts'
import { createSshHost } from '../../src/fleet/host/ssh-host.ts'

describe.skipIf(!canStartSshd)('a host behind ssh', () => {
  hostContract(async () => {
    const sshd = await startSshd()
    const host = createSshHost(sshd.options)
    return {
      host,
      async close() {
        await host.close()
        await sshd.stop()
      },
    }
  })
})

describe.skipIf(!canStartSshd)('ssh', () => {
  let sshd: TestSshd
  const room = { timeoutMs: 20_000 }
  beforeAll(async () => {
    sshd = await startSshd()
  })
  afterAll(() => sshd.stop())

  it('a key that is not known: unreachable, with the way to trust it', async () => {
    const knownHostsFile = join(sshd.folder, 'nobody')
    writeFileSync(knownHostsFile, '')
    const host = createSshHost({ ...sshd.options, knownHostsFile, controlFolder: join(sshd.folder, 'c1') })
    await expect(host.run(sh`true`, room)).rejects.toMatchObject({
      code: 'FLEET_HOST_UNREACHABLE',
      hint: expect.stringContaining('larder machine trust web-1'),
    })
  })

  it('a key that has changed is refused', async () => {
    makeKey(join(sshd.folder, 'other'))
    const knownHostsFile = join(sshd.folder, 'changed')
    writeFileSync(knownHostsFile, knownHost('web-1', join(sshd.folder, 'other')))
    const host = createSshHost({ ...sshd.options, knownHostsFile, controlFolder: join(sshd.folder, 'c2') })
    await expect(host.run(sh`true`, room)).rejects.toMatchObject({ code: 'FLEET_HOST_KEY_CHANGED' })
  })

  it('a key of ours that the host does not know, a port that is closed', async () => {
    const identityFile = join(sshd.folder, 'stranger')
    makeKey(identityFile)
    const stranger = createSshHost({ ...sshd.options, identityFile, controlFolder: join(sshd.folder, 'c3') })
    await expect(stranger.run(sh`true`, room)).rejects.toMatchObject({
      code: 'FLEET_HOST_UNREACHABLE',
      message: expect.stringContaining('Permission denied'),
    })
    const closed = createSshHost({ ...sshd.options, port: 1 })
    await expect(closed.run(sh`true`, room)).rejects.toMatchObject({
      code: 'FLEET_HOST_UNREACHABLE',
      message: expect.stringContaining('web-1 cannot be reached, or the connection was lost: connect to host'),
    })
  })

  it('a connection that is cut in the middle', async () => {
    const other = await startSshd()
    const host = createSshHost({ ...other.options, controlFolder: join(other.folder, 'c4') })
    const begun = join(other.folder, 'begun')
    const cut = host.run(sh`touch ${begun}; sleep 60`, room)
    const refused = expect(cut).rejects.toMatchObject({ code: 'FLEET_HOST_UNREACHABLE' })
    while (!existsSync(begun)) await new Promise((resolve) => setTimeout(resolve, 20))
    const [socket = ''] = readdirSync(join(other.folder, 'c4'))
    const { stderr } = spawnSync('ssh', ['-O', 'check', '-S', join(other.folder, 'c4', socket), '127.0.0.1'])
    process.kill(Number(/pid=(\d+)/.exec(stderr.toString())?.[1]), 'SIGKILL')
    await refused
    await other.stop()
  })

  it('shows the fingerprint that ssh-keygen shows', async () => {
    const [key] = await scanHostKey({ name: 'web-1', address: '127.0.0.1', port: sshd.port })
    const shown = execFileSync('ssh-keygen', ['-lf', `${sshd.hostKeyFile}.pub`]).toString()
    expect(shown).toContain(` ${key?.fingerprint} `)
    expect(knownHost('web-1', sshd.hostKeyFile)).toBe(`web-1 ${key?.publicLine}\n`)
    await expect(scanHostKey({ name: 'web-1', address: '127.0.0.1', port: 1 })).rejects.toMatchObject({
      code: 'FLEET_HOST_UNREACHABLE',
    })
  })

  it.each([
    [{ address: '-oProxyCommand=x' }, 'is no address'],
    [{ user: '-l' }, 'is no user'],
    [{ port: 0 }, 'is no port'],
    [{ config: { ProxyCommand: 'x' } }, 'ProxyCommand'],
    [{ config: { Ciphers: 'a\nb' } }, 'Ciphers'],
    [{ controlFolder: `/${'x'.repeat(80)}` }, '70 bytes'],
    [{ identityFile: '/a"b' }, 'cannot be given'],
  ])('%o is refused', (wrong, message) => {
    expect(() => createSshHost({ ...sshd.options, ...wrong })).toThrow(message)
  })
})
