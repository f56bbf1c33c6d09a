import { signToken, verifyToken, type RegistryToken, type TokenRoom } from './registry-token.ts'

/** Begins the name that a machine logs in by; no user that controller.yaml declares can be called so. */
const machinePrefix = 'machine/'

/** It is made for an apply, and used within minutes: longer than that would only be of use to somebody who has found it. */
const loginLifeS = 3600

/**
 * What a machine of the site pulls one image with, for an hour, where nobody pulls without a login. Nothing is kept of it: it
 * is known by its signature, and all of them end with the key that tokens are signed with.
 */
export async function signMachineLogin(
  { machine, repository }: { machine: string; repository: string },
  room: TokenRoom,
): Promise<{ user: string; password: string }> {
  const user = `${machinePrefix}${machine}`
  const access = [{ name: repository, actions: ['pull'] as const }]
  return { user, password: await signToken({ subject: user, access, lifeS: loginLifeS }, room) }
}

/** Undefined: it is not that of a machine. UNAUTHORIZED where it is wrong or over. */
export async function verifyMachineLogin(
  { name, password }: { name: string; password: string },
  room: TokenRoom,
): Promise<RegistryToken | undefined> {
  if (!name.startsWith(machinePrefix)) return undefined
  const token = await verifyToken(password, room)
  return token.subject === name ? token : undefined
}
