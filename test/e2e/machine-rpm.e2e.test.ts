import { afterAll, beforeAll, expect, it } from 'vitest'
import { openRpmMachines, type RpmMachines } from './support/open-rpm-machines.ts'

const noMachine = 'this host has no APT sources to make a distribution from'
/** What machines begin with, as docs/fleet.md says. */
const base = ['ca-certificates', 'dnf', 'filesystem', 'iproute', 'openssh-server', 'systemd']
const motd = { file: '/etc/motd', content: 'Made of RPM packages\n' }

let site: RpmMachines | undefined
beforeAll(async () => {
  site = await openRpmMachines({ name: 'pocket', subnet: '10.213.94', packages: ['sudo'] })
}, 900_000)
afterAll(() => site?.[Symbol.asyncDispose]())

const machine = (...resources: object[]) => ({
  machines: { 'web-1': { resources: [{ repository: 'pocket', only: true }, motd, ...resources] } },
})

it('a machine of the family of RHEL comes up from an RPM mirror alone, and knows what it has', async (context) => {
  if (site === undefined) return context.skip(noMachine)
  const run = await site.apply([...base, 'sudo'], machine({ package: 'sudo', when: { family: 'rhel' } }))
  expect(run.state, JSON.stringify(run.error)).toBe('succeeded')
  const { state, resources } = await site.controller.machine('web-1')
  expect(state).toBe('converged')
  expect(resources.map(({ id, outcome }) => [id, outcome])).toEqual([
    ['repository:pocket', 'changed'],
    ['file:/etc/motd', 'changed'],
    ['package:sudo', 'changed'],
  ])
  expect(await site.on('web-1', 'systemctl', 'is-system-running', '--wait')).toBe('running')
  const listed = (await site.on('web-1', 'rpm', '--query', '--all', '--queryformat', '%{NAME}\n')).split('\n')
  expect(listed).toEqual(expect.arrayContaining([...base, 'sudo', 'pocket-release']))
  // No file in the place of a device, nothing of how it was made.
  expect(
    await site.on('web-1', 'sh', '-c', 'ls -d /nonexistent /root/.rpmdb /etc/yum.repos.d/* 2>/dev/null || :'),
  ).toBe('/etc/yum.repos.d/larder-pocket.repo')
})

it('a second look finds nothing to change', async (context) => {
  if (site === undefined) return context.skip(noMachine)
  expect(await site.controller.planMachines()).toMatchObject([{ name: 'web-1', ok: 3, resources: [] }])
})

it('a merge that adds a package to the list of the mirror ends with it installed', async (context) => {
  if (site === undefined) return context.skip(noMachine)
  const before = await site.on('web-1', 'cat', '/proc/1/stat')
  const packages = [...base, 'sudo', 'greeter']
  const run = await site.apply(packages, machine({ package: ['sudo', 'greeter'] }))
  expect(run.state, JSON.stringify(run.error)).toBe('succeeded')
  expect(await site.on('web-1', 'greet')).toBe('hello')
  // The same machine: what else its mirror publishes makes no other base.
  expect(startOf(await site.on('web-1', 'cat', '/proc/1/stat'))).toBe(startOf(before))
})

/** Field 22 of proc_pid_stat(5). */
function startOf(stat: string): string | undefined {
  return stat.split(' ')[21]
}
