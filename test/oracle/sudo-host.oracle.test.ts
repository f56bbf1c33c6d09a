import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSshHost } from '../../src/fleet/host/ssh-host.ts'
import type { Host } from '../../src/fleet/host/host.ts'
import { sh } from '../../src/fleet/shell/script.ts'
import { hostContract } from '../../src/fleet/testing/host-contract.ts'
import { canStartSshd, startSshd, type TestSshd } from '../../src/fleet/testing/start-sshd.ts'

const canBecomeRoot = canStartSshd && existsSync('/usr/bin/sudo')

/** For `prefix`: this machine with accounts of its own, of which some may become root. */
const ownAccounts = [
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

const start = (): Promise<TestSshd> =>
  startSshd({ prefix: ownAccounts, config: 'Match User *\nAuthorizedKeysFile /mnt/keys' })

describe.skipIf(!canBecomeRoot)('a host that is entered as a user who may become root', () => {
  hostContract(async () => {
    const sshd = await start()
    const host = createSshHost({ ...sshd.options, user: 'admin' })
    return {
      host,
      async close() {
        await host.close()
        await sshd.stop()
      },
    }
  })
})

describe.skipIf(!canBecomeRoot)('sudo', () => {
  let sshd: TestSshd
  const hosts: Host[] = []
  const as = (user: string): Host => {
    const host = createSshHost({ ...sshd.options, user, controlFolder: join(sshd.folder, user) })
    hosts.push(host)
    return host
  }
  beforeAll(async () => {
    sshd = await start()
  })
  afterAll(async () => {
    for (const host of hosts) await host.close()
    await sshd.stop()
  })

  it('scripts are run by root, with the settings that they have everywhere', async () => {
    const { stdout } = await as('admin').run(sh`id -un; echo "$HOME"; pwd; umask`, { timeoutMs: 20_000 })
    expect(stdout.toString()).toBe('root\n/root\n/\n0022\n')
  })

  it.each([
    ['asks', 'sudo: a password is required', 'NOPASSWD'],
    ['stranger', 'sudo: a password is required', 'NOPASSWD'],
    ['console', 'you must have a tty to run sudo', '!requiretty'],
  ])('%s may not, and it is said why at once', async (user, words, hint) => {
    await expect(as(user).run(sh`id -un`, { timeoutMs: 20_000 })).rejects.toMatchObject({
      code: 'FLEET_SUDO_REFUSED',
      message: expect.stringContaining(words),
      hint: expect.stringContaining(hint),
    })
  })
})
