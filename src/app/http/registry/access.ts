import { createHash, timingSafeEqual } from 'node:crypto'
import { type Clock, LarderError } from '../../../core/index.ts'
import type { AdminToken } from '../admin-token.ts'

export type RegistryAction = 'pull' | 'push' | 'delete'

/** Somebody who may use the registry besides the admin. */
export interface RegistryUser {
  name: string
  /** Any of them is right, so that they can be rotated. */
  passwords: readonly string[]
  /** Names of repositories; `*` stands for any characters. */
  pull: readonly string[]
  /** Pushing and deleting; includes pulling. */
  push: readonly string[]
}

/** What somebody may do. */
export type Grants = (repository: string, action: RegistryAction) => boolean

export interface RegistryAccess {
  /**
   * What the sender of an Authorization header may do: `undefined` for nobody in particular. UNAUTHORIZED for
   * credentials that are wrong or over.
   */
  grantsOf(authorization: string | undefined): Promise<Grants>
  /** A token for what is asked for and allowed. Source: Docker registry token specification. UNAUTHORIZED. */
  issueToken(
    authorization: string | undefined,
    scopes: readonly string[],
  ): Promise<{ token: string; expiresInS: number }>
}

export interface AccessOptions {
  adminToken: AdminToken
  users: readonly RegistryUser[]
  /** What whoever names nobody may do everywhere. */
  anonymous: 'nothing' | 'pull' | 'everything'
  /** Signs tokens: 32 bytes or more. */
  tokenKey: Uint8Array
  clock: Clock
}

/** A token is looked at when a request begins; one that is under way outlives it. */
const tokenLifeS = 900

export function createRegistryAccess(options: AccessOptions): RegistryAccess {
  const { clock, tokenKey, anonymous } = options
  const anybody: Grants = (_repository, action) =>
    anonymous === 'everything' || (anonymous === 'pull' && action === 'pull')

  const byPassword = (authorization: string): { subject: string; grants: Grants } | undefined => {
    if (options.adminToken.accepts(authorization)) return { subject: 'admin', grants: () => true }
    const { name, password } = basicCredentials(authorization)
    const user = options.users.find((one) => one.name === name && one.passwords.some((right) => same(right, password)))
    return user && { subject: user.name, grants: (...asked) => anybody(...asked) || userGrants(user, ...asked) }
  }
  return {
    async grantsOf(authorization) {
      if (authorization === undefined) return anybody
      const known = byPassword(authorization)
      if (known !== undefined) return known.grants
      const token = /^bearer +(\S+) *$/i.exec(authorization)?.[1]
      if (token === undefined) throw wrongPassword()
      const granted = await verify(token, { tokenKey, clock })
      return (repository, action) => anybody(repository, action) || granted.has(`${repository} ${action}`)
    },
    async issueToken(authorization, scopes) {
      const known = authorization === undefined ? { subject: '', grants: anybody } : byPassword(authorization)
      if (known === undefined) throw wrongPassword()
      const access = scopes.flatMap(parseScope).map(({ name, actions }) => ({
        type: 'repository',
        name,
        actions: actions.filter((action) => known.grants(name, action)),
      }))
      const issuedAt = Math.floor(clock.now().getTime() / 1000)
      const { SignJWT } = await import('jose')
      const token = await new SignJWT({ access })
        .setProtectedHeader({ alg: 'HS256' })
        .setSubject(known.subject)
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + tokenLifeS)
        .sign(tokenKey)
      return { token, expiresInS: tokenLifeS }
    },
  }
}

async function verify(
  token: string,
  { tokenKey, clock }: { tokenKey: Uint8Array; clock: Clock },
): Promise<Set<string>> {
  // Loaded by who is asked for a token: most sites never are.
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
  const access = (payload['access'] ?? []) as { name: string; actions: string[] }[]
  return new Set(access.flatMap(({ name, actions }) => actions.map((action) => `${name} ${action}`)))
}

/** `repository:team/counter:pull,push`; other types of scope grant nothing here. */
function parseScope(scope: string): { name: string; actions: RegistryAction[] }[] {
  const [, name, list = ''] = /^repository(?:\([a-z0-9]+\))?:([^\s]{1,512}):([a-z*,]{1,60})$/.exec(scope) ?? []
  if (name === undefined) return []
  const asked = list.split(',')
  const actions: RegistryAction[] = ['pull', 'push', 'delete']
  return [{ name, actions: asked.includes('*') ? actions : actions.filter((action) => asked.includes(action)) }]
}

function userGrants(user: RegistryUser, repository: string, action: RegistryAction): boolean {
  const patterns = action === 'pull' ? [...user.pull, ...user.push] : user.push
  return patterns.some((pattern) => matches(pattern, repository))
}

function matches(pattern: string, repository: string): boolean {
  const [first = '', ...rest] = pattern.split('*')
  if (rest.length === 0) return pattern === repository
  if (!repository.startsWith(first)) return false
  const last = rest.pop() ?? ''
  let position = first.length
  for (const part of rest) {
    const found = repository.indexOf(part, position)
    if (found < 0) return false
    position = found + part.length
  }
  return repository.length - last.length >= position && repository.endsWith(last)
}

function basicCredentials(authorization: string): { name: string; password: string } {
  const encoded = /^basic +(\S+) *$/i.exec(authorization)?.[1] ?? ''
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon < 0 ? { name: '', password: '' } : { name: text.slice(0, colon), password: text.slice(colon + 1) }
}

/** Digests are compared, in constant time: neither length nor content shows. */
function same(right: string, given: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(right), digest(given))
}

function wrongPassword(): LarderError {
  return new LarderError('UNAUTHORIZED', {
    message: 'Name and password are not those of a user of the registry.',
    hint: 'Log in as admin with the admin token, or as a user that controller.yaml declares.',
  })
}
