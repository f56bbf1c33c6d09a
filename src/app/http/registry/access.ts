import { createHash, timingSafeEqual } from 'node:crypto'
import { LarderError } from '../../../core/index.ts'
import type { AdminToken } from '../admin-token.ts'
import { signToken, verifyToken, type RegistryToken, type TokenRoom } from './registry-token.ts'
import { verifySignedLogin } from './signed-login.ts'

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

export interface AccessOptions extends TokenRoom {
  adminToken: AdminToken
  users: readonly RegistryUser[]
  /** What whoever names nobody may do everywhere. */
  anonymous: 'nothing' | 'pull' | 'everything'
}

/** A token is looked at when a request begins; one that is under way outlives it. */
const tokenLifeS = 900

export function createRegistryAccess(options: AccessOptions): RegistryAccess {
  const { anonymous } = options
  const anybody: Grants = (_repository, action) =>
    anonymous === 'everything' || (anonymous === 'pull' && action === 'pull')
  const orAnybody =
    (granted: Grants): Grants =>
    (...asked) =>
      anybody(...asked) || granted(...asked)

  const byPassword = async (authorization: string): Promise<{ subject: string; grants: Grants } | undefined> => {
    if (options.adminToken.accepts(authorization)) return { subject: 'admin', grants: () => true }
    const { name, password } = basicCredentials(authorization)
    const user = options.users.find((one) => one.name === name && one.passwords.some((right) => same(right, password)))
    if (user !== undefined) {
      return { subject: name, grants: orAnybody((repository, action) => userGrants(user, repository, action)) }
    }
    const signed = await verifySignedLogin({ name, password }, options)
    return signed && { subject: name, grants: orAnybody(tokenGrants(signed)) }
  }
  return {
    async grantsOf(authorization) {
      if (authorization === undefined) return anybody
      const known = await byPassword(authorization)
      if (known !== undefined) return known.grants
      const token = /^bearer +(\S+) *$/i.exec(authorization)?.[1]
      if (token === undefined) throw wrongPassword()
      return orAnybody(tokenGrants(await verifyToken(token, options)))
    },
    async issueToken(authorization, scopes) {
      const known = authorization === undefined ? { subject: '', grants: anybody } : await byPassword(authorization)
      if (known === undefined) throw wrongPassword()
      const { subject, grants } = known
      const access = scopes
        .flatMap(parseScope)
        .map(({ name, actions }) => ({ name, actions: actions.filter((action) => grants(name, action)) }))
      return { token: await signToken({ subject, access, lifeS: tokenLifeS }, options), expiresInS: tokenLifeS }
    },
  }
}

function tokenGrants({ access }: RegistryToken): Grants {
  return (repository, action) => access.some(({ name, actions }) => name === repository && actions.includes(action))
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
