import { X509Certificate } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../core/index.ts'
import { openAuthority } from './authority.ts'
import { certifyNames, openServerCertificate } from './server-certificate.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-tls-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const options = () => ({ folder, site: 'campus', clock: systemClock, names: ['images.example.org', '192.0.2.7'] })

test('a client that trusts the authority accepts the server by each of its names, and by no other', async () => {
  const certificate = await openServerCertificate(options())
  const { certificate: cert, key } = certificate.current()
  const server = createServer({ cert, key }, (socket) => socket.end())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const tries = async (servername: string): Promise<string> =>
    new Promise((resolve) => {
      const ca = certificate.authority ?? ''
      const checked = { host: '127.0.0.1', port, ca, ...(servername === '' ? {} : { servername }) }
      const socket: TLSSocket = connect(checked, () => {
        socket.destroy()
        resolve('accepted')
      })
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'))
    })
  expect(await tries('')).toBe('accepted')
  expect(await tries('images.example.org')).toBe('accepted')
  expect(await tries('elsewhere.example.org')).toBe('ERR_TLS_CERT_ALTNAME_INVALID')
  await new Promise((resolve) => server.close(resolve))
})

test('what was made is found again, and is readable by its owner only', async () => {
  const first = await openServerCertificate(options())
  const again = await openServerCertificate(options())
  expect(again.authority).toBe(first.authority)
  expect(again.current()).toEqual(first.current())
  for (const name of ['ca.key', 'server.key']) expect((await stat(join(folder, name))).mode & 0o077).toBe(0)
})

test('another name of the server, and the end of its certificate, make a new one of the same authority', async () => {
  const first = await openServerCertificate(options())
  const renamed = await openServerCertificate({ ...options(), names: ['other.example.org'] })
  expect(renamed.authority).toBe(first.authority)
  expect(new X509Certificate(renamed.current().certificate).checkHost('other.example.org')).toBe('other.example.org')

  let now = new Date()
  const clock = { ...systemClock, now: () => now }
  const aging = await openServerCertificate({ ...options(), clock })
  expect(await aging.renew()).toBe(false)
  now = new Date(now.getTime() + 370 * 24 * 3600_000)
  const before = aging.expiresAt()
  expect(await aging.renew()).toBe(true)
  expect(aging.expiresAt().getTime()).toBeGreaterThan(before.getTime())
})

test('a damaged certificate of the server is made anew, a damaged authority is told', async () => {
  const first = await openServerCertificate(options())
  await writeFile(join(folder, 'server.crt'), 'nothing')
  expect((await openServerCertificate(options())).current()).not.toEqual(first.current())
  await writeFile(join(folder, 'ca.key'), 'nothing')
  await expect(openAuthority(options())).rejects.toMatchObject({ code: 'TLS_UNUSABLE' })
})

test('given files are used as they are, and read again when they change', async () => {
  const authority = await openAuthority(options())
  const files = { certificate: join(folder, 'given.crt'), key: join(folder, 'given.key') }
  const give = async (name: string): Promise<void> => {
    const made = await authority.certify([name])
    await writeFile(files.certificate, made.certificate)
    await writeFile(files.key, made.key)
  }
  await give('a.example.org')
  const certificate = await openServerCertificate({ ...options(), files })
  expect(certificate.authority).toBeUndefined()
  expect(await certificate.renew()).toBe(false)
  await give('b.example.org')
  expect(await certificate.renew()).toBe(true)
  expect(certificate.current().certificate).toBe(await readFile(files.certificate, 'utf8'))
})

test('who has certified given files is what their chain ends with, or what is named', async () => {
  const authority = await openAuthority(options())
  const made = await authority.certify(['a.example.org'])
  const files = { certificate: join(folder, 'given.crt'), key: join(folder, 'given.key') }
  const named = { ...files, authority: join(folder, 'given-ca.crt') }
  const authorityOf = async (given: object) =>
    (await openServerCertificate({ ...options(), files: { ...files, ...given } })).authority?.trim()
  await writeFile(files.key, made.key)
  await writeFile(files.certificate, made.certificate)
  expect(await authorityOf({})).toBeUndefined()
  await writeFile(named.authority, `Somebody\n${made.certificate}${authority.certificate}`)
  expect(await authorityOf(named)).toBe(authority.certificate.trim())
  await writeFile(named.authority, made.certificate)
  await expect(authorityOf(named)).rejects.toMatchObject({
    code: 'TLS_UNUSABLE',
    message: expect.stringContaining('given-ca.crt has no certificate that is its own issuer') as string,
  })
  await writeFile(files.certificate, `${made.certificate}${authority.certificate}`)
  expect(await authorityOf({})).toBe(authority.certificate.trim())
})

test('files that do not belong together are told by name', async () => {
  const authority = await openAuthority(options())
  const files = { certificate: join(folder, 'given.crt'), key: join(folder, 'given.key') }
  await writeFile(files.certificate, (await authority.certify(['a.example.org'])).certificate)
  await writeFile(files.key, (await authority.certify(['b.example.org'])).key)
  await expect(openServerCertificate({ ...options(), files })).rejects.toMatchObject({ code: 'TLS_UNUSABLE' })
})

test('what others are reached by is certified once, also a wildcard, and anew before its end', async () => {
  const names = ['*.example.org', '192.0.2.9']
  const pem = await certifyNames(options(), names)
  const certificate = new X509Certificate(pem.slice(pem.indexOf('-----BEGIN CERTIFICATE')))
  expect([certificate.checkHost('a.example.org'), certificate.checkIP('192.0.2.9')]).toEqual([
    '*.example.org',
    '192.0.2.9',
  ])
  expect(certificate.verify(new X509Certificate((await openAuthority(options())).certificate).publicKey)).toBe(true)
  expect(await certifyNames(options(), names)).toBe(pem)
  expect(await certifyNames(options(), ['b.example.org'])).not.toBe(pem)
  const later = new Date(Date.parse(certificate.validTo) - 20 * 24 * 3600_000)
  expect(await certifyNames({ ...options(), clock: { ...systemClock, now: () => later } }, names)).not.toBe(pem)
})
