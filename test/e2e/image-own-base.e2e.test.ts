import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { hostArchitecture, hostSuite } from '../../src/apt/index.ts'
import { startController, type RunningController } from '../../src/app/controller-process.ts'
import type { RunDetail } from '../../src/app/controller.ts'
import { dataFolderAt } from '../../src/app/data-folder.ts'
import { systemClock } from '../../src/core/index.ts'
import { createBuildahBuilder } from '../../src/oci/build/buildah.ts'
import { requestOf } from '../../src/oci/build/image-builder.contract.ts'
import { hasAptSources } from './support/apt-sources.ts'
import { freePort } from './support/free-port.ts'
import { createSiteClone, type SiteClone } from './support/site-clone.ts'
import { packageList } from './support/site-text.ts'
import { openWorkspace, type Workspace } from './support/workspace.ts'

const docs = new URL('../../docs/images.md', import.meta.url)

let workspace: Workspace
let controller: RunningController
let site: SiteClone
/** As builders on this host reach the registry, and as clients name it. */
let hosts: { own: string; public: string }

/** Nobody pulls here without a login. */
beforeAll(async () => {
  workspace = await openWorkspace()
  const port = await freePort()
  hosts = { own: `localhost:${port}`, public: `127.0.0.1:${port}` }
  await mkdir(workspace.path('data'))
  await writeFile(
    workspace.path('data/controller.yaml'),
    `registry: { anonymousPull: false, publicHost: '${hosts.public}' }\n`,
  )
  controller = await startController({
    dataFolder: dataFolderAt(workspace.path('data'), {}),
    clock: systemClock,
    logLevel: 'error',
    environment: process.env,
    host: '127.0.0.1',
    port: 0,
    tls: { host: '127.0.0.1', port },
  })
  await mkdir(workspace.path('trusted'))
  await writeFile(workspace.path('trusted/ca.crt'), await (await fetch(`${controller.url}/keys/ca.crt`)).text())
  site = await createSiteClone(workspace.path('site'))
  await mkdir(`${site.folder}/counter`)
  await copyFile('/bin/busybox', `${site.folder}/counter/busybox`)
})
afterAll(async () => {
  await controller.stop()
  await workspace[Symbol.asyncDispose]()
})

/** Answers the run that followed. */
async function push(files: Record<string, string>): Promise<RunDetail> {
  await site.commit(files)
  const pushed = await site.push(controller)
  expect(pushed, pushed.output).toMatchObject({ accepted: true })
  await controller.larder.context.runner.idle()
  const [run] = await controller.larder.controller.runs({ limit: 1 })
  return controller.larder.controller.run(run!.id)
}

const image = (name: string, version: string, more: object = {}) => ({
  service_name: name,
  type: 'Docker',
  version,
  ...more,
})
const shell = 'FROM scratch\nCOPY busybox /bin/sh\nCOPY busybox /bin/busybox\n'

async function pushLayout(layout: string, name: string): Promise<void> {
  const login = `--dest-creds=admin:${controller.token}`
  const copy = ['copy', '--insecure-policy', `--dest-cert-dir=${workspace.path('trusted')}`, login]
  await execa('skopeo', [...copy, `oci:${layout}`, `docker://${hosts.own}/${name}`])
}

it('an image stands on others of this registry, by each of its names, though nobody pulls there without a login', async () => {
  const first = await push({
    'larder.yaml': 'site: factory\nimages: { list: images.json }\n',
    'images.json': JSON.stringify([image('counter', '1.0')]),
    'counter/Dockerfile': shell,
  })
  expect(first, first.error?.message).toMatchObject({ state: 'succeeded' })
  const nobody = await execa('skopeo', ['inspect', `--cert-dir=${workspace.path('trusted')}`, `docker://${hosts.own}/counter:1.0`], { reject: false }) // prettier-ignore
  expect(nobody.stderr).toMatch(/unauthorized|authentication required/i)
  for (const [index, network] of (['host', 'none'] as const).entries()) {
    const run = await push({
      'images.json': JSON.stringify([image('counter', '1.0'), image('upper', `1.${index}`, { network })]),
      'upper/Dockerfile': `FROM ${hosts.own}/counter:1.0 AS made\nRUN echo ${network} > /made\nFROM ${hosts.public}/counter:1.0\nCOPY --from=made /made /made\n`,
    })
    expect(run, run.error?.message).toMatchObject({ state: 'succeeded' })
  }
  const { digest } = (await controller.larder.controller.image('counter')).versions[0]!
  const [build] = await controller.larder.context.images.builds.list('upper', 1)
  const names = [`${hosts.own}/counter:1.0`, `${hosts.public}/counter:1.0`]
  expect(build?.detail.baseImages).toEqual(names.map((name) => ({ name, digest })))
})

it('packages of a build come from a mirror of this site, as the documentation writes it', async (context) => {
  if (!(await hasAptSources())) context.skip('this host has no APT sources to mirror')
  const suite = await hostSuite()
  const archive = workspace.path('system.tar')
  await execa('mmdebstrap', ['--variant=minbase', suite, archive], { stdin: 'ignore' })
  const system = { Dockerfile: 'FROM scratch\nADD system.tar /\n', 'system.tar': await readFile(archive) }
  const request = await requestOf(workspace.folder, system)
  await createBuildahBuilder().build(request)
  await pushLayout(request.outputFolder, 'base/debian:12')
  const lines = /```dockerfile\n(ARG LARDER_MIRROR_BASE\n[^`]+)```/.exec(await readFile(docs, 'utf8'))?.[1]
  if (lines === undefined) throw new Error('docs/images.md has no such Dockerfile')
  const run = await push({
    'larder.yaml': `site: factory
images: { list: images.json }
upstreams:
  debian: { format: apt, from: system }
mirrors:
  base:
    format: apt
    upstreams: [debian]
    suite: ${suite}
    architectures: [${await hostArchitecture()}]
    packages: packages.json
`,
    'packages.json': packageList(['hello']),
    'images.json': '[]',
  })
  expect(run, run.error?.message).toMatchObject({ state: 'succeeded' })
  const built = await push({
    'images.json': JSON.stringify([image('greeter', '1.0', { mirrors: ['base'] })]),
    'greeter/Dockerfile': `FROM ${hosts.own}/base/debian:12\n${lines.replace('nginx-light', 'hello')}RUN hello && ls /var/lib/apt/lists\n`,
  })
  const said = (await controller.larder.controller.runLog(built.id)).map(({ message }) => message)
  expect(built, said.join('\n')).toMatchObject({ state: 'succeeded' })
  expect(said).toContain('greeter: Hello, world!')
  const lists = said.filter((line) => line.endsWith('_InRelease'))
  expect(lists).toEqual([expect.stringContaining('_apt_base_')])
})
