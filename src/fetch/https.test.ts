import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { connect, type AddressInfo } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
// @peculiar/x509 asks for it, and must find it there.
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { digestOf } from '../core/index.ts'
import { createTestFetcher, type TestFetcher } from './testing/index.ts'

/** Reading the authorities that this host trusts may take a busy one longer than the others have. */
const patient = { limits: { stallMs: 20_000, attempts: 1 } }
const bytes = Buffer.from('behind TLS')
const { signal } = new AbortController()
const trusted = getCACertificates('default')
let certificate: string
let testing: TestFetcher
let servers: Server[]
let port: number
let proxyPort: number
/** What the proxy was asked for. */
let asked: string[]

beforeEach(async () => {
  testing = await createTestFetcher(patient)
  servers = []
  asked = []
  const made = await certify(['127.0.0.1', 'packages.example.org'])
  certificate = made.certificate
  port = await listen(createTlsServer({ cert: certificate, key: made.key }, (_, response) => response.end(bytes)))
  proxyPort = await listen(createProxy())
})
afterEach(async () => {
  setDefaultCACertificates(trusted)
  await testing.fetcher.close()
  for (const server of servers) {
    server.closeAllConnections()
    server.close()
  }
})

async function listen(server: Server): Promise<number> {
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** Whatever it is asked for, it leads to the one server that there is. */
function createProxy(): Server {
  const proxy = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    response.end(bytes)
  })
  proxy.on('connect', (request, socket) => {
    asked.push(`CONNECT ${request.url} ${request.headers['proxy-authorization'] ?? ''}`.trim())
    const onward = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      socket.pipe(onward).pipe(socket)
    })
    onward.on('error', () => socket.destroy())
    socket.on('error', () => onward.destroy())
  })
  return proxy
}

async function certify(names: readonly string[]): Promise<{ certificate: string; key: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=test',
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.SubjectAlternativeNameExtension(
        names.map((value) => ({ type: /^[\d.]+$/.test(value) ? ('ip' as const) : ('dns' as const), value })),
      ),
    ],
  })
  const key = x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')
  return { certificate: made.toString('pem'), key }
}

const fetch = (url: string, proxy?: { http?: string; https?: string; no?: string }) =>
  testing.fetcher.fetch({ urls: [url], maxBytes: 100, lease: testing.lease, ...(proxy && { proxy }) }, signal)

it('believes a server whose certificate somebody trusted has signed, and no other', async () => {
  await expect(fetch(`https://127.0.0.1:${port}/f`)).rejects.toThrow(/certificate/)
  setDefaultCACertificates([...trusted, certificate])
  const { fetcher, lease } = await createTestFetcher(patient)
  const found = await fetcher.fetch({ urls: [`https://127.0.0.1:${port}/f`], maxBytes: 100, lease }, signal)
  expect(found).toMatchObject({ kind: 'fetched', digest: digestOf(bytes) })
  await fetcher.close()
})

it.each([
  ['that of https:', (address: string) => ({ https: `http://user:secret@${address}` }), 'Basic dXNlcjpzZWNyZXQ='],
  ['that of http:', (address: string) => ({ http: `http://${address}` }), ''],
  ['one without a scheme', (address: string) => ({ https: address }), ''],
])('reaches what is behind TLS through a proxy: %s', async (_, proxyAt, login) => {
  setDefaultCACertificates([...trusted, certificate])
  const proxy = proxyAt(`127.0.0.1:${proxyPort}`)
  expect(await fetch('https://packages.example.org/f', proxy)).toMatchObject({ digest: digestOf(bytes) })
  expect(asked).toEqual([`CONNECT packages.example.org:443 ${login}`.trim()])
})

it('verifies certificates behind a proxy, too', async () => {
  await expect(fetch('https://packages.example.org/f', { https: `http://127.0.0.1:${proxyPort}` })).rejects.toThrow(
    /certificate/,
  )
})

it('goes around the proxy for hosts that it excepts', async () => {
  setDefaultCACertificates([...trusted, certificate])
  const proxy = { https: `127.0.0.1:${proxyPort}`, no: 'localhost,127.0.0.1' }
  expect(await fetch(`https://127.0.0.1:${port}/f`, proxy)).toMatchObject({ digest: digestOf(bytes) })
  expect(asked).toEqual([])
})

it('asks a proxy without a scheme for what is not behind TLS', async () => {
  const proxy = { http: `127.0.0.1:${proxyPort}` }
  expect(await fetch('http://packages.example.org/f', proxy)).toMatchObject({ digest: digestOf(bytes) })
  expect(asked).toEqual(['GET http://packages.example.org/f'])
})
