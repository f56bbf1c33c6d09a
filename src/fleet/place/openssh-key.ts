import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto'

export interface OpenSshKey {
  /** `-----BEGIN OPENSSH PRIVATE KEY-----`, without a passphrase. */
  privateKey: string
  /** `ssh-ed25519 AAAA… comment` */
  publicLine: string
}

const type = 'ssh-ed25519'

/**
 * A new Ed25519 key in the form that OpenSSH reads.
 * Source: OpenSSH, PROTOCOL.key (openssh-key-v1); RFC 8709 §4; RFC 8032 §5.1.5.
 */
export function makeOpenSshKey(comment: string): OpenSshKey {
  const { privateKey } = generateKeyPairSync('ed25519')
  return encodeOpenSshKey(privateKey, comment)
}

function encodeOpenSshKey(key: KeyObject, comment: string): OpenSshKey {
  const { d: seedText = '' } = key.export({ format: 'jwk' })
  const { x = '' } = createPublicKey(createPrivateKey(key.export({ format: 'pem', type: 'pkcs8' }))).export({
    format: 'jwk',
  })
  const [seed, point] = [Buffer.from(seedText, 'base64url'), Buffer.from(x, 'base64url')]
  const publicBlob = Buffer.concat([string(type), string(point)])
  const check = randomBytes(4)
  const body = Buffer.concat([check, check, publicBlob, string(Buffer.concat([seed, point])), string(comment)])
  const whole = Buffer.concat([
    Buffer.from('openssh-key-v1\0', 'latin1'),
    string('none'),
    string('none'),
    string(''),
    uint32(1),
    string(publicBlob),
    string(padded(body)),
  ])
  const lines = whole.toString('base64').match(/.{1,70}/g) ?? []
  const frame = ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----', '']
  return { privateKey: frame.join('\n'), publicLine: `${type} ${publicBlob.toString('base64')} ${comment}` }
}

/** To blocks of eight, by 1, 2, 3 … */
function padded(body: Buffer): Buffer {
  const missing = (8 - (body.length % 8)) % 8
  return Buffer.concat([body, Buffer.from(Array.from({ length: missing }, (_, index) => index + 1))])
}

function string(value: string | Buffer): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value
  return Buffer.concat([uint32(bytes.length), bytes])
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
