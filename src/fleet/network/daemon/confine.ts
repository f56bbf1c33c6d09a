import { stat } from 'node:fs/promises'
import { findProgram } from './program.ts'

/** What servers of a network may do of what root may: listen below 1024, send by the interface, set neighbours; and become
 * whom they are told to be. */
const capabilities = ['net_admin', 'net_bind_service', 'net_raw', 'setgid', 'setuid']

/**
 * What stands before a command so that it keeps these rights of root alone. Where AppArmor is on, its profiles of Debian allow Kea
 * the folders of Debian's own service and no data folder, so that it is run outside of them. Sources: setpriv(1), aa-exec(1).
 */
export async function confinement(): Promise<string[]> {
  // Who is not root has nothing to give up, and may not say so.
  if (process.getuid?.() !== 0) return []
  const [setpriv, aaExec] = await Promise.all([findProgram('setpriv'), findProgram('aa-exec')])
  const bounds = ['-all', ...capabilities.map((name) => `+${name}`)].join(',')
  return [
    ...(aaExec !== undefined && (await hasAppArmor()) ? [aaExec, '-p', 'unconfined', '--'] : []),
    ...(setpriv === undefined ? [] : [setpriv, '--no-new-privs', '--bounding-set', bounds, '--']),
  ]
}

function hasAppArmor(): Promise<boolean> {
  return stat('/sys/kernel/security/apparmor').then(
    (found) => found.isDirectory(),
    () => false,
  )
}
