import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { get } from 'node:https'
import { TLSSocket } from 'node:tls'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { silentLog, systemClock } from '../../../core/index.ts'
import { openAuthority, type Authority, type Certified } from '../../tls/authority.ts'
import { createServer, type HttpServer } from '../server.ts'
import { FakeController } from '../testing/fake-controller.ts'
import { startServer } from '../testing/start-server.ts'

let folder = ''
let authority: Authority
let certified: Certified
let server: HttpServer
let url = ''
let tlsPort = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-authority-'))
  authority = await openAuthority({ folder, site: 'campus', clock: systemClock })
  certified = await authority.certify(['127.0.0.1'])
  const tls = {
    certified: () => certified,
    authority: () => authority.certificate,
    registryHost: () => 'registry.example.org:7443',
  }
  server = await createServer({ controller: new FakeController(), token: 'token', log: silentLog, tls })
  const address = { host: '127.0.0.1', port: 0 }
  url = `http://127.0.0.1:${(await server.listen(address)).port}`
  tlsPort = (await server.listenTls(address)).port
})
afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true, force: true })
})

function overTls(): Promise<{ status: number | undefined; serial: string }> {
  return new Promise((resolve, reject) => {
    const asked = { host: '127.0.0.1', port: tlsPort, path: '/healthz', ca: authority.certificate, agent: false }
    get(asked, (response) => {
      if (!(response.socket instanceof TLSSocket)) throw new Error('this is no TLS')
      const { serialNumber } = response.socket.getPeerCertificate()
      response.resume()
      resolve({ status: response.statusCode, serial: serialNumber })
    }).on('error', reject)
  })
}

test('whoever trusts the authority reaches the same addresses over TLS', async () => {
  expect(await (await fetch(`${url}/keys/ca.crt`)).text()).toBe(authority.certificate)
  expect((await overTls()).status).toBe(200)
})

test('what is certified anew is shown without a restart', async () => {
  const before = await overTls()
  certified = await authority.certify(['127.0.0.1'])
  server.renewTls()
  expect((await overTls()).serial).not.toBe(before.serial)
})

test('one command makes a machine trust it, an engine for this registry too', async () => {
  const script = await (await fetch(`${url}/setup/ca`)).text()
  expect(script).toContain(authority.certificate.trim())
  expect(script).toContain(`/etc/docker/certs.d/'registry.example.org:7443'/ca.crt`)
  execFileSync('sh', ['-n'], { input: script })
})

test('without an authority of its own there is none to trust', async () => {
  await using plain = await startServer()
  for (const path of ['/keys/ca.crt', '/setup/ca']) expect((await plain.fetch(path)).status).toBe(404)
})
