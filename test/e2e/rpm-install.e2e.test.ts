import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import { readKeys } from 'openpgp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startFileServer } from '../fixtures/upstream/index.ts'
import type { TestRpm } from '../fixtures/rpm-upstream/index.ts'
import { createDnfClient, dnfComplaint, fetchRepo } from './support/dnf-client.ts'
import { openRpmSite, type RpmSite } from './support/open-rpm-site.ts'
import { waitForRuns, waitForSuccess } from './support/wait-for-run.ts'

const release = '2.el9'
const packages = (): TestRpm[] => [
  {
    name: 'python36u',
    version: '3.6.8',
    release,
    requires: [`python36u-libs = 3.6.8-${release}`, '/usr/bin/sh', '(locale-de if langpacks)'],
    recommends: ['python36u-doc'],
    files: { '/usr/bin/python3.6': '#!/bin/sh\n' },
  },
  {
    name: 'python36u-libs',
    version: '3.6.8',
    release,
    requires: ['libc.so.6()(64bit)', '/usr/share/zoneinfo/UTC'],
  },
  { name: 'python36u-doc', version: '3.6.8', release, architecture: 'noarch' },
  { name: 'glibc', version: '2.34', epoch: '1', release, provides: ['libc.so.6()(64bit)'] },
  { name: 'tzdata', version: '2024a', release, architecture: 'noarch', files: { '/usr/share/zoneinfo/UTC': 'UTC0\n' } },
  { name: 'bash', version: '5.1.8', release, requires: ['libc.so.6()(64bit)'], files: { '/usr/bin/sh': '' } },
  { name: 'left-out', version: '1' },
]

const installed = [
  'bash-5.1.8-2.el9.x86_64',
  'glibc-2.34-2.el9.x86_64',
  'python36u-3.6.8-2.el9.x86_64',
  'python36u-libs-3.6.8-2.el9.x86_64',
  'tzdata-2024a-2.el9.noarch',
]

describe('a site with an RPM mirror', () => {
  let site: RpmSite
  beforeAll(async () => {
    site = await openRpmSite({ packages: packages() })
  })
  afterAll(() => site[Symbol.asyncDispose]())

  it('a pushed list ends in dnf install from the mirror alone, every signature checked', async () => {
    const { output } = await site.push('[{"package_command": "python36u python36u-libs"}]\n')
    expect(output).toMatch(/plan: create mirror el9: \+5 packages; 5 in all/)
    await waitForSuccess(site.controller.client)
    const client = await site.client()
    const made = await client.install('python36u')
    expect(made.exitCode, made.output).toBe(0)
    expect(made.output).not.toMatch(dnfComplaint)
    expect(await client.installed()).toEqual(installed)
    expect(await client.available()).toEqual(installed)
    const { output: epochs } = await client.dnf('repoquery', '--qf', '%{name} %{epoch}', 'glibc')
    expect(epochs).toMatch(/^glibc 1$/m)
  })

  it('the other shape of a list means the same; nothing is published anew', async () => {
    const before = await site.controller.client.mirror('el9')
    await site.publish(['python36u', { name: 'python36u-libs', version: '>= 3.6' }])
    const { publication } = await site.controller.client.mirror('el9')
    expect(publication).toEqual(before.publication)
  })

  it('a push to another branch is planned and publishes nothing; mistakes have their place', async () => {
    const preview = await site.push('["python36u", "left-out"]\n', 'try')
    expect(preview.remote.join('\n')).toMatch(/update mirror el9: \+1 package/)
    await waitForRuns(site.controller.client)
    const wrong = await site.push('["python36u",\n "pyton36u"]\n')
    expect(wrong.accepted).toBe(false)
    expect(wrong.remote.join('\n')).toMatch(/packages\.json:2:2: .*pyton36u.*did you mean python36u/s)
    expect((await site.controller.client.mirror('el9')).packageCount).toBe(5)
  })

  it('answers what is asked of it', async () => {
    const { client } = site.controller
    const [chain] = await client.why('el9', 'tzdata')
    expect(chain?.steps.map((step) => step.package)).toEqual(['python36u-libs', 'tzdata'])
    expect(await client.verify('el9')).toEqual([])
    expect(await client.mirrors()).toMatchObject([{ name: 'el9', format: 'rpm', packageCount: 5 }])
    expect((await client.mirror('el9')).url).toBe(`${site.controller.url}/rpm/el9/`)
    const { ailments } = (await client.doctor({ fix: false, deep: true })) as unknown as {
      ailments?: { severity: string }[]
    }
    expect((ailments ?? []).filter(({ severity }) => severity === 'error')).toEqual([])
    const statuses = await Promise.all(
      [
        '/apt/el9/repodata/repomd.xml',
        '/rpm/el9/repodata/repomd.xml',
        '/rpm/el9/',
        '/setup/el9',
        '/setup/el9.sources',
      ].map(async (path) => `${(await fetch(site.controller.url + path)).status} ${path}`),
    )
    expect(statuses).toEqual([
      '404 /apt/el9/repodata/repomd.xml',
      '200 /rpm/el9/repodata/repomd.xml',
      '200 /rpm/el9/',
      '200 /setup/el9',
      '404 /setup/el9.sources',
    ])
  })

  it('an export is a repository that dnf installs from by file:', async () => {
    const folder = site.workspace.path('export')
    await mkdir(folder)
    await site.controller.client.exportMirror('el9', folder)
    const keys = ['repodata/repomd.xml.key', 'keys/RPM-GPG-KEY-vendor'].map((path) => `file://${folder}/${path}`)
    const lines = ['[stick]', 'name=stick', `baseurl=file://${folder}`, 'gpgcheck=1', 'repo_gpgcheck=1']
    const client = await createDnfClient(site.workspace.path('stick'))
    await client.setRepo([...lines, `gpgkey=${keys.join(' ')}`, ''].join('\n'))
    const made = await client.install('python36u')
    expect(made.exitCode, made.output).toBe(0)
    expect(await client.installed()).toEqual(installed)
  })

  it('the script of the set-up makes a machine a client', async () => {
    const root = site.workspace.path('machine')
    const repos = join(root, 'etc/yum.repos.d')
    await mkdir(repos, { recursive: true })
    await writeFile(join(repos, 'other.repo'), '[other]\nname=other\nbaseurl=http://127.0.0.1:1/\n')
    const script = await (await fetch(`${site.controller.url}/setup/el9`)).text()
    const run = async (settings: Record<string, string>): Promise<string[]> => {
      const env = { ...settings, LARDER_ROOT: root, no_proxy: '127.0.0.1' }
      const { exitCode, all } = await execa('sh', ['-s'], { input: script, env, all: true, reject: false })
      expect(exitCode, all).toBe(0)
      return readdir(repos)
    }
    expect(await run({})).toEqual(['larder-el9.repo', 'other.repo'])
    expect(await run({ LARDER_ONLY: '1' })).toEqual(['larder-el9.repo'])
    expect(await run({ LARDER_UNDO: '1' })).toEqual(['other.repo'])
    expect(await readdir(join(root, 'etc'))).not.toContain('larder-aside')
  })

  it('libsolv finds nothing broken, and rpm every signature good', async () => {
    const folder = site.workspace.path('export')
    const names = (await readdir(join(folder, 'repodata'))).filter((name) => name.endsWith('-primary.xml.gz'))
    const primary = names.map((name) => join(folder, 'repodata', name))
    const checked = await execa('installcheck', ['x86_64', ...primary], { reject: false })
    // It reads no filelists.xml.
    const broken = checked.stdout.split('\n').filter((line) => line.includes('nothing provides'))
    expect(broken.filter((line) => !line.includes('/usr/share/zoneinfo/UTC'))).toEqual([])
    const database = site.workspace.path('rpmdb')
    await mkdir(database)
    const rpm = (...args: string[]) => execa('rpmkeys', [`--dbpath=${database}`, ...args], { all: true, reject: false })
    await rpm('--import', join(folder, 'keys/RPM-GPG-KEY-vendor'))
    const files = (await readdir(join(folder, 'Packages'), { recursive: true })).filter((name) => name.endsWith('.rpm'))
    const { all, exitCode } = await rpm('-Kv', ...files.map((name) => join(folder, 'Packages', name)))
    expect(exitCode, all).toBe(0)
    expect(all).toContain('Signature, key ID')
    expect(all).not.toMatch(/NOKEY|NOTTRUSTED|BAD/)
  })
})

it('an upstream that createrepo_c wrote, with groups, advisories and old checksums', async () => {
  await using site = await openRpmSite({ packages: packages(), upstream: ['gpgcheck: true'] })
  const folder = site.workspace.path('written')
  for (const [path, { bytes }] of site.upstream.repository.files()) {
    if (!path.endsWith('.rpm')) continue
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), bytes)
  }
  const group = (id: string, name: string): string =>
    `<group><id>${id}</id><name>${id}</name><packagelist><packagereq type="mandatory">${name}</packagereq></packagelist></group>`
  const comps = join(folder, 'comps.xml')
  await writeFile(
    comps,
    `<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE comps PUBLIC "-//Red Hat, Inc.//DTD Comps info//EN" "comps.dtd">\n<comps>${group('python', 'python36u')}${group('other', 'left-out')}</comps>\n`,
  )
  await execa('createrepo_c', ['--checksum', 'sha512', '--groupfile', comps, folder])
  const advisory = (id: string, name: string): string =>
    `<update from="vendor@example.org" status="stable" type="security" version="1"><id>${id}</id><title>${id}</title><issued date="2024-01-01 00:00:00"/><description/><references/><pkglist><collection short="c"><name>c</name><package name="${name}" version="3.6.8" release="2.el9" epoch="0" arch="x86_64" src="${name}.src.rpm"><filename>${name}-3.6.8-2.el9.x86_64.rpm</filename></package></collection></pkglist></update>`
  await writeFile(
    join(folder, 'updateinfo.xml'),
    `<updates>${advisory('V-1', 'python36u')}${advisory('V-2', 'left-out')}</updates>\n`,
  )
  await execa('modifyrepo_c', [join(folder, 'updateinfo.xml'), join(folder, 'repodata')])
  const files = await readdir(folder, { recursive: true, withFileTypes: true })
  const served = new Map(
    await Promise.all(
      files
        .filter((entry) => entry.isFile())
        .map(async (entry) => {
          const path = join(entry.parentPath, entry.name)
          return [path.slice(folder.length + 1), { bytes: await readFile(path), modifiedAt: new Date() }] as const
        }),
    ),
  )
  const server = await startFileServer((path) => served.get(path))
  try {
    const own = site.files('["python36u"]\n')
    await site.clone.commit({ ...own, 'larder.yaml': own['larder.yaml']!.replace(site.upstream.url, server.url) })
    const { accepted, output } = await site.clone.push(site.controller)
    expect(accepted, output).toBe(true)
    await waitForSuccess(site.controller.client)
    const client = await site.client()
    const made = await client.install('python36u')
    expect(made.exitCode, made.output).toBe(0)
    expect(await client.installed()).toEqual(installed)
    const groups = await client.dnf('group', 'list', '--hidden')
    expect(groups.output).toMatch(/\bpython\b/)
    expect(groups.output).not.toMatch(/\bother\b/)
    const advisories = await client.dnf('updateinfo', 'list', '--all')
    expect(advisories.output).toContain('V-1')
    expect(advisories.output).not.toContain('V-2')
  } finally {
    await server.close()
  }
})

interface Yum3Answer {
  packages: string[]
  /** The highest of all metadata files: yum 3 keeps what it has when that is older. */
  timestamp: number
  types: string[]
}

it('a mirror for yum 3: an RSA key, gzip, whole seconds, nothing that it does not know; rich dependencies are refused', async () => {
  const plain = packages().map((one) => ({
    ...one,
    requires: (one.requires ?? []).filter((text) => !text.startsWith('(')),
    recommends: ['tzdata'],
  }))
  await using site = await openRpmSite({ packages: plain, mirror: ['compatibility: yum3'], compression: 'xz' })
  await site.publish(['python36u'])
  const { url, client: controller } = site.controller
  let readers = 0
  const readAsYum3 = async (): Promise<Yum3Answer> => {
    const home = site.workspace.path(`yum3-${++readers}`)
    await mkdir(home, { mode: 0o700 })
    await writeFile(join(home, 'larder.repo'), await fetchRepo(url, 'el9'))
    const script = join(import.meta.dirname, 'support/yum3-reader.py')
    const { exitCode, all, stdout } = await execa('/usr/bin/python3', [script, join(home, 'larder.repo'), home], { all: true, reject: false }) // prettier-ignore
    expect(exitCode, all).toBe(0)
    return JSON.parse(stdout) as Yum3Answer
  }
  const [key] = await readKeys({ armoredKeys: await (await fetch(`${url}/keys/el9.asc`)).text() })
  expect(key?.getAlgorithmInfo().algorithm).toBe('rsaEncryptSign')
  const first = await readAsYum3()
  expect(first.packages).toEqual(['bash', 'glibc', 'python36u', 'python36u-libs', 'tzdata'])
  expect(first.types).toEqual(['filelists', 'other', 'primary'])
  const client = await site.client()
  const made = await client.install('python36u')
  expect(made.exitCode, made.output).toBe(0)

  await site.publish(['tzdata'])
  const second = await readAsYum3()
  expect(second.packages).toEqual(['tzdata'])
  await controller.rollback('el9')
  const third = await readAsYum3()
  expect(third).toEqual({ ...first, timestamp: third.timestamp })
  expect([first, second, third].map(({ timestamp }) => timestamp)).toEqual(
    [...new Set([first, second, third].map(({ timestamp }) => timestamp))].sort((a, b) => a - b),
  )

  site.upstream.options.packages = packages()
  await site.upstream.publish()
  // Asked for anew: a push takes up what was read of an upstream within the last two seconds.
  await controller.sync()
  expect((await waitForRuns(controller)).state).toBe('succeeded')
  const rich = await site.push('["python36u", "glibc"]\n')
  expect(rich.accepted).toBe(false)
  expect(rich.remote.join('\n')).toMatch(/python36u.*\(locale-de if langpacks\).*yum 3/s)
})
