import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createHttpSender, type HttpSender } from './http-send.ts'

let server: Server
let url: string
let seen: { url: string | undefined; method: string | undefined; body: string }[]
let sender: HttpSender
const never = new AbortController().signal

beforeEach(async () => {
  seen = []
  server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      seen.push({ url: request.url, method: request.method, body: Buffer.concat(chunks).toString() })
      if (request.url === '/redirect') response.writeHead(302, { location: `${url}/elsewhere` }).end()
      else if (request.url === '/large') response.end('x'.repeat(5000))
      else if (request.url !== '/silent') response.writeHead(201, { 'x-two': ['a', 'b'] }).end('{"a":1}')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  sender = createHttpSender({ environment: {}, maxAnswerBytes: 1000 })
})

afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  await sender.close()
})

it('sends what it is given, and answers what came', async () => {
  const answer = await sender.send({ method: 'PUT', url: `${url}/x?y=1`, headers: { a: 'b' }, body: 'hello' }, never)
  expect(answer).toMatchObject({ status: 201, text: '{"a":1}' })
  expect(answer.headers['x-two']).toBe('a, b')
  expect(seen).toEqual([{ url: '/x?y=1', method: 'PUT', body: 'hello' }])
})

it('is led nowhere else', async () => {
  const answer = await sender.send({ method: 'GET', url: `${url}/redirect`, headers: {} }, never)
  expect(answer.status).toBe(302)
  expect(seen).toHaveLength(1)
})

it('does not read for ever', async () => {
  const failure = sender.send({ method: 'GET', url: `${url}/large`, headers: {} }, never)
  await expect(failure).rejects.toMatchObject({ code: 'FORGE_UNREACHABLE' })
})

it('does not wait for ever', async () => {
  const impatient = createHttpSender({ environment: {}, timeoutMs: 300 })
  const failure = impatient.send({ method: 'GET', url: `${url}/silent`, headers: {} }, never)
  await expect(failure).rejects.toMatchObject({ code: 'FORGE_UNREACHABLE' })
  await impatient.close()
})

it('says that nobody listens', async () => {
  const failure = sender.send({ method: 'GET', url: 'http://127.0.0.1:1/', headers: {} }, never)
  await expect(failure).rejects.toMatchObject({ code: 'FORGE_UNREACHABLE' })
})

it('stops when it is told to', async () => {
  const stop = new AbortController()
  const failure = sender.send({ method: 'GET', url: `${url}/silent`, headers: {} }, stop.signal)
  stop.abort()
  await expect(failure).rejects.toMatchObject({ code: 'CANCELLED' })
})

it('goes through the proxy of the environment', async () => {
  const proxied = createHttpSender({ environment: { http_proxy: url }, timeoutMs: 5000 })
  const request = { method: 'GET', url: 'http://forge.example.org/api', headers: {} }
  await proxied.send(request, never).catch(() => undefined)
  await proxied.close()
  expect(seen.map(({ method, url: asked }) => `${method} ${asked}`)).toEqual([
    expect.stringMatching(/^(?:CONNECT forge\.example\.org:80|GET http:\/\/forge\.example\.org\/api)$/),
  ])
})
