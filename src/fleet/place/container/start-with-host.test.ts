import { expect, it } from 'vitest'
import { startWithHost } from './start-with-host.ts'

const { signal } = new AbortController()

/** What is run, and what is told, where `systemctl` ends so. */
async function start(name: 'docker' | 'podman', codes: Readonly<Record<string, number>>, hasSystemd = true) {
  const ran: string[] = []
  const told: string[] = []
  const run = async (program: string, args: readonly string[]) => {
    ran.push([program, ...args].join(' '))
    const code = codes[args[0] ?? ''] ?? 0
    return { code, stdout: '', stderr: code === 0 ? '' : 'no such unit\n' }
  }
  await startWithHost({ name }, { signal, progress: { log: (line) => told.push(line) } }, { run, hasSystemd })
  return { ran, told }
}
const isEnabled = 'systemctl is-enabled --quiet podman-restart.service'
const enable = 'systemctl enable --quiet podman-restart.service'

it.each([
  ['docker', {}, true, []],
  ['podman', { 'is-enabled': 1 }, false, []],
  ['podman', {}, true, [isEnabled]],
] as const)('%s %j, systemd: %s: nothing is to be done, and nothing is told', async (name, codes, hasSystemd, ran) => {
  expect(await start(name, codes, hasSystemd)).toEqual({ ran, told: [] })
})

it('the unit of podman is enabled, and that is told', async () => {
  expect(await start('podman', { 'is-enabled': 1 })).toEqual({
    ran: [isEnabled, enable],
    told: [expect.stringMatching(/^podman-restart.service of podman is enabled, so that machines start/)],
  })
})

it('where it cannot be enabled, machines are made nevertheless', async () => {
  const { told } = await start('podman', { 'is-enabled': 1, enable: 1 })
  expect(told).toEqual([expect.stringMatching(/cannot be enabled; machines start with Larder.*: no such unit$/)])
})
