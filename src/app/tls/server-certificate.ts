import { createHash, X509Certificate } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { hostname, networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { createSecureContext } from 'node:tls'
import { type Clock, LarderError } from '../../core/index.ts'
import { openAuthority, readCertified, writeCertified, type Certified } from './authority.ts'

/** What the TLS server shows, kept fresh. */
export interface ServerCertificate {
  current(): Certified
  /** Looks whether files have changed or the end is near. Answers whether `current` is another now. TLS_UNUSABLE. */
  renew(): Promise<boolean>
  expiresAt(): Date
  /** PEM of the authority that clients must trust; undefined where files are given that name none. */
  readonly authority: string | undefined
  /** That is Larder's own. */
  readonly isOwn: boolean
}

export interface ServerCertificateOptions {
  /** Where the authority and what it certified are kept. */
  folder: string
  site: string
  clock: Clock
  /** Names and addresses by which clients reach us, besides those that this host has. */
  names: readonly string[]
  /** Given files, as PEM: the chain, its key, and who has certified it. Default: Larder's own authority certifies. */
  files?: GivenFiles | undefined
}

interface GivenFiles {
  certificate: string
  key: string
  authority?: string | undefined
}

/** What is left of its life when a certificate is made anew. */
const renewBeforeMs = 30 * 24 * 3600_000

/** TLS_UNUSABLE. */
export async function openServerCertificate(options: ServerCertificateOptions): Promise<ServerCertificate> {
  return options.files === undefined ? ownCertificate(options) : givenCertificate(options.files)
}

async function givenCertificate(files: GivenFiles): Promise<ServerCertificate> {
  let current = await readGiven(files)
  return {
    current: () => current,
    async renew() {
      const found = await readGiven(files)
      const changed = JSON.stringify(found) !== JSON.stringify(current)
      current = found
      return changed
    },
    expiresAt: () => endOf(current),
    get authority() {
      return current.authority
    },
    isOwn: false,
  }
}

interface GivenCertificate extends Certified {
  authority: string | undefined
}

async function readGiven(files: GivenFiles): Promise<GivenCertificate> {
  try {
    const [certificate, key] = await Promise.all([readFile(files.certificate, 'utf8'), readFile(files.key, 'utf8')])
    // Refuses what does not belong together.
    createSecureContext({ cert: certificate, key })
    return { certificate, key, authority: authorityAmong(await readAuthority(files, certificate)) }
  } catch (cause) {
    throw new LarderError('TLS_UNUSABLE', {
      message: `TLS cannot be served with ${files.certificate} and ${files.key}: ${(cause as Error).message}.`,
      hint: 'Give the chain of certificates and the private key to the first of them, both as PEM.',
      cause,
    })
  }
}

async function readAuthority({ authority }: GivenFiles, chain: string): Promise<string> {
  if (authority === undefined) return chain
  const text = await readFile(authority, 'utf8')
  if (authorityAmong(text) === undefined) throw new Error(`${authority} has no certificate that is its own issuer`)
  return text
}

/** Whom clients have to be told of is its own issuer (RFC 5280 §3.2); of others they know, or nobody here does. */
function authorityAmong(text: string): string | undefined {
  const certificates = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  return certificates.map((pem) => `${pem}\n`).find(isItsOwnIssuer)
}

function isItsOwnIssuer(pem: string): boolean {
  const certificate = new X509Certificate(pem)
  return certificate.checkIssued(certificate) && certificate.verify(certificate.publicKey)
}

async function ownCertificate(options: ServerCertificateOptions): Promise<ServerCertificate> {
  const { folder, clock } = options
  const authority = await openAuthority(options)
  const names = [...new Set([...options.names, ...namesOfHost()])]
  const make = async (): Promise<Certified> => {
    const made = await authority.certify(names)
    await writeCertified(folder, 'server', made)
    return made
  }
  const found = await readCertified(folder, 'server')
  const isGood = found !== undefined && serves(found, { authority: authority.certificate, names, clock })
  let current = isGood ? found : await make()
  return {
    current: () => current,
    async renew() {
      if (serves(current, { authority: authority.certificate, names, clock })) return false
      current = await make()
      return true
    },
    expiresAt: () => endOf(current),
    authority: authority.certificate,
    isOwn: true,
  }
}

/**
 * What Larder's authority certifies for names that others are reached by: certificate and key, PEM. Kept in `services/` of the
 * folder, and made anew when its end is near. TLS_UNUSABLE.
 */
export async function certifyNames(
  options: { folder: string; site: string; clock: Clock },
  names: readonly string[],
): Promise<string> {
  const folder = join(options.folder, 'services')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const authority = await openAuthority(options)
  const file = createHash('sha256').update(JSON.stringify(names)).digest('hex').slice(0, 32)
  const found = await readCertified(folder, file)
  // A wildcard is for every name below it.
  const asked = names.map((name) => name.replace(/^\*\./, 'any.'))
  const isGood = found !== undefined && serves(found, { ...options, authority: authority.certificate, names: asked })
  const { certificate, key } = isGood ? found : await authority.certify(names)
  if (!isGood) await writeCertified(folder, file, { certificate, key })
  return `${key.trim()}\n${certificate.trim()}\n`
}

interface Asked {
  authority: string
  names: readonly string[]
  clock: Clock
}

/** Whether a certificate is of this authority, for all of these names, and not near its end. */
function serves(certified: Certified, { authority, names, clock }: Asked): boolean {
  try {
    const certificate = new X509Certificate(certified.certificate)
    createSecureContext({ cert: certified.certificate, key: certified.key })
    return (
      certificate.verify(new X509Certificate(authority).publicKey) &&
      endOf(certified).getTime() - clock.now().getTime() > renewBeforeMs &&
      names.every((name) => certificate.checkHost(name) ?? certificate.checkIP(name))
    )
  } catch {
    // Damaged: another is made.
    return false
  }
}

function endOf({ certificate }: Certified): Date {
  return new Date(new X509Certificate(certificate).validTo)
}

function namesOfHost(): string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((some) => some ?? [])
  const host = hostname().toLowerCase()
  return [
    ...(/^[a-z0-9.-]{1,253}$/.test(host) ? [host] : []),
    'localhost',
    ...addresses.filter(({ scopeid }) => scopeid === undefined || scopeid === 0).map(({ address }) => address),
  ]
}
