import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createConnection, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
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

function waiting(withinSeconds: number): { ended: Promise<unknown>; hasEnded: () => boolean } {
  const child = spawn('/bin/sh', ['-c', clientsGoneScript(port(), withinSeconds).shell], { stdio: 'ignore' })
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
