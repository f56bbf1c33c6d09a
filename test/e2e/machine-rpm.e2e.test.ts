import { afterAll, beforeAll, expect, it } from 'vitest'
import { hostSuite } from '../../src/apt/index.ts'
import { sh } from '../../src/fleet/shell/script.ts'
import { openRpmMachines, type RpmMachines } from './support/open-rpm-machines.ts'
import { startUbuntuHost } from './support/ubuntu-host.ts'

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

/** One role for all: what is for some of them says so. */
const common = `resources:
  - { repository: pocket, only: true, when: { family: rhel } }
  - { repository: debian, only: true, when: { family: debian } }
  - { package: greeter, when: { os: pocket } }
  - { package: hello, when: { family: debian } }
  - { file: /etc/motd, content: "of RPM packages\\n", when: { os: pocket } }
  - { file: /etc/motd, content: "of Debian\\n", when: { os: debian } }
  - { file: /etc/motd, content: "of Ubuntu\\n", when: { os: ubuntu } }
  - { file: /etc/suite, content: "noble\\n", when: { codename: noble } }
  - { user: operator, shell: /bin/sh }
  - unit: beacon.service
    content: "[Service]\\nExecStart=/bin/sleep infinity\\nUser=operator\\n[Install]\\nWantedBy=multi-user.target\\n"
  - { service: beacon.service, after: "user:operator" }
`
const aptBase = ['apt', 'ca-certificates', 'dbus', 'iproute2', 'openssh-server', 'systemd-sysv']
const reaches = (name: string): string => `ssh-keyscan -T 20 -t ed25519 ${name} | grep -q ssh-ed25519`

/** Pushes a site with machines of both families, and further ones. */
async function applyBoth(opened: RpmMachines, more: object = {}) {
  const debian = { format: 'apt', upstreams: ['host'], suite: await hostSuite(), components: ['main'] }
  const sees = { command: 'sees web-1', run: `${reaches('web-1')}; touch /root/seen`, creates: '/root/seen' }
  const db = { base: 'debian', base_packages: ['sudo'], roles: ['common'], resources: [sees], after: ['web-1'] }
  const sections = {
    upstreams: { host: { format: 'apt', from: 'system' } },
    mirrors: { debian: { ...debian, architectures: ['amd64'], base: 'essential', packages: 'packages-debian.json' } },
    machines: { 'web-1': { base: 'pocket', roles: ['common'] }, 'db-1': db, ...more },
  }
  return opened.apply([...base, 'sudo', 'greeter'], sections, {
    'roles/common.yaml': common,
    'packages-debian.json': JSON.stringify([...aptBase, 'hello', 'sudo']),
  })
}

it('a machine of Debian comes up after it in the same site, by the same role, and each knows the other', async (context) => {
  if (site === undefined) return context.skip(noMachine)
  const run = await applyBoth(site)
  expect(run.state, JSON.stringify(run.error)).toBe('succeeded')
  expect(await site.controller.machines()).toMatchObject([
    { name: 'db-1', state: 'converged', os: expect.stringContaining('debian') as string },
    { name: 'web-1', state: 'converged', os: expect.stringContaining('pocket') as string },
  ])
  expect(await site.on('web-1', 'sh', '-c', `cat /etc/motd; greet; ${reaches('db-1')}`)).toBe('of RPM packages\nhello')
  expect(await site.on('db-1', 'sh', '-c', 'cat /etc/motd; hello')).toBe('of Debian\nHello, world!')
  for (const machine of ['web-1', 'db-1']) {
    expect(await site.on(machine, 'systemctl', 'show', '-P', 'User', '-P', 'ActiveState', 'beacon')).toBe(
      'operator\nactive',
    )
    expect(await site.on(machine, 'getent', 'ahostsv4', 'web-1.pocket.internal')).toContain('10.213.94.')
  }
  const madeAt = async (name: string) => Number(await site?.on(name, 'stat', '-c', '%.Y', '/etc/motd'))
  expect(await madeAt('web-1')).toBeLessThan(await madeAt('db-1'))
  const plans = await site.controller.planMachines()
  expect(plans).toMatchObject([
    { name: 'web-1', ok: 6, resources: [] },
    { name: 'db-1', ok: 7, resources: [] },
  ])
})

it('a host that says it is Ubuntu is reached as its user ubuntu, and takes what is for Debian and for itself', async (context) => {
  if (site === undefined) return context.skip(noMachine)
  const address = '10.213.94.200'
  const host = await startUbuntuHost(site, { like: 'larder-pocket-db-1', address })
  await expect(host.as('root').run(sh`id -u`, { timeoutMs: 20_000 })).rejects.toMatchObject({
    code: 'FLEET_HOST_REFUSED',
    hint: expect.stringContaining('user: ubuntu') as string,
  })
  await host.as('root').close()
  const declared = { 'old-1': { at: 'ssh', ssh: { address, user: 'ubuntu' }, roles: ['common'] } }
  const run = await applyBoth(site, declared)
  expect(run.state, JSON.stringify(run.error)).toBe('succeeded')
  const look = 'cat /etc/motd /etc/suite; hello; systemctl is-active beacon'
  expect(await site.docker('exec', host.name, 'sh', '-c', look)).toBe('of Ubuntu\nnoble\nHello, world!\nactive')
  expect(await site.controller.planMachines(['old-1'])).toMatchObject([{ name: 'old-1', ok: 7, resources: [] }])
  const { findings } = await site.controller.doctor({ fix: false, deep: false })
  expect(findings.filter(({ subject }) => subject.includes('old-1'))).toEqual([])
})

/** Field 22 of proc_pid_stat(5). */
function startOf(stat: string): string | undefined {
  return stat.split(' ')[21]
}
