import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { forgeNamed } from '../../forge/index.ts'
import { startServer, type TestServer } from './testing/start-server.ts'

let server: TestServer
beforeAll(async () => {
  const hooks = { forge: forgeNamed('github'), secrets: () => ['secret'] }
  server = await startServer({ hooks, limits: { hookBytes: 100_000 } })
})
afterAll(() => server[Symbol.asyncDispose]())

async function open(line: string, headers: readonly string[]): Promise<Socket> {
  const socket = connect(server.port, '127.0.0.1').pause()
  await once(socket, 'connect')
  socket.write([`${line} HTTP/1.1`, 'host: larder', ...headers, '', ''].join('\r\n'))
  return socket
}

/** Fails when the other side does not take it any more. */
function write(socket: Socket, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.write(bytes, (error) => {
      socket.off('error', reject)
      if (error) reject(error)
      else resolve()
    })
  })
}

const piece = Buffer.alloc(1 << 16, 'x')
const pieces = 160
const json = 'content-type: application/json'
const told = `content-length: ${piece.length * pieces}`
const chunked = 'transfer-encoding: chunked'

test.each([
  ['POST /nowhere', [json], 413],
  ['POST /api/v1/sync', [json], 401],
  ['POST /api/v1/mirrors/base/own', ['content-type: application/octet-stream'], 401],
  ['GET /api/v1/runs', ['content-type: text/plain'], 200],
  ['PUT /apt/base/x', [], 405],
  ['POST /hooks/github', [json], 413],
])('%s: whoever sends ten megabytes before reading is answered', async (line, headers, status) => {
  for (const length of line.startsWith('GET') ? [told] : [told, chunked]) {
    for (const connection of ['keep-alive', 'close']) {
      const socket = await open(line, [...headers, length, `connection: ${connection}`])
      for (let sent = 0; sent < pieces; sent++) {
        if (length === chunked) await write(socket, Buffer.from(`${piece.length.toString(16)}\r\n`))
        await write(socket, piece)
        if (length === chunked) await write(socket, Buffer.from('\r\n'))
      }
      if (length === chunked) await write(socket, Buffer.from('0\r\n\r\n'))
      const [answer] = (await once(socket.resume(), 'data')) as [Buffer]
      expect([length, connection, answer.toString().split(' ')[1]]).toEqual([length, connection, `${status}`])
      socket.destroy()
    }
  }
})

test('whoever does not stop is not listened to for ever', async () => {
  const socket = await open('PUT /apt/base/x', [`content-length: ${2 ** 40}`])
  let said = ''
  socket.resume().on('data', (part: Buffer) => (said += part.toString()))
  // It may be reset: an error comes before the end, and is as good.
  const ended = new Promise((resolve) => socket.on('error', () => undefined).once('close', resolve))
  const sending = setInterval(() => socket.write(piece), 50)
  await ended
  clearInterval(sending)
  expect(said).toMatch(/^HTTP\/1.1 405 /)
}, 30_000)

test('a connection that is kept is good for the next request', async () => {
  const socket = await open('PUT /apt/base/x', [told])
  for (let sent = 0; sent < pieces; sent++) await write(socket, piece)
  const [first] = (await once(socket.resume(), 'data')) as [Buffer]
  expect(first.toString()).toMatch(/^HTTP\/1.1 405 /)
  socket.write('GET /healthz HTTP/1.1\r\nhost: larder\r\n\r\n')
  const [second] = (await once(socket, 'data')) as [Buffer]
  expect(second.toString()).toMatch(/^HTTP\/1.1 200 /)
  socket.destroy()
})
