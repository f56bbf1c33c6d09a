import { sh, type Script } from '../shell/script.ts'
import type { ResolveRoom, RegistryLogin } from './resource-type.ts'

export interface PulledImage {
  /** With digest. */
  readonly reference: string
  /** Undefined: nobody asks who pulls. */
  readonly login: RegistryLogin | undefined
}

/** An image of ours, as a machine pulls it. FLEET_IMAGE_UNKNOWN. */
export async function pulledImage(name: string, room: Pick<ResolveRoom, 'image' | 'login'>): Promise<PulledImage> {
  const { reference } = await room.image(name)
  return { reference, login: await room.login(name) }
}

/** Brings an image to a machine that does not have it. Its login is in no list of processes, and in no file that stays. */
export function pullImage({ reference, login }: PulledImage): Script {
  const isThere = sh`podman image exists ${reference}`
  if (login === undefined) return sh`${isThere} || podman pull --quiet -- ${reference} >/dev/null`
  // The file has no name any more when podman begins: whatever ends that, nothing is left.
  return sh`${isThere} || (
file=$(umask 077 && mktemp)
exec 3<>"$file"
rm -f -- "$file"
printf %s ${authFile(reference, login)} >&3
podman pull --quiet --authfile /proc/self/fd/3 -- ${reference} >/dev/null
)`
}

/** containers-auth.json(5). */
function authFile(reference: string, { user, password }: RegistryLogin): string {
  const registry = reference.slice(0, reference.indexOf('/'))
  return JSON.stringify({ auths: { [registry]: { auth: Buffer.from(`${user}:${password}`).toString('base64') } } })
}
