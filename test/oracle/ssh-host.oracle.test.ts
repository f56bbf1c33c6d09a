import { execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Socket } from 'node:net'
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

  it('a key that is not known: refused, with the way to trust it', async () => {
    const knownHostsFile = join(sshd.folder, 'nobody')
    writeFileSync(knownHostsFile, '')
    const host = createSshHost({ ...sshd.options, knownHostsFile, controlFolder: join(sshd.folder, 'c1') })
    await expect(host.run(sh`true`, room)).rejects.toMatchObject({
      code: 'FLEET_HOST_REFUSED',
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
      code: 'FLEET_HOST_REFUSED',
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

  it('a host that stands still in the middle', async () => {
    const begun = join(sshd.folder, 'begun')
    const host = createSshHost({ ...sshd.options, controlFolder: join(sshd.folder, 'c5') })
    const session = sh`p=$$; until [ "$(cat /proc/$p/comm)" = sshd ]; do p=$(cut -d ' ' -f 4 /proc/$p/stat); done; echo $p`
    const standing = host.run(sh`${session} >${begun}.new; mv ${begun}.new ${begun}; sleep 60`, { timeoutMs: 50_000 })
    const refused = expect(standing).rejects.toMatchObject({ code: 'FLEET_HOST_UNREACHABLE' })
    while (!existsSync(begun)) await new Promise((resolve) => setTimeout(resolve, 20))
    const pid = Number(readFileSync(begun, 'utf8'))
    process.kill(pid, 'SIGSTOP')
    await refused
    process.kill(pid, 'SIGKILL')
  })

  it.each<[string, (socket: Socket) => void, RegExp]>([
    ['says nothing', () => {}, /Connection timed out during banner exchange/],
    // Where the last of its words comes with the last of the time, ssh itself waits for ever.
    ['says something else, and slowly', drip, /Connection timed out during banner exchange|did not answer within 3 s/],
    ['floods', flood, /banner line too long/],
    ['closes after its first words', (socket) => socket.end('SSH-2.0-x\r\n'), /cannot be reached/],
  ])('a host that %s is not waited for, and why is said', async (_what, answer, words) => {
    await using server = await listen(answer)
    const { port } = server
    const host = createSshHost({ ...sshd.options, port, connectTimeoutS: 2 })
    await expect(host.run(sh`true`, { timeoutMs: 3000 })).rejects.toMatchObject({
      code: expect.stringMatching(/^FLEET_HOST_(?:UNREACHABLE|TIMEOUT)$/),
      message: expect.stringMatching(words),
    })
    await expect(scanHostKey({ name: 'web-1', address: '127.0.0.1', port, timeoutMs: 1000 })).rejects.toMatchObject({
      code: 'FLEET_HOST_UNREACHABLE',
      message: expect.stringMatching(/, port [0-9]+: \S/),
    })
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

/** A port of the loopback where somebody answers who is no sshd. */
async function listen(answer: (socket: Socket) => void): Promise<AsyncDisposable & { port: number }> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    answer(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

function drip(socket: Socket): void {
  const timer = setInterval(() => socket.write('hello\r\n'), 200)
  socket.on('close', () => clearInterval(timer))
}

function flood(socket: Socket): void {
  const more = (): void => {
    while (socket.write('x'.repeat(65_536)));
  }
  socket.on('drain', more)
  more()
}
