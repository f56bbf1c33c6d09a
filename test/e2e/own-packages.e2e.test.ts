import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import { generateKey } from 'openpgp'
import { expect, it } from 'vitest'
import { makeRpm } from '../../src/rpm/testing/make-rpm.ts'
import { signRpm } from '../../src/rpm/testing/sign-rpm.ts'
import { startRpmUpstream } from '../fixtures/rpm-upstream/index.ts'
import { startUpstream } from '../fixtures/upstream/index.ts'
import { complaint, createAptClient, fetchSource } from './support/apt-client.ts'
import { startControllerChild } from './support/controller-child.ts'
import { createDnfClient, dnfComplaint, fetchRepo } from './support/dnf-client.ts'
import { rpmSiteText } from './support/open-rpm-site.ts'
import { createSiteClone } from './support/site-clone.ts'
import { waitForSuccess } from './support/wait-for-run.ts'
import { openWorkspace } from './support/workspace.ts'

it('packages of one’s own are published with what they need, for apt and dnf; what does not fit is refused', async () => {
  await using workspace = await openWorkspace()
  const apt = await startUpstream({ suites: [{ suite: 'stable', packages: [{ name: 'alpha', version: '1.0' }] }] })
  const rpm = await startRpmUpstream({ packages: [{ name: 'beta', version: '1.0' }] })
  try {
    await using controller = await startControllerChild({ dataFolder: workspace.path('data') })
    const site = await createSiteClone(workspace.path('site'))
    const ours = await generateKey({ type: 'rsa', rsaBits: 2048, userIDs: [{ name: 'Ours' }], format: 'object' })
    await site.commit({
      'larder.yaml': siteText(apt.url, rpm.url),
      'keys/apt.asc': apt.key,
      'keys/rpm.asc': rpm.key,
      'keys/ours.asc': ours.publicKey.armor(),
    })
    const push = await site.push(controller)
    expect(push.accepted, push.output).toBe(true)
    await waitForSuccess(controller.client)

    const folder = workspace.path('packages')
    const tool = await makeDeb(folder, { Package: 'our-tool', Version: '1:2.0-1', Depends: 'alpha (>= 1)' })
    const foreign = await makeDeb(folder, { Package: 'foreign', Version: '1', Architecture: 'riscv64' })
    const added = await controller.larder('mirror', 'add', 'base', tool, foreign)
    expect(added.exitCode, added.stderr).toBe(1)
    expect(added.stderr).toMatch(/foreign_1_riscv64\.deb.*it is for riscv64, and the mirror holds amd64/)
    const aptClient = await createAptClient(workspace.path('apt-client'))
    await aptClient.setSource(await fetchSource(controller.url, 'base'))
    const updated = await aptClient.update()
    expect(updated.output).not.toMatch(complaint)
    const simulated = await aptClient.aptGet('install', '--simulate', 'our-tool')
    expect(simulated.output).toMatch(/^Inst alpha /m)
    expect(simulated.output).toMatch(/^Inst our-tool \(1:2\.0-1 /m)
    expect((await aptClient.download('our-tool')).exitCode).toBe(0)

    const file = (name: string): string => join(folder, name)
    const mine = { name: 'our-agent', version: '3.0', requires: ['beta >= 1'], files: { '/opt/our/agent': 'hello' } }
    const signed = await signRpm(makeRpm(mine), ours.privateKey)
    await writeFile(file('agent.rpm'), signed)
    await writeFile(file('unsigned.rpm'), makeRpm({ ...mine, name: 'unsigned' }))
    await writeFile(file('changed.rpm'), await signRpm(makeRpm({ ...mine, summary: 'other' }), ours.privateKey))
    await writeFile(file('broken.rpm'), signed.subarray(0, 700))
    expect(await controller.larder('mirror', 'add', 'el9', file('agent.rpm'))).toMatchObject({ exitCode: 0 })
    for (const [name, why] of [
      ['unsigned.rpm', /SIGNATURE_MISSING|not signed/],
      ['changed.rpm', /with other content/],
      ['broken.rpm', /not a sound \.rpm/],
    ] as const) {
      const refused = await controller.larder('mirror', 'add', 'el9', file(name))
      expect(refused.exitCode).not.toBe(0)
      expect(refused.stderr).toMatch(why)
    }
    const dnf = await createDnfClient(workspace.path('dnf-client'))
    await dnf.setRepo(await fetchRepo(controller.url, 'el9'))
    const installed = await dnf.install('our-agent')
    expect(installed.exitCode, installed.output).toBe(0)
    expect(installed.output).not.toMatch(dnfComplaint)
    expect(await dnf.installed()).toEqual(['beta-1.0-1.x86_64', 'our-agent-3.0-1.x86_64'])

    expect(await controller.client.ownPackages('base')).toMatchObject([{ name: 'our-tool', version: '1:2.0-1' }])
    const removed = await controller.larder('mirror', 'remove', 'base', 'our-tool')
    expect(removed.exitCode, removed.stderr).toBe(0)
    expect((await controller.client.packages('base')).map(({ name }) => name)).toEqual(['alpha'])
    for (const mirror of ['base', 'el9']) expect(await controller.client.verify(mirror)).toEqual([])
  } finally {
    await apt.close()
    await rpm.close()
  }
})

it('RPMs of one’s own without `ownKeys`: unsigned ones are taken, and clients are told not to ask for signatures of packages', async () => {
  await using workspace = await openWorkspace()
  const rpm = await startRpmUpstream({ packages: [{ name: 'beta', version: '1.0' }] })
  try {
    await using controller = await startControllerChild({ dataFolder: workspace.path('data') })
    const site = await createSiteClone(workspace.path('site'))
    await site.commit({
      'larder.yaml': rpmSiteText(rpm.url, {}),
      'keys/vendor.asc': rpm.key,
      'packages.json': '["beta"]',
    })
    const push = await site.push(controller)
    expect(push.accepted, push.output).toBe(true)
    await waitForSuccess(controller.client)
    const early = await createDnfClient(workspace.path('early'))
    const before = await fetchRepo(controller.url, 'el9')
    expect(before).toMatch(/^gpgcheck=1$/m)
    await early.setRepo(before)
    expect(await early.install('beta')).toMatchObject({ exitCode: 0 })

    const path = workspace.path('unsigned.rpm')
    await writeFile(path, makeRpm({ name: 'our-agent', version: '3.0', requires: ['beta >= 1'] }))
    const added = await controller.larder('mirror', 'add', 'el9', path)
    expect(added.exitCode, added.stderr).toBe(0)
    // Who was set up before goes on asking for signatures: what is signed is still to be had, and nothing else.
    expect(await early.makecache()).toMatchObject({ exitCode: 0 })
    const refused = await early.install('our-agent')
    expect(refused.exitCode).not.toBe(0)
    expect(refused.output).toMatch(/our-agent-3\.0-1\.x86_64\.rpm is not signed/)

    const late = await createDnfClient(workspace.path('late'))
    const after = await fetchRepo(controller.url, 'el9')
    expect(after).toMatch(/^gpgcheck=0$/m)
    expect(after).toMatch(/^repo_gpgcheck=1$/m)
    await late.setRepo(after)
    const installed = await late.install('our-agent')
    expect(installed.exitCode, installed.output).toBe(0)
    expect(await late.installed()).toEqual(['beta-1.0-1.x86_64', 'our-agent-3.0-1.x86_64'])

    const removed = await controller.larder('mirror', 'remove', 'el9', 'our-agent')
    expect(removed.exitCode, removed.stderr).toBe(0)
    expect(await fetchRepo(controller.url, 'el9')).toBe(before)
  } finally {
    await rpm.close()
  }
})

it('RPMs of one’s own with `signOwn`: signed by the key of the mirror, which rpm and dnf verify them by', async () => {
  await using workspace = await openWorkspace()
  const rpm = await startRpmUpstream({ packages: [{ name: 'beta', version: '1.0' }] })
  try {
    await using controller = await startControllerChild({ dataFolder: workspace.path('data') })
    const site = await createSiteClone(workspace.path('site'))
    await site.commit({
      'larder.yaml': rpmSiteText(rpm.url, { mirror: ['signOwn: true'] }),
      'keys/vendor.asc': rpm.key,
      'packages.json': '["beta"]',
    })
    const push = await site.push(controller)
    expect(push.accepted, push.output).toBe(true)
    await waitForSuccess(controller.client)
    const built = await buildRpm(workspace.path('build'), 'our-built')
    const made = workspace.path('our-agent.rpm')
    await writeFile(made, makeRpm({ name: 'our-agent', version: '3.0', requires: ['beta >= 1', 'our-built'] }))
    const added = await controller.larder('mirror', 'add', 'el9', built, made)
    expect(added.exitCode, added.stderr).toBe(0)

    const repo = await fetchRepo(controller.url, 'el9')
    expect(repo).toMatch(/^gpgcheck=1$/m)
    expect(repo).toContain('/keys/RPM-GPG-KEY-OWN')
    const dnf = await createDnfClient(workspace.path('client'))
    await dnf.setRepo(repo)
    const installed = await dnf.install('our-agent')
    expect(installed.exitCode, installed.output).toBe(0)
    expect(installed.output).not.toMatch(dnfComplaint)
    expect(await dnf.installed()).toEqual(['beta-1.0-1.x86_64', 'our-agent-3.0-1.x86_64', 'our-built-1-1.noarch'])

    const folder = workspace.path('export')
    await mkdir(folder)
    await controller.client.exportMirror('el9', folder)
    const rpmkeys = rpmkeysOf(workspace.path('rpmdb'))
    const files = ['o/our-agent-3.0-1.x86_64.rpm', 'o/our-built-1-1.noarch.rpm'].map((path) => join(folder, 'Packages', path)) // prettier-ignore
    expect((await rpmkeys('-K', ...files)).all).toContain('SIGNATURES NOT OK')
    await rpmkeys('--import', join(folder, 'keys/RPM-GPG-KEY-OWN'))
    const checked = await rpmkeys('-Kv', ...files)
    expect(checked.exitCode, checked.all).toBe(0)
    expect(checked.all.match(/Header V4 RSA\/SHA512 Signature, key ID [0-9a-f]+: OK/g)).toHaveLength(2)
    expect(await controller.client.verify('el9')).toEqual([])

    await controller.larder('key', 'rotate', 'el9')
    const later = await createDnfClient(workspace.path('later'))
    await later.setRepo(await fetchRepo(controller.url, 'el9'))
    const again = await later.install('our-agent')
    expect(again.exitCode, again.output).toBe(0)
  } finally {
    await rpm.close()
  }
})

function rpmkeysOf(database: string) {
  return (...args: string[]) => execa('rpmkeys', [`--dbpath=${database}`, ...args], { all: true, reject: false })
}

/** By rpmbuild, with the room that it leaves for signatures. */
async function buildRpm(folder: string, name: string): Promise<string> {
  await mkdir(folder, { recursive: true })
  const spec = join(folder, `${name}.spec`)
  const fields = { Name: name, Version: '1', Release: '1', Summary: 'Built here', License: 'MIT', BuildArch: 'noarch' }
  const lines = Object.entries(fields).map(([field, value]) => `${field}: ${value}`)
  await writeFile(spec, [...lines, '%description', 'Built here.', '%files', ''].join('\n'))
  await execa('rpmbuild', ['-bb', '--define', `_topdir ${folder}`, spec])
  return join(folder, `RPMS/noarch/${name}-1-1.noarch.rpm`)
}

function siteText(apt: string, rpm: string): string {
  return `site: test
upstreams:
  debian: { format: apt, url: "${apt}", keys: [keys/apt.asc] }
  vendor: { format: rpm, url: "${rpm}", keys: [keys/rpm.asc] }
mirrors:
  base: { format: apt, upstreams: [debian], suite: stable, architectures: [amd64], packages: [alpha] }
  el9: { format: rpm, upstreams: [vendor], architectures: [x86_64], packages: [beta], ownKeys: [keys/ours.asc] }
`
}

async function makeDeb(folder: string, fields: Record<string, string>): Promise<string> {
  const all: Record<string, string> = {
    Architecture: 'amd64',
    Maintainer: 'Test <test@example.org>',
    Description: 'a package of our own',
    ...fields,
  }
  const root = join(folder, `${all['Package']}.build`)
  const control = join(root, 'DEBIAN/control')
  await mkdir(dirname(control), { recursive: true })
  await writeFile(control, Object.entries(all).map(([name, value]) => `${name}: ${value}\n`).join('')) // prettier-ignore
  const path = join(folder, `${all['Package']}_${all['Version']!.replace(/^\d+:/, '')}_${all['Architecture']}.deb`)
  await execa('dpkg-deb', ['--root-owner-group', '--build', root, path])
  return path
}
