import { join } from 'node:path'
import { isAddress } from '../host/host-key.ts'
import { LarderError } from '../../core/index.ts'

/** Arguments of ssh for a person who logs in where Larder does; `folder`: of credentials. FLEET_HOST_UNREACHABLE. */
export function personConnection(
  folder: string,
  { name, address, port = 22, user = 'root' }: { name: string; address: string; port?: number; user?: string },
): string[] {
  if (!isAddress(address)) {
    throw new LarderError('FLEET_HOST_UNREACHABLE', { message: `${JSON.stringify(address)} is no address.` })
  }
  const settings = {
    IdentityFile: `"${join(folder, 'controller', 'id_ed25519')}"`,
    IdentitiesOnly: 'yes',
    UserKnownHostsFile: `"${join(folder, 'hosts', name, 'known_hosts')}"`,
    GlobalKnownHostsFile: '/dev/null',
    HostKeyAlias: name,
    CheckHostIP: 'no',
    StrictHostKeyChecking: 'yes',
  }
  const given = Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`])
  return ['-F', '/dev/null', ...given, '-p', String(port), '-l', user, address]
}
