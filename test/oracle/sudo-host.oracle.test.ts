import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSshHost } from '../../src/fleet/host/ssh-host.ts'
import type { Host } from '../../src/fleet/host/host.ts'
import { sh } from '../../src/fleet/shell/script.ts'
import { hostContract } from '../../src/fleet/testing/host-contract.ts'
import { canStartSshd, ownAccounts, startSshd, type TestSshd } from '../../src/fleet/testing/start-sshd.ts'

const canBecomeRoot = canStartSshd && existsSync('/usr/bin/sudo')

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
