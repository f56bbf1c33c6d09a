import { chmod, copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startController, type RunningController } from '../../../src/app/controller-process.ts'
import { dataFolderAt } from '../../../src/app/data-folder.ts'
import type { RunDetail } from '../../../src/app/controller.ts'
import { systemClock } from '../../../src/core/index.ts'
import { bridgeName } from '../../../src/fleet/network/bridge.ts'
import { startUpstream, type Upstream } from '../../fixtures/upstream/index.ts'
import { freePort } from './free-port.ts'
import { machineBase } from './machine-base.ts'
import { createSiteClone, type SiteClone } from './site-clone.ts'
import { startSiteEngine } from './site-engine.ts'
import { larderYaml, packageList } from './site-text.ts'
import { waitForRuns } from './wait-for-run.ts'
import { openWorkspace } from './workspace.ts'

export interface ServiceSite extends AsyncDisposable {
  controller: RunningController
  /** Of the controller. */
  dataFolder: string
  /** Where nobody pulls without a login, as machines reach it. */
  registry: string
  /** Pushes these sections beside those of the mirror and the network; answers the run of it. */
  apply(sections: object, files?: Readonly<Record<string, string>>): Promise<RunDetail>
  /** What a command prints on a machine. */
  on(machine: string, ...command: string[]): Promise<string>
}

export interface ServiceSiteOptions {
  /** Of the site. */
  name: string
  /** The first three numbers of its addresses. */
  subnet: string
}

/** Machines of all such sites begin with these: a base is made once. For balancers, images and units behind them, and who builds images. */
const packages: readonly string[] = [
  'haproxy',
  'socat',
  'podman',
  'crun',
  'ca-certificates',
  'busybox',
  'git',
  'curl',
  'buildah',
  'skopeo',
]

/**
 * A whole site whose machines are containers of an engine of its own, and whose registry nobody pulls from without a login. Its
 * machines begin with what tests keep for that, whatever its mirror has. Undefined where this host has no APT sources.
 */
export async function openServiceSite(options: ServiceSiteOptions): Promise<ServiceSite | undefined> {
  const { name, subnet } = options
  const base = await machineBase(packages)
  if (base === undefined) return undefined
  await using ending = new AsyncDisposableStack()
  const workspace = ending.use(await openWorkspace())
  const docker = await startSiteEngine(ending, {
    folder: workspace.path('engine'),
    bridge: bridgeName(name, 'default'),
  })
  const upstream = await startUpstream({ suites: [{ suite: 'stable', packages: [{ name: 'hello', version: '1.0' }] }] })
  ending.defer(() => upstream.close())
  const registry = `${subnet}.1:${await freePort()}`
  const controller = await startWithRegistry(workspace.path('data'), registry)
  ending.defer(async () => {
    await controller.larder.stopWork()
    await controller.larder.context.fleet.network.stop()
    await controller.stop()
  })
  controller.larder.context.fleet.options.base = () => Promise.resolve(base)
  const clone = await createSiteClone(workspace.path('site'))
  const opened = ending.move()
  return {
    controller,
    dataFolder: workspace.path('data'),
    registry,
    async apply(sections, files = {}) {
      const network = { subnet: `${subnet}.0/24`, gateway: `${subnet}.1` }
      await commit(clone, { upstream, text: { ...sections, site: name, network }, files })
      const { accepted, output } = await clone.push(controller)
      if (!accepted) throw new Error(`the push was refused:\n${output}`)
      return waitForRuns(controller.larder.controller, 600_000)
    },
    on: (machine, ...command) => docker('exec', `larder-${name}-${machine}`, ...command),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

async function startWithRegistry(dataFolder: string, registry: string): Promise<RunningController> {
  const [host = '', port = ''] = registry.split(':')
  const tls = { listen: `0.0.0.0:${port}`, names: [host] }
  await mkdir(dataFolder, { mode: 0o750 })
  const users = [{ name: 'ci', push: ['built'] }]
  const config = { tls, registry: { publicHost: registry, anonymousPull: false, users } }
  await writeFile(join(dataFolder, 'controller.yaml'), JSON.stringify(config))
  return startController({
    dataFolder: dataFolderAt(dataFolder, {}),
    clock: systemClock,
    logLevel: 'error',
    environment: process.env,
    host: '0.0.0.0',
    port: 0,
  })
}

/** With busybox for the images of the site, and a mirror for its machines to name. */
async function commit(
  clone: SiteClone,
  { upstream, text, files }: { upstream: Upstream; text: object; files: Readonly<Record<string, string>> },
): Promise<void> {
  await mkdir(join(clone.folder, 'counter'), { recursive: true })
  await copyFile('/bin/busybox', join(clone.folder, 'counter/busybox'))
  await chmod(join(clone.folder, 'counter/busybox'), 0o755)
  const mirror = larderYaml({ test: upstream.url }, { base: {} }).replace(/^site: .*\n/, '')
  const sections = Object.entries(text).map(([section, value]) => `${section}: ${JSON.stringify(value)}\n`)
  await clone.commit({
    ...files,
    'larder.yaml': `${sections.join('')}${mirror}`,
    'keys/test.asc': upstream.key,
    'packages.json': packageList(['hello']),
  })
}
