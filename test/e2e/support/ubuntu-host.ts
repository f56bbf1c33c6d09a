import { join } from 'node:path'
import { execa } from 'execa'
import type { Host } from '../../../src/fleet/host/host.ts'
import { scanHostKey } from '../../../src/fleet/host/host-key.ts'
import { createSshHost } from '../../../src/fleet/host/ssh-host.ts'
import type { RpmMachines } from './open-rpm-machines.ts'
import { waitFor } from './wait-for-run.ts'

/** Makes a host of the root that a machine of the site began with, which has sudo. */
interface UbuntuHostOptions {
  /** Machine of Debian at the same network. */
  like: string
  address: string
}

export interface UbuntuHost {
  /** Of its container. */
  name: string
  /** As Larder reaches it. */
  as(user: string): Host
}

/**
 * A host that Larder has not made, and that says it is Ubuntu, with the accounts that its images for clouds have: `ubuntu` becomes
 * root without a password, and whoever comes as root is told so. It is trusted as `old-1`.
 */
export async function startUbuntuHost(site: RpmMachines, { like, address }: UbuntuHostOptions): Promise<UbuntuHost> {
  const { docker, credentials } = site
  const seen = async (format: string): Promise<string> => docker('inspect', '--format', format, like)
  const network = await seen('{{range $name, $one := .NetworkSettings.Networks}}{{$name}}{{end}}')
  const name = 'ubuntu-host'
  const flags = [
    ...['--name', name, '--hostname', name, '--network', network, '--ip', address, '--cgroupns=private'],
    ...['--cap-add', 'SYS_ADMIN', '--cap-add', 'NET_ADMIN', '--security-opt', 'seccomp=unconfined'],
    ...['--security-opt', 'apparmor=unconfined', '--tmpfs', '/run:exec,mode=755', '--tmpfs', '/tmp:exec,mode=1777'],
    ...['--env', 'container=docker', '--env', `KEY=${credentials.authorizedKey.trim()}`],
  ]
  await docker('run', '--detach', ...flags, await seen('{{.Image}}'), '/bin/sh', '-ec', becomeUbuntu)
  await waitFor('it to have started', async () => {
    const { exitCode } = await execa('docker', ['exec', name, 'systemctl', 'is-system-running'], { reject: false })
    return exitCode === 0 ? true : undefined
  })
  await credentials.trust('old-1', await scanHostKey({ name: 'old-1', address }))
  const { identityFile } = credentials
  const options = { name: 'old-1', address, identityFile, knownHostsFile: credentials.knownHostsFile('old-1') }
  const controlFolder = join(identityFile, '../../c')
  return { name, as: (user) => createSshHost({ ...options, user, controlFolder: join(controlFolder, user) }) }
}

/** Source of what root's key is given: cloud-init, `disable_root`; the seconds that it waits are left out. */
const becomeUbuntu = `rm -f /etc/os-release
printf '%s\\n' 'NAME="Ubuntu"' 'VERSION_ID="24.04"' 'ID=ubuntu' 'ID_LIKE=debian' 'VERSION_CODENAME=noble' >/etc/os-release
useradd --create-home --shell /bin/bash ubuntu
echo 'ubuntu ALL=(ALL) NOPASSWD:ALL' >/etc/sudoers.d/90-cloud-init-users
install -d -m 700 /root/.ssh
install -d -m 700 -o ubuntu -g ubuntu ~ubuntu/.ssh
echo "$KEY" >~ubuntu/.ssh/authorized_keys
chown ubuntu: ~ubuntu/.ssh/authorized_keys
cat >/root/.ssh/authorized_keys <<END
no-port-forwarding,command="echo 'Please login as the user \\"ubuntu\\" rather than the user \\"root\\".';echo;exit 142" $KEY
END
ssh-keygen -A
if grep -q ' /sys/fs/cgroup cgroup2 ro' /proc/mounts; then mount -o remount,rw /sys/fs/cgroup; fi
exec /sbin/init`
