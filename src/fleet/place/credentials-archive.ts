import type { MachineCredentials } from './place.ts'
import { rootArchive, type RootFile } from './root-archive.ts'

/**
 * What a machine is given before it starts first, so that it is known from its first breath: its host key, and who may log
 * in. All belongs to root. Source: sshd_config(5).
 */
export function credentialFiles({ hostKey, authorizedKey }: MachineCredentials): RootFile[] {
  return [
    { path: 'etc/ssh/ssh_host_ed25519_key', mode: 0o600, content: hostKey.privateKey },
    { path: 'etc/ssh/ssh_host_ed25519_key.pub', mode: 0o644, content: `${hostKey.publicLine}\n` },
    { path: 'etc/ssh/sshd_config.d', mode: 0o755 },
    { path: 'etc/ssh/sshd_config.d/00-larder.conf', mode: 0o644, content: sshdSettings },
    { path: 'root/.ssh', mode: 0o700 },
    { path: 'root/.ssh/authorized_keys', mode: 0o600, content: `${authorizedKey}\n` },
  ]
}

const sshdSettings = `# By Larder, when this machine was made.
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin prohibit-password
PasswordAuthentication no
UseDNS no
`

/** The same as an archive that is unpacked at /. */
export function credentialsArchive(credentials: MachineCredentials): Promise<Buffer> {
  return rootArchive(credentialFiles(credentials))
}
