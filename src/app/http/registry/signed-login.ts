import { signToken, verifyToken, type RegistryToken, type TokenRoom } from './registry-token.ts'

/** Begins the name that a machine or a build logs in by; no user that controller.yaml declares can be called so. */
const prefixes = { machine: 'machine/', build: 'build/' }

/** It is made for an apply, and used within minutes: longer than that would only be of use to somebody who has found it. */
const loginLifeS = 3600

/** Name and password, as clients send them. */
export interface SignedLogin {
  user: string
  password: string
}

/**
 * What a machine of the site pulls one image with, for an hour, where nobody pulls without a login. Nothing is kept of it: it
 * is known by its signature, and all of them end with the key that tokens are signed with.
 */
export async function signMachineLogin(
  { machine, repository }: { machine: string; repository: string },
  room: TokenRoom,
): Promise<SignedLogin> {
  return sign(`${prefixes.machine}${machine}`, { repositories: [repository], lifeS: loginLifeS }, room)
}

/** The like for the build of an image: for what it stands on, and for as long as it may take. */
export async function signBuildLogin(
  { image, repositories, longestS }: { image: string; repositories: readonly string[]; longestS: number },
  room: TokenRoom,
): Promise<SignedLogin> {
  return sign(`${prefixes.build}${image}`, { repositories, lifeS: loginLifeS + Math.ceil(longestS) }, room)
}

async function sign(
  user: string,
  { repositories, lifeS }: { repositories: readonly string[]; lifeS: number },
  room: TokenRoom,
): Promise<SignedLogin> {
  const access = repositories.map((name) => ({ name, actions: ['pull'] as const }))
  return { user, password: await signToken({ subject: user, access, lifeS }, room) }
}

/** Undefined: it is neither that of a machine nor that of a build. UNAUTHORIZED where it is wrong or over. */
export async function verifySignedLogin(
  { name, password }: { name: string; password: string },
  room: TokenRoom,
): Promise<RegistryToken | undefined> {
  if (!Object.values(prefixes).some((prefix) => name.startsWith(prefix))) return undefined
  const token = await verifyToken(password, room)
  return token.subject === name ? token : undefined
}
