import { webcrypto } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
// @peculiar/x509 asks for it, and must find it there.
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'
import { type Clock, LarderError } from '../../core/index.ts'

/** A certificate and the key to it, as PEM. */
export interface Certified {
  certificate: string
  key: string
}

/** Certifies servers of this network, for clients that trust it. */
export interface Authority {
  /** PEM, for clients to trust. */
  readonly certificate: string
  /** For these host names and addresses, for 397 days: clients of some systems refuse what is longer. */
  certify(names: readonly string[]): Promise<Certified>
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const dayMs = 24 * 3600_000
const authorityLifeMs = 10 * 365 * dayMs
const serverLifeMs = 397 * dayMs
/** Clocks of clients may be behind. */
const backdatedMs = dayMs

/** Opens the authority that is kept in a folder, or makes one, readable by its owner only. TLS_UNUSABLE. */
export async function openAuthority(options: { folder: string; site: string; clock: Clock }): Promise<Authority> {
  const { folder, clock } = options
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const found = await readCertified(folder, 'ca')
  const own = found ?? (await makeAuthority(options))
  if (found === undefined) await writeCertified(folder, 'ca', own)
  const issuer = await usable(folder, own)
  return { certificate: own.certificate, certify: (names) => certify(issuer, { names, clock }) }
}

/** `<name>.crt` and `<name>.key` of a folder; undefined when one of them is not there. */
export async function readCertified(folder: string, name: string): Promise<Certified | undefined> {
  try {
    const [certificate, key] = await Promise.all([
      readFile(join(folder, `${name}.crt`), 'utf8'),
      readFile(join(folder, `${name}.key`), 'utf8'),
    ])
    return { certificate, key }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** The key first: a certificate that is there has its key. */
export async function writeCertified(folder: string, name: string, { certificate, key }: Certified): Promise<void> {
  for (const [extension, text] of [
    ['key', key],
    ['crt', certificate],
  ] as const) {
    const path = join(folder, `${name}.${extension}`)
    await writeFile(`${path}.new`, text, { mode: 0o600 })
    await rename(`${path}.new`, path)
  }
}

interface Issuer {
  certificate: x509.X509Certificate
  key: webcrypto.CryptoKey
}

async function usable(folder: string, { certificate, key }: Certified): Promise<Issuer> {
  try {
    const der = x509.PemConverter.decodeFirst(key)
    return {
      certificate: new x509.X509Certificate(certificate),
      key: await webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']),
    }
  } catch (cause) {
    throw new LarderError('TLS_UNUSABLE', {
      message: `The authority in ${folder} cannot be used: ca.crt or ca.key is damaged.`,
      hint: 'Restore both files from a backup; or remove them, and have all clients trust the one that is made then.',
      cause,
    })
  }
}

async function makeAuthority({ site, clock }: { site: string; clock: Clock }): Promise<Certified> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ CN: [`Larder authority of ${site}`] }],
    ...validity(clock, authorityLifeMs),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false),
    ],
  })
  return { certificate: `${certificate.toString('pem')}\n`, key: await pemOf(keys.privateKey) }
}

async function certify(
  issuer: Issuer,
  { names, clock }: { names: readonly string[]; clock: Clock },
): Promise<Certified> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const alternatives = names.map((name) => ({
    type: isIP(name) === 0 ? ('dns' as const) : ('ip' as const),
    value: name,
  }))
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: [{ CN: [(names[0] ?? 'larder').slice(0, 64)] }],
    issuer: issuer.certificate.subject,
    ...validity(clock, serverLifeMs),
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey: issuer.key,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(alternatives),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.certificate, false),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false),
    ],
  })
  return { certificate: `${certificate.toString('pem')}\n`, key: await pemOf(keys.privateKey) }
}

function validity(clock: Clock, lifeMs: number): { notBefore: Date; notAfter: Date } {
  const now = clock.now().getTime()
  return { notBefore: new Date(now - backdatedMs), notAfter: new Date(now - backdatedMs + lifeMs) }
}

/** Positive, 127 bits. Source: RFC 5280 §4.1.2.2. */
function serialNumber(): string {
  const bytes = webcrypto.getRandomValues(Buffer.alloc(16))
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40
  return bytes.toString('hex')
}

async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
  return `${x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`
}
