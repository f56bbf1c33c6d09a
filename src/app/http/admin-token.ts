import { createHash, timingSafeEqual } from 'node:crypto'
import { LarderError, digestOf, isDigest } from '../../core/index.ts'

export interface AdminToken {
  /** Whether an Authorization header carries the token: as Bearer, or as the password of Basic, which git sends. */
  accepts(authorization: string | undefined): boolean
  /** UNAUTHORIZED. */
  demand(authorization: string | undefined): void
}

/** `token`: itself, or its digest. Digests are compared, in constant time: neither length nor content shows. */
export function createAdminToken(token: string): AdminToken {
  if (token === '') throw new LarderError('USAGE', { message: 'The admin token is empty.' })
  const expected = Buffer.from(isDigest(token) ? token : digestOf(token))
  const accepts = (authorization: string | undefined): boolean => {
    const given = tokenIn(authorization)
    if (given === undefined) return false
    return timingSafeEqual(expected, Buffer.from(`sha256:${createHash('sha256').update(given).digest('hex')}`))
  }
  return {
    accepts,
    demand: (authorization) => {
      if (accepts(authorization)) return
      throw new LarderError('UNAUTHORIZED', {
        message:
          authorization === undefined
            ? 'This request needs the admin token.'
            : 'The admin token given is not the right one.',
        hint: 'Send "Authorization: Bearer TOKEN"; larder up tells where the token is kept.',
      })
    },
  }
}

function tokenIn(authorization: string | undefined): string | undefined {
  const [, scheme = '', value = ''] = /^(bearer|basic) +(\S+) *$/i.exec(authorization ?? '') ?? []
  if (scheme.toLowerCase() === 'bearer') return value
  if (scheme === '') return undefined
  const credentials = Buffer.from(value, 'base64').toString('utf8')
  const colon = credentials.indexOf(':')
  return colon < 0 ? undefined : credentials.slice(colon + 1)
}
