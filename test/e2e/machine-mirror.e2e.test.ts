import { join } from 'node:path'
import { expect, it } from 'vitest'
import { createSshHost } from '../../src/fleet/host/ssh-host.ts'
import { openFleetCredentials } from '../../src/fleet/place/credentials.ts'
import { sh } from '../../src/fleet/shell/script.ts'
import { canStartSshd, ownRoot, startSshd } from '../../src/fleet/testing/start-sshd.ts'
import type { ControllerChild } from './support/controller-child.ts'
import { openSite } from './support/open-site.ts'
import { waitFor, waitForSuccess } from './support/wait-for-run.ts'

it.skipIf(!canStartSshd)(
  'clients of a mirror read its index again in the run that publishes it, and after a rollback',
  async () => {
    const packages = ['alpha', 'beta'].map((name) => ({ name, version: '1.0' }))
    await using site = await openSite({ packages })
    const { controller, workspace } = site
    const { client } = controller
    const credentials = await openFleetCredentials(join(workspace.path('data'), 'machines', 'credentials'))
    const sshd = await startSshd({
      name: 'web-1',
      prefix: ownRoot,
      config: `AuthorizedKeysCommand /usr/bin/cat ${credentials.identityFile}.pub\nAuthorizedKeysCommandUser root`,
    })
    try {
      const ssh = { address: '127.0.0.1', port: sshd.port }
      const machines = { 'web-1': { at: 'ssh', ssh, drift: 'report', resources: [{ repository: 'base', only: true }] } }
      const push = async (list: readonly string[]) => {
        const files = site.files(list)
        const yaml = `${files['larder.yaml']}machines: ${JSON.stringify(machines)}\n`
        const pushed = await site.push({ ...files, 'larder.yaml': yaml })
        expect(pushed.accepted, pushed.output).toBe(true)
        return pushed.output
      }
      await site.publish(['alpha'])
      await push(['alpha'])
      await trust(client, 'web-1')
      await client.applyMachines()
      await waitForSuccess(client, 120_000)
      const host = createSshHost(sshd.options)
      const look = async () => {
        const script = sh`cat /var/lib/larder/repository-base; apt-cache madison alpha beta | wc -l`
        return (await host.run(script, { timeoutMs: 60_000 })).stdout.toString()
      }
      expect(await look()).toBe('snapshot 1\n1\n')

      expect(await push(['alpha', 'beta'])).toContain('what mirror base brings')
      await waitForSuccess(client, 120_000)
      expect(await look()).toBe('snapshot 2\n2\n')

      await client.rollback('base')
      const run = await waitFor(
        'a run of its own',
        async () =>
          (await client.runs({ limit: 1 })).find(({ origin, finishedAt }) => origin === 'drift' && finishedAt),
        120_000,
      )
      expect(run.state, JSON.stringify(run.error)).toBe('succeeded')
      expect(await look()).toBe('snapshot 1\n1\n')
      expect((await client.mirror('base')).publication?.snapshotNumber).toBe(1)
      await host.close()
    } finally {
      await sshd.stop()
    }
  },
)

async function trust(
  client: Pick<ControllerChild['client'], 'machineKey' | 'trustMachine'>,
  name: string,
): Promise<void> {
  const { fingerprint } = await client.machineKey(name)
  expect(await client.trustMachine(name, fingerprint)).toMatchObject({ isTrusted: true })
}
