import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openAuthority } from '../../src/app/tls/authority.ts'
import { hostSuite } from '../../src/apt/index.ts'
import { systemClock } from '../../src/core/index.ts'
import type { MirrorSource, ResolveRoom, ResourceType } from '../../src/fleet/resource/resource-type.ts'
import { debianHost, tinyEngine } from '../../src/fleet/testing/converge.ts'
import { testRoom } from '../../src/fleet/testing/resolve-room.ts'
import { authorityType } from '../../src/fleet/resource/types/authority.ts'
import { fileType } from '../../src/fleet/resource/types/file.ts'
import { groupType } from '../../src/fleet/resource/types/group.ts'
import { hostEntryType } from '../../src/fleet/resource/types/host-entry.ts'
import { mountType } from '../../src/fleet/resource/types/mount.ts'
import { packageType } from '../../src/fleet/resource/types/package.ts'
import { repositoryType } from '../../src/fleet/resource/types/repository.ts'
import { sshKeyType } from '../../src/fleet/resource/types/ssh-key.ts'
import { sysctlType } from '../../src/fleet/resource/types/sysctl.ts'
import { userType } from '../../src/fleet/resource/types/user.ts'
import { hasAptSources } from './support/apt-sources.ts'
import { openWorkspace, type Workspace } from './support/workspace.ts'

// A real Debian in a folder, in which resources are looked at and made as on a machine.
let workspace: Workspace
let root: string
let canBootstrap: boolean
beforeAll(async () => {
  workspace = await openWorkspace()
  root = workspace.path('root')
  canBootstrap = await hasAptSources()
  if (!canBootstrap) return
  await execa('mmdebstrap', ['--variant=apt', '--include=ca-certificates,openssl', await hostSuite(), root], {
    stdin: 'ignore',
  })
  await execa('mknod', ['-m', '666', `${root}/dev/null`, 'c', '1', '3'], { reject: false })
})
afterAll(() => workspace[Symbol.asyncDispose]())
const noSystem = 'this host has no APT sources to make a system from'

/** Resolves, looks, applies, and looks again: all is as declared, and applying again is harmless. Answers the first plan. */
async function converge<Declared, Desired, Facts>(
  type: ResourceType<Declared, Desired, Facts>,
  declared: readonly object[],
  room: ResolveRoom = testRoom(),
): Promise<unknown> {
  const all = await Promise.all(declared.map((one) => type.resolve(type.schema.parse(one), room)))
  const engine = tinyEngine(type, { root })
  const before = engine.plan(all)
  engine.apply(all)
  expect(engine.plan(all)).toEqual(all.map(() => []))
  return before
}
const inRoot = async (...args: string[]): Promise<string> => (await execa('chroot', [root, ...args])).stdout
const textOf = (path: string): Promise<string> => readFile(`${root}${path}`, 'utf8')

it('accounts and keys', async (context) => {
  if (!canBootstrap) context.skip(noSystem)
  expect(await converge(groupType, [{ group: 'team', gid: 4321 }, { group: 'other' }])).toEqual([
    [{ what: 'state', to: 'present' }],
    [{ what: 'state', to: 'present' }],
  ])
  expect(await converge(groupType, [{ group: 'team', gid: 4400 }])).toEqual([
    [{ what: 'gid', from: '4321', to: '4400' }],
  ])
  const alice = { user: 'alice', groups: ['team'], shell: '/bin/sh', comment: "Alice 'A' O'Hara" }
  await converge(userType, [alice, { user: 'daemon-x', system: true }])
  expect(await converge(userType, [{ ...alice, uid: 5000, groups: ['other'], shell: '/bin/bash' }])).toEqual([
    [
      { what: 'uid', from: '1000', to: '5000' },
      { what: 'groups', from: 'alice team', to: 'alice team other' },
      { what: 'shell', from: '/bin/sh', to: '/bin/bash' },
    ],
  ])
  expect(await inRoot('getent', 'passwd', 'alice')).toBe("alice:x:5000:1000:Alice 'A' O'Hara:/home/alice:/bin/bash")
  expect(await inRoot('getent', 'passwd', 'daemon-x')).toMatch(/:\/usr\/sbin\/nologin$/)

  // As after a useradd whose disk was full.
  await rm(`${root}/home/alice`, { recursive: true })
  expect(await converge(userType, [{ user: 'alice' }, { user: 'daemon-x', system: true }])).toEqual([
    [{ what: 'home folder', to: '/home/alice' }],
    [],
  ])
  expect(await inRoot('stat', '-c', '%U %G', '/home/alice/.profile')).toBe('alice alice')
  await converge(userType, [{ user: 'alice', home: '/srv/homes/alice' }])
  await converge(userType, [{ user: 'alice', home: '/home/alice' }])
  await converge(groupType, [{ group: 'pair', gid: 4500 }])
  await converge(userType, [{ user: 'pair' }])
  expect(await inRoot('id', '-g', 'pair')).toBe('4500')

  const key = (letter: string): string => `ssh-ed25519 ${letter.repeat(68)} ${letter}@example.org`
  await converge(sshKeyType, [
    { 'ssh-key': 'a', user: 'alice', key: key('A') },
    { 'ssh-key': 'b', user: 'alice', key: key('B'), options: 'no-pty,from="192.0.2.0/24"' },
    { 'ssh-key': 'a', key: key('A') },
  ])
  const path = '/home/alice/.ssh/authorized_keys'
  expect(await textOf(path)).toBe(`${key('A')}\nno-pty,from="192.0.2.0/24" ${key('B')}\n`)
  expect(await inRoot('stat', '-c', '%U %a', path, '/home/alice/.ssh')).toBe('alice 600\nalice 700')
  await converge(sshKeyType, [{ 'ssh-key': 'a', user: 'alice', key: key('A'), state: 'absent' }])
  expect(await textOf(path)).toBe(`no-pty,from="192.0.2.0/24" ${key('B')}\n`)
  // It is the user's to make it what never answers.
  await inRoot('sh', '-c', 'rm "$0" && mkfifo "$0"', path)
  await converge(sshKeyType, [{ 'ssh-key': 'a', user: 'alice', key: key('A') }])
  expect(await textOf(path)).toBe(`${key('A')}\n`)

  await converge(fileType, [{ file: '/srv/of alice', content: 'x', owner: 'alice', group: 'team', mode: '2640' }])
  expect(await inRoot('stat', '-c', '%U %G %a', '/srv/of alice')).toBe('alice team 2640')
  await converge(userType, [{ user: 'alice', state: 'absent', remove_home: true }])
  await converge(groupType, [{ group: 'team', state: 'absent' }])
  expect((await execa('chroot', [root, 'getent', 'passwd', 'alice'], { reject: false })).exitCode).toBe(2)
})

it('a key of a user who is not there yet is not looked at', async (context) => {
  if (!canBootstrap) context.skip(noSystem)
  const desired = await sshKeyType.resolve(
    sshKeyType.schema.parse({ 'ssh-key': 'a', user: 'nobody-yet', key: `ssh-ed25519 ${'A'.repeat(68)} a` }),
    testRoom(),
  )
  expect(tinyEngine(sshKeyType, { root }).plan([desired])).toEqual(['its user is not there yet'])
})

it('lines of files that belong to all', async (context) => {
  if (!canBootstrap) context.skip(noSystem)
  await writeFile(
    `${root}/etc/hosts`,
    '127.0.0.1 localhost\n127.0.1.1 me web-1 # old\n# a comment with web-1\n192.0.2.9 web-1\n',
  )
  await converge(hostEntryType, [{ 'host-entry': 'web-1', address: '192.0.2.1', aliases: ['web-1.example.org'] }])
  expect(await textOf('/etc/hosts')).toBe(
    '127.0.0.1 localhost\n127.0.1.1 me # old\n# a comment with web-1\n192.0.2.1 web-1 web-1.example.org\n',
  )
  await converge(hostEntryType, [{ 'host-entry': 'web-1', state: 'absent' }])
  await converge(sysctlType, [{ sysctl: 'net.ipv4.ip_forward', value: 1, live: false }])
  expect(await textOf('/etc/sysctl.d/90-larder-net.ipv4.ip_forward.conf')).toBe('net.ipv4.ip_forward = 1\n')
  await converge(sysctlType, [{ sysctl: 'net.ipv4.ip_forward', state: 'absent' }])

  // Nothing is mounted here: there is no /proc, and only the table is written.
  await mkdir(`${root}/proc/self`, { recursive: true })
  await writeFile(`${root}/proc/self/mounts`, 'none / tmpfs rw 0 0\n')
  await writeFile(`${root}/etc/fstab`, '# mine\nUUID=1 / ext4 defaults 0 1\n')
  const data = { mount: '/srv/my data', device: 'nas.example.org:/data', type: 'nfs', state: 'noted' }
  await converge(mountType, [data])
  await converge(mountType, [{ ...data, options: 'ro,nofail' }])
  expect(await textOf('/etc/fstab')).toBe(
    '# mine\nUUID=1 / ext4 defaults 0 1\nnas.example.org:/data /srv/my\\040data nfs ro,nofail 0 0\n',
  )
})

it('a repository of ours as the only one, and packages from it', async (context) => {
  if (!canBootstrap) context.skip(noSystem)
  await publish('1.0', '1.1')
  const mirror = (snapshot: number): ResolveRoom => testRoom({}, { mirror: async () => source(snapshot) })
  const plan = await converge(repositoryType, [{ repository: 'base', only: true }], mirror(1))
  expect(JSON.stringify(plan)).toContain('"what":"other sources"')
  expect(await inRoot('sh', '-c', 'ls /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null || :')).toContain(
    'larder-base.sources',
  )

  expect(await converge(packageType, [{ package: ['larder-tiny=1.0', 'larder-other'], recommends: false }])).toEqual([
    [
      { what: 'larder-tiny', to: '1.0' },
      { what: 'larder-other', to: 'installed' },
    ],
  ])
  await writeFile(`${root}/etc/larder-tiny.conf`, 'changed here\n')
  expect(await converge(packageType, [{ package: 'larder-tiny', state: 'latest' }])).toEqual([
    [{ what: 'larder-tiny', from: '1.0', to: '1.1' }],
  ])
  expect(await textOf('/etc/larder-tiny.conf')).toBe('changed here\n')
  expect(await converge(packageType, [{ package: 'larder-tiny=1.0' }])).toEqual([
    [{ what: 'larder-tiny', from: '1.1', to: '1.0' }],
  ])

  await publish('1.0', '1.1', '1.2')
  expect(await converge(repositoryType, [{ repository: 'base', only: true }], mirror(2))).toEqual([
    [{ what: 'index', from: 'snapshot 1', to: 'snapshot 2' }],
  ])
  expect(await converge(packageType, [{ package: 'larder-tiny=1.2' }])).toEqual([
    [{ what: 'larder-tiny', from: '1.0', to: '1.2' }],
  ])
  await expect(converge(packageType, [{ package: 'larder-agent' }])).rejects.toThrow(
    'larder-agent is no package, but what several may provide. Name one of those that do: larder-other, larder-tiny.',
  )

  // Of a repository that is not Larder's nobody is told when it has something new.
  await writeFile(`${root}/etc/apt/sources.list.d/other.list`, 'deb [trusted=yes] copy:/srv/other ./\n')
  await publish('1.3')
  await rename(`${root}/srv/repo`, `${root}/srv/other`)
  await publish('1.2')
  expect(await converge(packageType, [{ package: 'larder-tiny', state: 'latest' }])).toEqual([
    [{ what: 'index of packages', from: 'older than a day', to: 'read anew' }],
  ])
  expect(await inRoot('dpkg-query', '-Wf', '${Version}', 'larder-tiny')).toBe('1.3')
  const absent = { package: ['larder-tiny', 'larder-never'], state: 'absent' }
  expect(await converge(packageType, [absent])).toEqual([[{ what: 'larder-tiny', from: '1.3', to: undefined }]])
  expect(await converge(packageType, [{ ...absent, purge: true }])).toEqual([
    [{ what: 'larder-tiny', from: 'its settings', to: undefined }],
  ])
  expect(await inRoot('sh', '-c', 'ls /etc/larder-tiny.conf 2>&1 || :')).toContain('No such file')
})

it('who has certified the registry is trusted by every program, and no longer', async (context) => {
  if (!canBootstrap) context.skip(noSystem)
  const certified = await openAuthority({ folder: workspace.path('tls'), site: 'campus', clock: systemClock })
  const { certificate } = certified
  const given = { certificate, registry: 'registry.example.org:7443' }
  const room = testRoom({}, { authority: async () => given })
  const server = await certified.certify(['registry.example.org'])
  await writeFile(`${root}/server.crt`, server.certificate)
  const isTrusted = async () =>
    (await execa('chroot', [root, 'openssl', 'verify', '/server.crt'], { reject: false })).exitCode === 0
  expect(await isTrusted()).toBe(false)
  const declared = { authority: 'registry' }
  expect(await converge(authorityType, [declared], room)).toEqual([
    [
      { what: 'ca.crt', to: certificate },
      { what: 'ca.crt', to: certificate },
      { what: 'system', to: 'trusts it' },
    ],
  ])
  for (const program of ['containers', 'docker'])
    expect(await textOf(`/etc/${program}/certs.d/registry.example.org:7443/ca.crt`)).toBe(certificate)
  expect(await isTrusted()).toBe(true)
  // Killed between the file and the list, or taken out of the list by hand.
  await execa('chroot', [root, 'sh', '-c', ': >/etc/ssl/certs/ca-certificates.crt; rm /etc/ssl/certs/larder.pem'])
  expect(await converge(authorityType, [declared], room)).toEqual([[{ what: 'system', to: 'trusts it' }]])
  expect(await isTrusted()).toBe(true)
  expect(await converge(authorityType, [{ ...declared, state: 'absent' }], room)).toEqual([
    [{ what: 'state', from: 'trusted' }],
  ])
  expect(await isTrusted()).toBe(false)

  // Of Fedora and its like: the list is another program's, and made of another folder.
  const extract =
    'mkdir -p /etc/pki/tls/certs; cat /etc/pki/ca-trust/source/anchors/* >/etc/pki/tls/certs/ca-bundle.crt'
  await writeFile(`${root}/usr/bin/update-ca-trust`, `#!/bin/sh\n[ "$1" = extract ] && { ${extract}; }\n`, {
    mode: 0o755,
  })
  const rocky = tinyEngine(authorityType, { root, host: { ...debianHost, family: 'rhel' } })
  const all = [await authorityType.resolve(authorityType.schema.parse(declared), room)]
  rocky.apply(all)
  expect(rocky.plan(all)).toEqual([[]])
  expect(await textOf('/etc/pki/tls/certs/ca-bundle.crt')).toBe(certificate)
})

it('a package that is nowhere fails, in the words of apt', async (context) => {
  if (!canBootstrap) context.skip(noSystem)
  await expect(converge(packageType, [{ package: 'larder-nowhere' }])).rejects.toThrow('larder-nowhere')
})

function source(snapshot: number): MirrorSource {
  const text = 'Types: deb\nURIs: file:/srv/repo\nSuites: ./\nTrusted: yes\n'
  return { format: 'apt', name: 'base', source: text, keys: [], snapshot }
}

/** Packages of a few bytes in a repository within the root. */
async function publish(...versions: string[]): Promise<void> {
  const repository = `${root}/srv/repo`
  await mkdir(repository, { recursive: true })
  for (const [name, version] of [
    ...versions.map((one) => ['larder-tiny', one] as const),
    ['larder-other', '1'] as const,
  ]) {
    const folder = workspace.path(`${name}-${version}`)
    await mkdir(`${folder}/DEBIAN`, { recursive: true })
    await mkdir(`${folder}/etc`, { recursive: true })
    const control = `Package: ${name}\nVersion: ${version}\nArchitecture: all\nMaintainer: A <a@example.org>\nDescription: tiny\nProvides: larder-agent\n`
    await writeFile(`${folder}/DEBIAN/control`, control)
    await writeFile(`${folder}/etc/${name}.conf`, `${version}\n`)
    await writeFile(`${folder}/DEBIAN/conffiles`, `/etc/${name}.conf\n`)
    await execa('dpkg-deb', ['--root-owner-group', '-b', folder, `${repository}/${name}_${version}_all.deb`])
  }
  const { stdout } = await execa('apt-ftparchive', ['packages', '.'], { cwd: repository })
  await writeFile(`${repository}/Packages`, `${stdout}\n`)
}
