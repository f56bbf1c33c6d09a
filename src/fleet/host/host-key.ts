import { createHash } from 'node:crypto'
import { LarderError, plainText } from '../../core/index.ts'
import { sshMissing } from './ssh-missing.ts'

export interface HostKey {
  /** `ssh-ed25519`. */
  readonly algorithm: string
  /** `ssh-ed25519 AAAA…`: what follows the name in known_hosts. */
  readonly publicLine: string
  /** As `ssh-keygen -l` says it: `SHA256:…`. */
  readonly fingerprint: string
}

/**
 * The keys that a host shows to anybody, the best first. Whoever asks must compare the fingerprint with what is seen on the
 * host itself. FLEET_HOST_UNREACHABLE, TOOL_MISSING.
 */
export async function scanHostKey(options: {
  name: string
  address: string
  /** Default 22. */
  port?: number
  /** Default 5000. */
  timeoutMs?: number
}): Promise<HostKey[]> {
  const { name, address, port = 22, timeoutMs = 5000 } = options
  if (!isAddress(address)) {
    const message = `Machine ${name}: ${JSON.stringify(address)} is no address.`
    throw new LarderError('FLEET_RESOURCE_INVALID', { message, hint: 'An IP address or a DNS name.' })
  }
  const timeoutS = String(Math.ceil(timeoutMs / 1000))
  const args = ['-T', timeoutS, '-p', String(port), '-t', 'ed25519,ecdsa,rsa', '--', address]
  const { execa } = await import('execa')
  const answer = await execa('ssh-keyscan', args, { reject: false, timeout: 2 * timeoutMs })
  if (answer.code === 'ENOENT') throw sshMissing('ssh-keyscan')
  const keys = parseHostKeys(answer.stdout)
  if (keys.length > 0) return keys
  throw new LarderError('FLEET_HOST_UNREACHABLE', {
    message: `${name} shows no host key at ${address}, port ${port}: ${lastLine(answer.stderr)}`,
    hint: 'Is it on, is sshd running there, and is the port right?',
    context: { host: name },
  })
}

/** An IP address, with a zone or not, or a DNS name; no option of a program. */
export function isAddress(text: string): boolean {
  return /^[a-z0-9:][a-z0-9.:%_-]{0,252}$/i.test(text)
}

const preference = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ssh-rsa']

/** Lines `address algorithm base64`; others are about nothing. */
function parseHostKeys(text: string): HostKey[] {
  const keys = text.split('\n').flatMap((line) => {
    const match = /^[^#\s]\S* (\S+) ([A-Za-z0-9+/]+={0,2})\s*$/.exec(line)
    const [, algorithm = '', base64 = ''] = match ?? []
    return preference.includes(algorithm)
      ? [{ algorithm, publicLine: `${algorithm} ${base64}`, fingerprint: fingerprintOf(base64) }]
      : []
  })
  return keys.sort((a, b) => preference.indexOf(a.algorithm) - preference.indexOf(b.algorithm))
}

function fingerprintOf(base64: string): string {
  const hash = createHash('sha256').update(Buffer.from(base64, 'base64')).digest('base64')
  return `SHA256:${hash.replace(/=+$/, '')}`
}

function lastLine(text: string): string {
  const lines = text.split('\n').map((line) => line.trim())
  return plainText(lines.findLast((line) => line !== '' && !line.startsWith('#')) ?? 'it does not answer').slice(0, 300)
}
