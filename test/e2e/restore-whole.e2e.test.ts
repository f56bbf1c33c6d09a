import { cp, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { armor, Encrypter } from 'age-encryption'
import { execa } from 'execa'
import { expect, it } from 'vitest'
import type { DoctorReport } from '../../src/app/doctor/doctor-report.ts'
import { scanHostKey } from '../../src/fleet/host/host-key.ts'
import { openFleetCredentials } from '../../src/fleet/place/credentials.ts'
import { ownRunFolder, startSshd } from '../../src/fleet/testing/start-sshd.ts'
import { startUpstream, type Upstream } from '../fixtures/upstream/index.ts'
import { startControllerChild, type ControllerChild } from './support/controller-child.ts'
import { freePort } from './support/free-port.ts'
import { runLarder } from './support/larder-command.ts'
import { createRegistryClient, sha256Of, type PushedImage, type RegistryClient } from './support/registry-client.ts'
import { createSiteClone } from './support/site-clone.ts'
import { larderYaml, packageList } from './support/site-text.ts'
import { waitFor, waitForSuccess } from './support/wait-for-run.ts'
import { openWorkspace, type Workspace } from './support/workspace.ts'

const backupProgram = new URL('../../examples/larder-backup', import.meta.url).pathname

it('what is pushed, added, certified and known by machines is the same after a restore of a copy made in the middle of work', async () => {
  await using workspace = await openWorkspace()
  await using ending = new AsyncDisposableStack()
  const upstream = await startUpstream({ suites: [{ suite: 'stable', packages: [{ name: 'alpha', version: '1.0' }] }] })
  ending.defer(() => upstream.close())
  const [data, backup] = [workspace.path('data'), workspace.path('backup')]
  const machine = await prepareMachine(workspace, data)
  ending.defer(() => machine.stop())
  const [port, tlsPort] = [await freePort(), await freePort()]
  await writeFile(workspace.path('controller.yaml'), controllerYaml(tlsPort))
  // As from a folder of configuration elsewhere.
  await symlink(workspace.path('controller.yaml'), join(data, 'controller.yaml'))

  let controller = await startControllerChild({ dataFolder: data, port })
  ending.defer(() => controller.kill())
  const site = await createSiteClone(workspace.path('site'))
  await site.commit({ ...siteFiles(upstream, machine), ...(await sealed(controller)) })
  expect(await site.push(controller)).toMatchObject({ accepted: true })
  await waitForSuccess(controller.client)
  await addOwn(controller, workspace, 'own-1')
  const registries = await registriesOf(controller, data)
  const pushed = await pushAll(registries.ci)
  const secrets = await secretFiles(data)

  // A run, an upload and pushes are under way while it is made; in the middle of it, what the database says is overtaken.
  const begun = await registries.ci.ask('POST', '/v2/counter/blobs/uploads/')
  const upload = String(begun.headers.location)
  expect(await registries.ci.ask('PATCH', upload, { body: Buffer.from('half') })).toMatchObject({ status: 202 })
  await site.commit({ 'larder.yaml': siteText(upstream, machine, 4) })
  expect(await site.push(controller)).toMatchObject({ accepted: true })
  const during: string[] = []
  await backUp({ data, backup, shims: workspace.path('shims-1') }, async () => {
    for (const tag of ['d1', 'd2', 'd3']) during.push((await registries.ci.pushImage('counter', tag, tag)).digest)
    await waitForSuccess(controller.client)
    await overtake(controller, upstream)
  })

  await controller.kill()
  await rm(data, { recursive: true })
  // Nothing that it needs is elsewhere.
  await rm(workspace.path('controller.yaml'))
  await cp(backup, data, { recursive: true, preserveTimestamps: true })
  expect(await secretFiles(data)).toEqual(secrets)
  await checkFolder(data)
  controller = await startControllerChild({ dataFolder: data, port })
  await waitForSuccess(controller.client)

  const names = (await controller.client.packages('base')).map((one) => `${one.name} ${one.version}`)
  expect(names).toEqual(['alpha 1.2', 'own-1 1'])
  await checkRegistry(registries, pushed, upload)
  await checkAbsent(registries.ci, during)
  expect(await certifiedBy(tlsPort, secrets['tls/ca.crt']!)).toBe(true)
  await checkMachine(controller, machine)
  await checkOvertaken(controller, workspace)
})

interface TestMachine {
  folder: string
  port: number
  stop(): Promise<void>
}

/** A host that is known here, and lets in who has the key of this data folder. */
async function prepareMachine(workspace: Workspace, data: string): Promise<TestMachine> {
  await mkdir(data, { mode: 0o750 })
  const credentials = await openFleetCredentials(join(data, 'machines/credentials'))
  const sshd = await startSshd({ prefix: ownRunFolder })
  await writeFile(`${sshd.options.identityFile}.pub`, `${credentials.authorizedKey}\n`)
  await credentials.trust('web-1', await scanHostKey({ name: 'web-1', address: '127.0.0.1', port: sshd.port }))
  // One that was made, of which nobody but this folder knows the key.
  await credentials.of('made-1')
  return { folder: workspace.path('machine'), port: sshd.port, stop: () => sshd.stop() }
}

const controllerYaml = (tlsPort: number): string => `machines: { lookMinutes: 0 }
tls: { listen: "127.0.0.1:${tlsPort}" }
registry:
  anonymousPull: false
  users:
    - { name: ci, push: [counter] }
    - { name: reader, passwordsFile: passwords-of-readers }
`

const siteText = (upstream: Upstream, { folder, port }: TestMachine, seconds: number): string =>
  `${larderYaml({ test: upstream.url }, { base: { more: ['keep: { snapshots: 1, generations: 1 }'] } })}
machines:
  web-1:
    at: ssh
    ssh: { address: 127.0.0.1, port: ${port} }
    resources:
      - directory: ${folder}
      - file: ${folder}/password
        inline: "{{secrets.password}}"
      - command: work
        run: sleep ${seconds}; touch ${folder}/done-${seconds}
        unless: test -e ${folder}/done-${seconds}
`

function siteFiles(upstream: Upstream, machine: TestMachine): Record<string, string> {
  const files = { 'keys/test.asc': upstream.key, 'packages.json': packageList(['alpha']) }
  return { ...files, 'larder.yaml': siteText(upstream, machine, 0) }
}

async function sealed({ client }: ControllerChild): Promise<Record<string, string>> {
  const encrypter = new Encrypter()
  encrypter.addRecipient(await client.siteRecipient())
  return { 'secrets/password.age': armor.encode(await encrypter.encrypt('correct horse')) }
}

const own = (workspace: Workspace, name: string): string => workspace.path(`${name}_1_amd64.deb`)

async function addOwn(controller: ControllerChild, workspace: Workspace, name: string): Promise<void> {
  const root = workspace.path(`${name}.build`)
  await mkdir(join(root, 'DEBIAN'), { recursive: true })
  const fields = {
    Package: name,
    Version: '1',
    Architecture: 'amd64',
    Maintainer: 'T <t@example.org>',
    Description: 'ours',
  }
  const control = Object.entries(fields).map(([key, value]) => `${key}: ${value}\n`)
  await writeFile(join(root, 'DEBIAN/control'), control.join(''))
  await execa('dpkg-deb', ['--root-owner-group', '--build', root, own(workspace, name)])
  const added = await controller.larder('mirror', 'add', 'base', own(workspace, name))
  expect(added.exitCode, added.stderr).toBe(0)
}

type Registries = Readonly<Record<'ci' | 'reader', RegistryClient>>

async function registriesOf({ url }: ControllerChild, data: string): Promise<Registries> {
  const as = async (user: string, file: string): Promise<RegistryClient> => {
    const password = (await readFile(join(data, file), 'utf8')).trim()
    const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
    return createRegistryClient(url, { authorization })
  }
  return { ci: await as('ci', 'registry-ci'), reader: await as('reader', 'passwords-of-readers') }
}

interface Pushed {
  image: PushedImage
  referrer: string
}

/** An image with two tags, and what refers to it. */
async function pushAll(ci: RegistryClient): Promise<Pushed> {
  const image = await ci.pushImage('counter', '1', 'acknowledged')
  await ci.pushManifest('counter', 'latest', image.manifest)
  const subject = {
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    digest: image.digest,
    size: image.sizeBytes,
  }
  const referrer = await ci.pushManifest('counter', 'about', { ...image.manifest, artifactType: 'a/b', subject })
  return { image, referrer }
}

/** Whatever is secret, certifies, signs, or says who somebody is: what is there, by its path. */
async function secretFiles(data: string): Promise<Record<string, string>> {
  const parts = ['keys', 'tls', 'machines/credentials', 'age-identity', 'admin-token', 'registry-ci']
  const files = [...parts, 'passwords-of-readers', 'registry-token-key'].map(async (part) => {
    const inside = await readdir(join(data, part), { recursive: true, withFileTypes: true }).catch(() => undefined)
    const found = inside?.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name))
    return found ?? [join(data, part)]
  })
  const read = (await Promise.all(files)).flat().map(async (path): Promise<[string, string]> => {
    return [path.slice(data.length + 1), await readFile(path, 'utf8')]
  })
  return Object.fromEntries((await Promise.all(read)).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** `between`: what is done when the database has been copied, and nothing after it. */
async function backUp(
  { data, backup, shims }: { data: string; backup: string; shims: string },
  between: () => Promise<void>,
): Promise<void> {
  const [copied, go] = [join(shims, 'copied'), join(shims, 'go')]
  await mkdir(shims)
  const { stdout: real } = await execa('sh', ['-c', 'command -v sqlite3'])
  const script = `#!/bin/sh
${real} "$@" || exit
: >'${copied}'
while [ ! -e '${go}' ]; do sleep 0.05; done
`
  await writeFile(join(shims, 'sqlite3'), script, { mode: 0o755 })
  const made = execa(backupProgram, [data, backup], { env: { PATH: `${shims}:${process.env['PATH']}` } })
  await Promise.race([made, waitFor('the copy of the database', async () => readFile(copied).catch(() => undefined))])
  try {
    await between()
  } finally {
    await writeFile(go, '')
  }
  await made
}

/** Other versions are published by then, and gc has removed what nothing refers to any more. */
async function overtake(controller: ControllerChild, upstream: Upstream): Promise<void> {
  for (const version of ['1.1', '1.2']) {
    upstream.suite('stable').packages[0] = { name: 'alpha', version }
    await upstream.publish()
    expect(await controller.larder('mirror', 'sync')).toMatchObject({ exitCode: 0 })
  }
  const collected = (await controller.larder('gc')).json<{ removed: number }>()
  expect(collected.removed).toBeGreaterThan(0)
}

/** As it lies there, without a run that would bring what is missing. */
async function checkFolder(data: string): Promise<void> {
  const larder = (...args: string[]) => runLarder(['--json', '--data', data, ...args])
  const report = (await larder('doctor', '--deep')).json<DoctorReport>()
  const bad = report.findings.filter(({ severity, check }) => severity === 'error' && check !== 'disk')
  // The run that was under way, which goes on when a controller is started.
  expect(bad).toMatchObject([{ check: 'runs', message: expect.stringContaining('marked as running') as string }])
  expect((await larder('mirror', 'verify', 'base')).json()).toEqual([])
}

async function checkRegistry({ ci, reader }: Registries, { image, referrer }: Pushed, upload: string): Promise<void> {
  for (const reference of ['1', 'latest', image.digest, 'about', referrer])
    expect(await reader.ask('GET', `/v2/counter/manifests/${reference}`)).toMatchObject({ status: 200 })
  expect((await reader.ask('GET', `/v2/counter/blobs/${image.layer}`)).body.toString()).toBe('acknowledged')
  expect(await reader.ask('GET', `/v2/counter/blobs/${image.config}`)).toMatchObject({ status: 200 })
  const referrers = (await reader.ask('GET', `/v2/counter/referrers/${image.digest}`)).json<{ manifests: object[] }>()
  expect(referrers.manifests).toMatchObject([{ digest: referrer }])
  // What an upload that was under way had is not in the copy: its client is to begin again.
  const digest = sha256Of('half rest')
  const ended = await ci.ask('PUT', `${upload}?digest=${digest}`, { body: Buffer.from(' rest') })
  expect([ended.status, ended.errorCode()]).toEqual([404, 'BLOB_UPLOAD_UNKNOWN'])
  await ci.pushImage('counter', '2', 'after the restore')
}

/** Pushed after the database was copied: not there. */
async function checkAbsent(ci: RegistryClient, digests: readonly string[]): Promise<void> {
  for (const digest of digests)
    expect(await ci.ask('GET', `/v2/counter/manifests/${digest}`)).toMatchObject({ status: 404 })
}

function certifiedBy(port: number, ca: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, ca }, () => {
      resolve(socket.authorized)
      socket.destroy()
    }).once('error', reject)
  })
}

/** It is known, and knows who comes; secrets are opened. */
async function checkMachine(controller: ControllerChild, { folder }: TestMachine): Promise<void> {
  await rm(join(folder, 'password'))
  const applied = await controller.larder('machine', 'apply')
  expect(applied.exitCode, applied.stderr).toBe(0)
  expect(await readFile(join(folder, 'password'), 'utf8')).toBe('correct horse')
}

/** Packages that are added while a copy is made do not take from it those that its database leads to. */
async function checkOvertaken(controller: ControllerChild, workspace: Workspace): Promise<void> {
  const backup = workspace.path('backup-2')
  await backUp({ data: workspace.path('data'), backup, shims: workspace.path('shims-2') }, async () => {
    for (const name of ['own-2', 'own-3']) await addOwn(controller, workspace, name)
  })
  const listed = (await runLarder(['--json', '--data', backup, 'mirror', 'own', 'base'])).json<{ name: string }[]>()
  const files = await readdir(join(backup, 'own/base'), { recursive: true, withFileTypes: true })
  const names = new Set(files.map((one) => one.name))
  expect(listed.map(({ name }) => names.has(`${name}_1_amd64.deb`))).toEqual(listed.map(() => true))
  expect(listed.map(({ name }) => name)).toContain('own-1')
}
