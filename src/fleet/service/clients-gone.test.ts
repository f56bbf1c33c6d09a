import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createConnection, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { clientsGoneScript } from './clients-gone.ts'

let server: Server
let sockets: Socket[]
beforeEach(async (context) => {
  if (process.platform !== 'linux') context.skip('cannot apply: connections are read from /proc')
  sockets = []
  server = createServer((socket) => sockets.push(socket)).listen(0, '::')
  await once(server, 'listening')
})
afterEach(() => {
  for (const socket of sockets) socket.destroy()
  server.close()
})

async function connect(host: string): Promise<Socket> {
  const client = createConnection({ host, port: port() })
  sockets.push(client)
  await once(client, 'connect')
  return client
}
const port = (): number => (server.address() as AddressInfo).port

/** For a port of ours, or one that is published into a container: the rules then say so. */
function waiting(
  withinSeconds: number,
  at = port(),
  path = process.env['PATH'],
  files: readonly string[] = [],
): { ended: Promise<unknown>; hasEnded: () => boolean } {
  const child = spawn('/bin/sh', ['-c', clientsGoneScript(at, withinSeconds, files).shell], {
    stdio: 'ignore',
    env: { ...process.env, PATH: path },
  })
  let hasEnded = false
  const ended = once(child, 'exit').then(([code]: unknown[]) => {
    hasEnded = true
    return code
  })
  return { ended, hasEnded: () => hasEnded }
}

it.each(['127.0.0.1', '::1'])('waits for who is connected from %s, and no longer', async (host) => {
  const client = await connect(host)
  const { ended, hasEnded } = waiting(600)
  await new Promise((resolve) => setTimeout(resolve, 2500))
  expect(hasEnded()).toBe(false)
  client.destroy()
  expect(await ended).toBe(0)
})

it.each([(at: number) => `# Variables\nPORT="${at}"\nA="b"\n`, (at: number) => `PORT=${at}\nA=b\n`])(
  'waits for who comes to the port of what runs there, whatever is declared by now: %#',
  async (variables) => {
    const folder = mkdtempSync(join(tmpdir(), 'larder-port-'))
    const client = await connect('127.0.0.1')
    try {
      writeFileSync(join(folder, 'running'), variables(port()))
      const files = [join(folder, 'none'), join(folder, 'running')]
      const { ended, hasEnded } = waiting(600, port() === 9 ? 10 : 9, process.env['PATH'], files)
      await new Promise((resolve) => setTimeout(resolve, 2500))
      expect(hasEnded()).toBe(false)
      client.destroy()
      expect(await ended).toBe(0)
    } finally {
      rmSync(folder, { recursive: true })
    }
  },
)

it('waits for nobody who comes to another port, nor for who does not go', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const client = createConnection((other.address() as AddressInfo).port, '127.0.0.1')
  sockets.push(client)
  await once(client, 'connect')
  expect(await waiting(600).ended).toBe(0)
  other.close()
  await connect('127.0.0.1')
  expect(await waiting(2).ended).toBe(0)
})

it('waits as long as it may by the clock, and not by how often it has looked', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'larder-waits-'))
  try {
    const slow = '#!/bin/sh\necho >>"${0%/*}/waits"\nexec /bin/sleep 3\n'
    writeFileSync(join(folder, 'sleep'), slow, { mode: 0o755 })
    await connect('127.0.0.1')
    expect(await waiting(5, port(), `${folder}:${process.env['PATH']}`).ended).toBe(0)
    expect(readFileSync(join(folder, 'waits'), 'utf8')).toMatch(/^\n{1,2}$/)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

it('waits for who comes to a port that nft translates', async (context) => {
  if (!existsSync('/proc/sys/net/netfilter/nf_conntrack_count'))
    context.skip('cannot apply: nothing is translated here')
  const folder = mkdtempSync(join(tmpdir(), 'larder-rules-'))
  try {
    const rule = `tcp dport 1 dnat ip to 127.0.0.1:${port()}`
    writeFileSync(join(folder, 'nft'), `#!/bin/sh\necho ' ip daddr 192.0.2.1 ${rule} comment "x"'\n`, { mode: 0o755 })
    const client = await connect('127.0.0.1')
    const { ended, hasEnded } = waiting(600, 1, `${folder}:${process.env['PATH']}`)
    await new Promise((resolve) => setTimeout(resolve, 2500))
    expect(hasEnded()).toBe(false)
    client.destroy()
    expect(await ended).toBe(0)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
