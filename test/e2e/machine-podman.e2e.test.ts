import { execa } from 'execa'
import { describe, expect, it } from 'vitest'
import { silentProgress } from '../../src/core/index.ts'
import { containerName } from '../../src/fleet/place/container/container-report.ts'
import { sh } from '../../src/fleet/shell/script.ts'
import { containerEventsContract } from './support/container-events.ts'
import { containerPlaceContract, openContainerMachines, type TestEngine } from './support/container-machines.ts'
import { rpmMachineBase } from './support/machine-base.ts'
import { runWithPodman } from './support/podman-host.ts'

const inside = 'LARDER_TEST_WITH_PODMAN'

/** What podman keeps goes with its namespace. */
const podman: TestEngine = {
  dockerHost: 'unix:///nonexistent/docker.sock',
  run: (...args) => execa('podman', args, { stdin: 'ignore' }),
  async [Symbol.asyncDispose]() {},
}

describe('at: container, by podman', () => {
  if (process.env[inside] === 'yes') {
    containerEventsContract(async () => podman)
    containerPlaceContract(() => openContainerMachines({ site: 'podman', subnet: '10.213.82' }, async () => podman))
    it('a machine comes up with its host, by the unit of podman', async () => {
      await using opened = await openContainerMachines({ site: 'again', subnet: '10.213.83' }, async () => podman)
      const { place, machine, credentials } = opened
      const room = { progress: silentProgress, signal: new AbortController().signal }
      await place.bringUp(machine, { ...room, credentials: await credentials.of(machine.name) })
      await podman.run('kill', containerName(machine))
      expect(await place.observe(machine)).toBe('stopped')
      // ExecStart of podman-restart.service.
      await podman.run('start', '--all', '--filter', 'restart-policy=always')
      expect(await place.observe(machine)).toBe('running')
    })
    it('a machine that is made of RPM packages alone comes up, and knows what it has', async () => {
      const makeBase = () => rpmMachineBase(['sudo'])
      await using opened = await openContainerMachines(
        { site: 'rpm', subnet: '10.213.84', makeBase },
        async () => podman,
      )
      const { place, machine, credentials } = opened
      const room = { progress: silentProgress, signal: new AbortController().signal }
      await place.bringUp(machine, { ...room, credentials: await credentials.of(machine.name) })
      const script = sh`. /etc/os-release; echo "$ID"; systemctl is-system-running --wait; rpm -q --qf '%{NAME}\n' dnf`
      const { stdout } = await place.host(machine).run(script, { timeoutMs: 120_000 })
      expect(stdout.toString()).toBe('pocket\nrunning\ndnf\n')
    })
    return
  }
  it('does what every engine must do', async () => {
    const path = new URL(import.meta.url).pathname
    const vitest = new URL('../../node_modules/vitest/vitest.mjs', import.meta.url).pathname
    const said = await runWithPodman(process.execPath, [vitest, 'run', '--project', 'e2e', path], { [inside]: 'yes' })
    expect(said).toMatch(/Tests .*11 passed/)
  })
})
