import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startController, type RunningController } from '../../src/app/controller-process.ts'
import type { RunDetail } from '../../src/app/controller.ts'
import { dataFolderAt } from '../../src/app/data-folder.ts'
import { systemClock } from '../../src/core/index.ts'
import { createSiteClone, type SiteClone } from './support/site-clone.ts'
import { openWorkspace, type Workspace } from './support/workspace.ts'

const platforms = ['linux/amd64', 'linux/arm64', 'linux/arm/v7']
const page = 'FROM scratch\nARG TARGETPLATFORM\nCOPY page /page\nENV FOR=$TARGETPLATFORM\n'
let workspace: Workspace
let controller: RunningController
let site: SiteClone
let registry = ''

const start = (folder: string) =>
  startController({
    dataFolder: dataFolderAt(workspace.path(folder), {}),
    clock: systemClock,
    logLevel: 'error',
    environment: process.env,
    host: '127.0.0.1',
    port: 0,
    publicUrl: 'https://larder.example.org',
    tls: { host: '127.0.0.1', port: 0 },
  })

beforeAll(async () => {
  workspace = await openWorkspace()
  controller = await start('data')
  registry = new URL(controller.tlsUrl ?? '').host.replace('127.0.0.1', 'localhost')
  await mkdir(workspace.path('trusted'))
  await writeFile(workspace.path('trusted/ca.crt'), await (await fetch(`${controller.url}/keys/ca.crt`)).text())
  site = await createSiteClone(workspace.path('site'))
})
afterAll(async () => {
  await controller.stop()
  await workspace[Symbol.asyncDispose]()
})

/** Answers the run that followed. */
async function push(files: Record<string, string>, to: RunningController = controller): Promise<RunDetail> {
  await site.commit({ 'larder.yaml': 'site: factory\nimages: { list: images.json }\n', ...files })
  const pushed = await site.push(to)
  expect(pushed, pushed.output).toMatchObject({ accepted: true })
  await to.larder.context.runner.idle()
  const [run] = await to.larder.controller.runs({ limit: 1 })
  return to.larder.controller.run(run!.id)
}

const counter = (version: string, more: object, dockerfile = page) => ({
  'images.json': JSON.stringify([{ service_name: 'counter', type: 'Docker', version, ...more }]),
  'counter/Dockerfile': dockerfile,
  'counter/page': 'counting',
})

const skopeo = (...args: string[]) => execa('skopeo', args)
const trusted = () => `--cert-dir=${workspace.path('trusted')}`
const image = (version: string) => `docker://${registry}/counter:${version}`
const digestOf = async (to: RunningController) => (await to.larder.controller.image('counter')).versions[0]!.digest

it('one tag, and each client gets the image of its own platform', async () => {
  const run = await push(counter('1.0', { platforms }))
  expect(run, run.error?.message).toMatchObject({ state: 'succeeded' })
  const { versions } = await controller.larder.controller.image('counter')
  expect(versions).toMatchObject([{ version: '1.0', platforms: ['linux/amd64', 'linux/arm/v7', 'linux/arm64'] }])
  for (const platform of platforms) {
    const [, architecture = '', variant] = platform.split('/')
    const chosen = [
      `--override-arch=${architecture}`,
      ...(variant === undefined ? [] : [`--override-variant=${variant}`]),
    ]
    const { stdout } = await skopeo(...chosen, 'inspect', trusted(), '--config', image('1.0'))
    const found = { architecture, os: 'linux', ...(variant === undefined ? {} : { variant }) }
    expect(JSON.parse(stdout)).toMatchObject({ ...found, config: { Env: expect.arrayContaining([`FOR=${platform}`]) as string[] } }) // prettier-ignore
    const copy = workspace.path(`copy-${architecture}`)
    await skopeo('--insecure-policy', ...chosen, 'copy', `--src-cert-dir=${workspace.path('trusted')}`, image('1.0'), `dir:${copy}`) // prettier-ignore
    expect(await readFile(`${copy}/manifest.json`, 'utf8')).toContain('"layers"')
  }
  const all = workspace.path('copy-all')
  await skopeo('--insecure-policy', 'copy', '--all', `--src-cert-dir=${workspace.path('trusted')}`, image('1.0'), `oci:${all}`) // prettier-ignore
})

it('verify reads each image, and the badge is as of any other', async () => {
  expect(await controller.larder.controller.verifyImage('counter', '1.0')).toEqual([])
  expect(await (await fetch(`${controller.url}/badge/counter.json`)).json()).toMatchObject({ message: '1.0' })
})

it('the same commit elsewhere is the same index', async () => {
  const other = await start('other')
  try {
    const pushed = await site.push(other)
    expect(pushed, pushed.output).toMatchObject({ accepted: true })
    await other.larder.context.runner.idle()
    expect(await digestOf(other)).toBe(await digestOf(controller))
  } finally {
    await other.stop()
  }
})

it('programs of a processor that this host does not have are refused at their line, and doctor tells what is missing', async () => {
  await copyFile('/bin/busybox', `${site.folder}/counter/busybox`)
  const shell = 'FROM scratch\nCOPY busybox /bin/sh\nRUN echo made > /made\n'
  const run = await push(counter('1.1', { platforms: ['linux/amd64', 'linux/none'] }, shell))
  expect(run).toMatchObject({
    state: 'failed',
    error: { code: 'BUILD_PLATFORM_UNSUPPORTED', hint: expect.stringMatching(/qemu-user-static/) as string },
    problems: [{ file: 'counter/Dockerfile', line: 3 }],
  })
  const { findings } = await controller.larder.controller.doctor({ fix: false, deep: false })
  expect(findings.filter(({ subject }) => subject === 'image counter').map(({ message }) => message)).toEqual([
    expect.stringContaining('this host runs no programs for linux/none'),
    expect.stringContaining('The last build of 1.1 failed'),
  ])
  const native = shell.replace('FROM scratch', 'FROM --platform=$BUILDPLATFORM scratch AS made')
  const dockerfile = `${native}FROM scratch\nCOPY --from=made /made /made\n`
  expect(await push(counter('1.2', { platforms }, dockerfile))).toMatchObject({ state: 'succeeded' })
})
