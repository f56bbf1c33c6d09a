import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Root, where sshd is installed. */
export const canStartSshd = process.getuid?.() === 0 && existsSync('/usr/sbin/sshd')

export interface TestSshd {
  port: number
  /** Options for `createSshHost` beside the name, which is that of the known host. */
  options: {
    name: string
    address: string
    port: number
    identityFile: string
    knownHostsFile: string
    controlFolder: string
  }
  hostKeyFile: string
  folder: string
  stop(): Promise<void>
}

/** For `prefix`: what runs there has a /run, a /var/lib/larder-host and a quick login shell of its own, and this machine's all else. */
export const ownRunFolder = [
  'unshare',
  '--mount',
  'sh',
  '-c',
  `mkdir -p /var/lib/larder-host
mount -t tmpfs -o size=16m tmpfs /run && mount -t tmpfs tmpfs /var/lib/larder-host && mkdir -p /run/sshd || exit 1
[ ! -e /root/.bashrc ] || mount --bind /dev/null /root/.bashrc
exec "$@"`,
  'sh',
]

/** For `prefix`: mounts and a root of its own: this system, and over it, in memory, what is changed there. */
export const ownRoot = [
  'unshare',
  '--mount',
  'sh',
  '-c',
  `mount -t tmpfs -o size=256m tmpfs /mnt && cd /mnt && mkdir u w r || exit 1
mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/u,workdir=/mnt/w /mnt/r || exit 1
mount --rbind /proc r/proc && mount --rbind /dev r/dev && mount -t tmpfs tmpfs r/run && mkdir -p r/run/sshd || exit 1
: >r/root/.bashrc
exec chroot /mnt/r "$@"`,
  'sh',
]

/**
 * For `prefix`: this machine with accounts of its own, of which some may become root. Whose key is this site's may log in as
 * each, by `AuthorizedKeysFile /mnt/keys`.
 */
export const ownAccounts = [
  'unshare',
  '--mount',
  'sh',
  '-ec',
  `for last; do :; done
mount -t tmpfs -o mode=755 tmpfs /mnt
cp "\${last%/*}/client.pub" /mnt/keys && chmod 644 /mnt/keys
for file in passwd shadow sudoers; do cp -p /etc/$file /mnt/$file; done
id=5000
for name in admin asks stranger console; do
  id=$((id + 1))
  echo "$name:x:$id:65534::/:/bin/sh" >>/mnt/passwd
  echo "$name:*:19000:0:99999:7:::" >>/mnt/shadow
done
cat >>/mnt/sudoers <<END
admin ALL=(ALL) NOPASSWD: ALL
asks ALL=(ALL) ALL
console ALL=(ALL) NOPASSWD: ALL
Defaults:console requiretty
END
for file in passwd shadow sudoers; do mount --bind /mnt/$file /etc/$file; done
exec "$@"`,
  'sh',
]

/**
 * For `prefix`, after `ownRunFolder`: what runs there is told another time by date(1), which takes `moved`: `-90 seconds`. Its
 * answer is held back for `holdS` seconds once the clock was read.
 */
export function ownClock(moved: string, holdS = 0): string[] {
  const script = `t=$(/mnt/date -d '${moved}' "$@"); sleep ${holdS}; printf '%s\\n' "$t"`
  const put = `mount -t tmpfs tmpfs /mnt && cp -p /usr/bin/date /mnt/date && { echo '#!/bin/sh'; echo "$0"; } >/mnt/moved && chmod 755 /mnt/moved || exit 1
mount --bind /mnt/moved /usr/bin/date && exec "$@"`
  return ['sh', '-c', put, script]
}

const lookEveryMs = 10
/** A minute at least. */
const mostLooks = 6000

/** A real sshd with keys of its own, on a port of the loopback device, for root only. Needs root. */
export async function startSshd(
  options: { name?: string; prefix?: readonly string[]; config?: string } = {},
): Promise<TestSshd> {
  const { name = 'web-1', prefix = [], config = '' } = options
  const folder = mkdtempSync(join(tmpdir(), 'larder-sshd-'))
  const [hostKeyFile, identityFile] = [join(folder, 'host'), join(folder, 'client')]
  for (const file of [hostKeyFile, identityFile]) makeKey(file)
  const port = await freePort()
  mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
  const settings = `
ListenAddress 127.0.0.1:${port}
HostKey ${hostKeyFile}
PidFile none
AuthorizedKeysFile ${identityFile}.pub
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
MaxStartups 100
UseDNS no
${config}
`
  writeFileSync(join(folder, 'sshd_config'), settings)
  const knownHostsFile = join(folder, 'known_hosts')
  writeFileSync(knownHostsFile, knownHost(name, hostKeyFile))
  const [file, ...args] = [...prefix, '/usr/sbin/sshd', '-D', '-e', '-f', join(folder, 'sshd_config')]
  const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'], detached: true })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  const exited = once(child, 'exit')
  for (let looks = 0; !said.includes('Server listening'); looks++) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`sshd ended: ${said}`)
    if (looks === mostLooks) process.kill(-child.pid!, 'SIGKILL')
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs))
  }
  const controlFolder = join(folder, 'c')
  return {
    port,
    options: { name, address: '127.0.0.1', port, identityFile, knownHostsFile, controlFolder },
    hostKeyFile,
    folder,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, 'SIGKILL')
      await exited
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A line of known_hosts. */
export function knownHost(name: string, keyFile: string): string {
  return `${name} ${execFileSync('cut', ['-d', ' ', '-f', '1,2', `${keyFile}.pub`]).toString()}`
}

export function makeKey(file: string): void {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', file])
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}
