import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startController, type RunningController } from '../../src/app/controller-process.ts'
import type { RunSummary } from '../../src/app/controller.ts'
import { dataFolderAt } from '../../src/app/data-folder.ts'
import { systemClock } from '../../src/core/index.ts'
import { startUpstream } from '../fixtures/upstream/index.ts'
import { createSiteClone, type SiteClone } from './support/site-clone.ts'
import { larderYaml, packageList } from './support/site-text.ts'
import { openWorkspace, type Workspace } from './support/workspace.ts'

let workspace: Workspace
let controller: RunningController
let site: SiteClone
let registry = ''

beforeAll(async () => {
  workspace = await openWorkspace()
  controller = await startController({
    dataFolder: dataFolderAt(workspace.path('data'), {}),
    clock: systemClock,
    logLevel: 'error',
    environment: process.env,
    host: '127.0.0.1',
    port: 0,
    tls: { host: '127.0.0.1', port: 0 },
  })
  registry = new URL(controller.tlsUrl ?? '').host.replace('127.0.0.1', 'localhost')
  await mkdir(workspace.path('trusted'))
  await writeFile(workspace.path('trusted/ca.crt'), await (await fetch(`${controller.url}/keys/ca.crt`)).text())
  site = await createSiteClone(workspace.path('site'))
  await mkdir(`${site.folder}/counter`)
  await copyFile('/bin/busybox', `${site.folder}/counter/busybox`)
  await site.commit({
    'larder.yaml': 'site: factory\nimages: { list: images.json, on: { branch: develop } }\n',
    ...counter('1.0'),
  })
  expect(await site.push(controller)).toMatchObject({ accepted: true })
})
afterAll(async () => {
  await controller.stop()
  await workspace[Symbol.asyncDispose]()
})

function counter(
  version: string,
  instruction = 'RUN ["/bin/busybox", "true"]',
  more: object = {},
): Record<string, string> {
  const entry = { service_name: 'counter', type: 'Docker', version, ...more }
  return {
    'images.json': `${JSON.stringify([entry], undefined, 1)}\n`,
    'counter/Dockerfile': `FROM scratch\nCOPY busybox /bin/busybox\n${instruction}\nCMD ["/bin/busybox", "echo", "counting"]\n`,
  }
}

/** Answers the run that followed. */
async function pushDevelop(files: Record<string, string>): Promise<RunSummary> {
  await site.commit(files)
  const pushed = await site.push(controller, 'develop')
  expect(pushed, pushed.output).toMatchObject({ accepted: true })
  await controller.larder.context.runner.idle()
  const [run] = await controller.larder.controller.runs({ limit: 1 })
  return run!
}

const skopeo = (...args: string[]) => execa('skopeo', args, { reject: false })
const trusted = (which: string) => `--${which}cert-dir=${workspace.path('trusted')}`
const digestOf = async (version: string): Promise<string> => {
  const { stdout } = await skopeo(
    'inspect',
    trusted(''),
    '--format={{.Digest}}',
    `docker://${registry}/counter:${version}`,
  )
  return stdout.trim()
}
const badge = async (): Promise<unknown> => (await fetch(`${controller.url}/badge/counter.json`)).json()

it('main builds nothing of what develop is for', async () => {
  const [run] = await controller.larder.controller.runs({ limit: 1 })
  await controller.larder.context.runner.idle()
  expect(run).toMatchObject({ branch: 'main' })
  expect(await controller.larder.controller.images()).toEqual([])
  expect(await badge()).toMatchObject({ message: 'unknown' })
})

it('what is pushed to develop is built, in the registry over TLS, proved and on the badge', async () => {
  expect(await pushDevelop(counter('1.0'))).toMatchObject({ branch: 'develop', state: 'succeeded' })
  const { stdout } = await skopeo('inspect', trusted(''), '--config', `docker://${registry}/counter:1.0`)
  const { config } = JSON.parse(stdout) as { config: { Cmd: string[]; Labels: Record<string, string> } }
  expect(config.Cmd).toEqual(['/bin/busybox', 'echo', 'counting'])
  expect(config.Labels['org.opencontainers.image.revision']).toBe(await site.git('rev-parse', 'HEAD'))
  expect(await badge()).toMatchObject({ message: '1.0' })
  const image = await controller.larder.controller.image('counter')
  expect(image.proofs.map(({ artifactType }) => artifactType).sort()).toEqual([
    'application/spdx+json',
    'application/vnd.dev.cosign.artifact.sig.v1+json',
    'application/vnd.dsse.envelope.v1+json',
  ])
  expect(await controller.larder.controller.verifyImage('counter', '1.0')).toEqual([])
  const metrics = await (await fetch(`${controller.url}/metrics`)).text()
  expect(metrics).toMatch(/^larder_image_builds_total\{outcome="built"\} 1$/m)
  expect(metrics).toMatch(/^larder_image_build_seconds_total\{outcome="built"\} 0*[1-9.]/m)
})

it('what an image is not built of builds nothing, and another version of the same is the same image', async () => {
  const run = await pushDevelop({ 'README.md': 'words' })
  expect((await controller.larder.controller.run(run.id)).plan).toEqual([])
  expect(await pushDevelop(counter('1.0.1'))).toMatchObject({ state: 'succeeded' })
  expect(await digestOf('1.0.1')).toBe(await digestOf('1.0'))
})

it('a failure names the line, turns the badge, and leaves the last good image', async () => {
  const before = await digestOf('1.0.1')
  const run = await pushDevelop(counter('1.1', 'RUN ["/bin/busybox", "false"]'))
  expect(run).toMatchObject({ state: 'failed', error: { code: 'BUILD_FAILED' } })
  expect(run.error?.message).toMatch(/^counter\/Dockerfile:3: RUN /)
  const { problems } = await controller.larder.controller.run(run.id)
  expect(problems).toMatchObject([{ file: 'counter/Dockerfile', line: 3 }])
  expect(await badge()).toMatchObject({ message: 'failing' })
  expect(await digestOf('1.0.1')).toBe(before)
  expect((await skopeo('inspect', trusted(''), `docker://${registry}/counter:1.1`)).exitCode).not.toBe(0)
})

it('secrets that a build prints are in nothing that is told of it', async () => {
  const { token } = controller
  const encoded = Buffer.from(token).toString('base64')
  const print = `echo ${token} ${encoded}; echo x${token}x >&2; exit 3`
  const run = await pushDevelop(counter('1.2', `RUN ["/bin/busybox", "sh", "-c", "${print}"]`))
  expect(run).toMatchObject({ state: 'failed', error: { code: 'BUILD_FAILED' } })
  const { runLog, run: detail, image } = controller.larder.controller
  const told = JSON.stringify([await runLog(run.id), await detail(run.id), await image('counter')])
  expect(told).toContain('[redacted]')
  expect(told).not.toContain(token)
  expect(told).not.toContain(encoded.replace(/=+$/, ''))
})

it('a version that was built is not built of other content, and nobody pushes over it', async () => {
  await site.commit(counter('1.0', 'RUN ["/bin/busybox", "echo", "other"]'))
  const refused = await site.push(controller, 'develop')
  expect(refused.accepted).toBe(false)
  expect(refused.output).toMatch(/counter 1\.0 was built of other content: Dockerfile changed/)
  const from = `docker://${registry}/counter:1.0`
  const credentials = `--dest-creds=admin:${controller.token}`
  const other = ['copy', '--format=v2s2', trusted('src-'), trusted('dest-'), credentials, from]
  const pushed = await skopeo(...other, `docker://${registry}/counter:1.0.1`)
  expect(pushed.stderr).toMatch(/is sha256:[0-9a-f]{64} and stays so/)
  expect((await skopeo(...other, `docker://${registry}/counter:mine`)).exitCode).toBe(0)
})

it('a mutable version may change', async () => {
  const mutable = { mutable: true }
  expect(await pushDevelop(counter('edge', 'RUN ["/bin/busybox", "true"]', mutable))).toMatchObject({
    state: 'succeeded',
  })
  const before = await digestOf('edge')
  const changed = counter('edge', 'COPY busybox /bin/other', mutable)
  expect(await pushDevelop(changed)).toMatchObject({ state: 'succeeded' })
  expect(await digestOf('edge')).not.toBe(before)
  expect(await badge()).toMatchObject({ message: 'edge' })
})

it('a new key signs beside the old one, and what was signed before stays good', async () => {
  const { token } = controller
  const rotated = await fetch(`${controller.url}/api/v1/images/rotate-key`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
  })
  expect(await rotated.json()).toMatchObject([{ fingerprint: expect.any(String) as string }, { retiresAt: expect.any(String) as string }]) // prettier-ignore
  expect(await controller.larder.controller.verifyImage('counter', '1.0')).toEqual([])
  const keys = await (await fetch(`${controller.url}/keys/images.pub`)).text()
  expect(keys.match(/BEGIN PUBLIC KEY/g)).toHaveLength(2)
})

it('a build can be made a client of a mirror of the site', async () => {
  const suites = [{ suite: 'stable', packages: [{ name: 'alpha', version: '1.0' }] }]
  await using upstream = asDisposable(await startUpstream({ suites }))
  const mirrored = larderYaml({ test: upstream.value.url }, { base: {} })
  const images = 'images: { list: images.json, on: { branch: develop } }\n'
  const look = `printf %s \\"$LARDER_MIRROR_BASE\\" | busybox grep -q ^URIs:.*/apt/base/`
  const from = {
    ...counter('2.0', `ARG LARDER_MIRROR_BASE\nENV PATH=/bin\nRUN ["/bin/busybox", "sh", "-c", "${look}"]`),
  }
  const entry = { service_name: 'counter', type: 'Docker', version: '2.0', mirrors: ['base'] }
  await site.commit({
    ...from,
    'larder.yaml': `${mirrored}${images}`,
    'keys/test.asc': upstream.value.key,
    'packages.json': packageList(['alpha']),
    'images.json': JSON.stringify([{ ...entry, mirrors: ['bse'] }]),
  })
  expect((await site.push(controller)).output).toMatch(/images\.json:1:\d+: there is no mirror "bse"/)
  await site.commit({ 'images.json': JSON.stringify([entry]) })
  const pushed = await site.push(controller)
  expect(pushed.accepted, pushed.output).toBe(true)
  await controller.larder.context.runner.idle()
  const run = await pushDevelop({ 'README.md': 'with a mirror' })
  expect(run, run.error?.message).toMatchObject({ branch: 'develop', state: 'succeeded' })
})

function asDisposable<T extends { close(): Promise<void> }>(value: T): AsyncDisposable & { value: T } {
  return { value, [Symbol.asyncDispose]: () => value.close() }
}
