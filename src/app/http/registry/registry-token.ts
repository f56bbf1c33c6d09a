import { LarderError, type Clock } from '../../../core/index.ts'
import type { RegistryAction } from './access.ts'

export interface RegistryToken {
  /** Whom it was issued to; '' for nobody in particular. */
  subject: string
  access: readonly { name: string; actions: readonly RegistryAction[] }[]
}

export interface TokenRoom {
  /** Signs tokens: 32 bytes or more. */
  tokenKey: Uint8Array
  clock: Clock
}

/** A token that holds for so many seconds. Source: Docker registry token specification, RFC 7519. */
export async function signToken(
  { subject, access, lifeS }: RegistryToken & { lifeS: number },
  { tokenKey, clock }: TokenRoom,
): Promise<string> {
  // Loaded by who is asked for a token: most sites never are.
  const { SignJWT } = await import('jose')
  const issuedAt = Math.floor(clock.now().getTime() / 1000)
  return new SignJWT({ access: access.map((one) => ({ type: 'repository', ...one })) })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(subject)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + lifeS)
    .sign(tokenKey)
}

/** UNAUTHORIZED for one that is not ours, or over. */
export async function verifyToken(token: string, { tokenKey, clock }: TokenRoom): Promise<RegistryToken> {
  const { jwtVerify } = await import('jose')
  const { payload } = await jwtVerify(token, tokenKey, {
    algorithms: ['HS256'],
    currentDate: clock.now(),
    clockTolerance: 5,
  }).catch((cause: unknown) => {
    throw new LarderError('UNAUTHORIZED', {
      message: 'The token of the registry is wrong or over.',
      hint: 'Ask for a new one.',
      cause,
    })
  })
  return { subject: payload.sub ?? '', access: (payload['access'] ?? []) as RegistryToken['access'] }
}
