import { createPrivateKey, sign } from 'node:crypto'

/** Clocks differ by some seconds, and GitHub takes nothing that was made in its future. */
const marginSeconds = 30
const validSeconds = 600

/**
 * A JSON Web Token by which an App says who it is. `privateKey` is PEM, PKCS #1 or PKCS #8.
 * Source: GitHub documentation, "Generating a JSON Web Token (JWT) for a GitHub App"; RFC 7519.
 */
export function signAppJwt(
  { appId, privateKey }: { appId: string; privateKey: string },
  now: Date,
): { jwt: string; expiresAt: string } {
  const issuedAt = Math.floor(now.getTime() / 1000) - marginSeconds
  const expiresAt = issuedAt + validSeconds
  const parts = [
    { alg: 'RS256', typ: 'JWT' },
    { iat: issuedAt, exp: expiresAt, iss: appId },
  ]
  const signed = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  const signature = sign('sha256', Buffer.from(signed), createPrivateKey(privateKey)).toString('base64url')
  return { jwt: `${signed}.${signature}`, expiresAt: new Date(expiresAt * 1000).toISOString() }
}
