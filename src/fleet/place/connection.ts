import { join } from 'node:path'
import { LarderError } from '../../core/index.ts'
import { isAddress } from '../host/host-key.ts'
import { quotedPath } from '../host/ssh-host.ts'
import { sh } from '../shell/script.ts'

/**
 * Arguments of ssh for a person who is root where Larder is, with a shell or for a command alone; `folder`: of credentials.
 * FLEET_HOST_UNREACHABLE.
 */
export function personConnection(
  folder: string,
  { name, address, port = 22, user = 'root' }: { name: string; address: string; port?: number; user?: string },
  command: readonly string[],
): string[] {
  if (!isAddress(address)) {
    throw new LarderError('FLEET_HOST_UNREACHABLE', { message: `${JSON.stringify(address)} is no address.` })
  }
  const settings = {
    IdentityFile: quotedPath(join(folder, 'controller', 'id_ed25519')),
    IdentitiesOnly: 'yes',
    UserKnownHostsFile: quotedPath(join(folder, 'hosts', name, 'known_hosts')),
    GlobalKnownHostsFile: '/dev/null',
    HostKeyAlias: name,
    CheckHostIP: 'no',
    StrictHostKeyChecking: 'yes',
  }
  const given = Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`])
  const asUser = ['-F', '/dev/null', ...given, '-p', String(port), '-l', user]
  const words = user === 'root' ? command : byRoot(command)
  return [...asUser, ...(command.length === 0 && words.length > 0 ? ['-t'] : []), '--', address, ...words]
}

/** Whoever else logs in becomes root as Larder does. What ssh is given it joins with blanks, for the shell there. */
function byRoot(command: readonly string[]): string[] {
  return command.length === 0 ? ['sudo -n -i'] : [sh`sudo -n -- sh -c ${command.join(' ')}`.shell]
}
