import { readFileSync, statSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startController } from '../../../src/app/controller-process.ts'
import { dataFolderAt } from '../../../src/app/data-folder.ts'
import type { Controller, RunDetail } from '../../../src/app/controller.ts'
import { systemClock } from '../../../src/core/index.ts'
import { bridgeName } from '../../../src/fleet/network/bridge.ts'
import { openFleetCredentials, type FleetCredentials } from '../../../src/fleet/place/credentials.ts'
import { makeRpmDistribution } from '../../fixtures/rpm-distribution/index.ts'
import { startFileServer, type ServedFile } from '../../fixtures/upstream/index.ts'
import { machineBase } from './machine-base.ts'
import { createSiteClone } from './site-clone.ts'
import { startSiteEngine } from './site-engine.ts'
import { waitForRuns } from './wait-for-run.ts'
import { openWorkspace } from './workspace.ts'

export interface RpmMachinesOptions {
  /** Of the site, and of its mirror. */
  name: string
  /** The first three numbers of its addresses. */
  subnet: string
  /** Of Debian, in the distribution, besides what every machine needs. */
  packages: readonly string[]
}

/** A site with the mirror of a distribution of RPM packages, and machines that are made from that alone. */
export interface RpmMachines extends AsyncDisposable {
  controller: Controller
  /** Pushes the list of the mirror, these sections, mirrors and upstreams beside its own, and files; answers the run of it. */
  apply(list: readonly string[], sections: Sections, files?: Readonly<Record<string, string>>): Promise<RunDetail>
  /** What a command prints on a machine that is a container. */
  on(machine: string, ...command: string[]): Promise<string>
  /** Of the engine that its machines live in. */
  docker(...args: string[]): Promise<string>
  /** By which Larder is known to hosts, and they to Larder. */
  credentials: FleetCredentials
}

interface Sections {
  machines: object
  mirrors?: object
  upstreams?: object
}

/** Undefined where this host has no APT sources to make a distribution from. */
export async function openRpmMachines(options: RpmMachinesOptions): Promise<RpmMachines | undefined> {
  const { name, subnet, packages } = options
  const base = await machineBase(['dnf', 'rpm', ...packages])
  if (base === undefined) return undefined
  const distribution = await makeRpmDistribution(base)
  await using ending = new AsyncDisposableStack()
  const workspace = ending.use(await openWorkspace())
  const docker = await startSiteEngine(ending, {
    folder: workspace.path('engine'),
    bridge: bridgeName(name, 'default'),
  })
  const upstream = await startFileServer((path) => readServed(join(distribution, path)))
  ending.defer(() => upstream.close())
  const controller = await startOpenController(workspace.path('data'))
  const { larder } = controller
  ending.defer(async () => {
    await larder.stopWork()
    await larder.context.fleet.network.stop()
    await controller.stop()
  })
  const clone = await createSiteClone(workspace.path('site'))
  const credentials = await openFleetCredentials(join(workspace.path('data'), 'machines/credentials'))
  const opened = ending.move()
  return {
    controller: larder.controller,
    async apply(list, { machines, ...more }, files = {}) {
      const network = { subnet: `${subnet}.0/24`, gateway: `${subnet}.1`, dns: {} }
      const rest = { site: name, network, ...mirrorSections(name, upstream.url, more), machines }
      await clone.commit({
        'larder.yaml': Object.entries(rest)
          .map(([section, value]) => `${section}: ${JSON.stringify(value)}\n`)
          .join(''),
        'keys/vendor.asc': await readFile(join(distribution, 'vendor.asc'), 'utf8'),
        'packages.json': `${JSON.stringify(list)}\n`,
        ...files,
      })
      const { accepted, output } = await clone.push(controller)
      if (!accepted) throw new Error(`the push was refused:\n${output}`)
      return waitForRuns(larder.controller, 600_000)
    },
    docker,
    on: (machine, ...command) => docker('exec', `larder-${name}-${machine}`, ...command),
    credentials,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

function mirrorSections(name: string, url: string, more: Omit<Sections, 'machines'>): object {
  const own = { format: 'rpm', upstreams: ['vendor'], architectures: ['x86_64'], packages: 'packages.json' }
  return {
    upstreams: { vendor: { format: 'rpm', url, keys: ['keys/vendor.asc'] }, ...more.upstreams },
    mirrors: { [name]: own, ...more.mirrors },
  }
}

/** Machines reach it at the gateway of their network. */
async function startOpenController(dataFolder: string) {
  await mkdir(dataFolder, { mode: 0o750 })
  // What drifts is told of by the next look that a test asks for.
  await writeFile(join(dataFolder, 'controller.yaml'), 'machines: { lookMinutes: 0 }\n')
  return startController({
    dataFolder: dataFolderAt(dataFolder, {}),
    clock: systemClock,
    logLevel: 'error',
    environment: process.env,
    host: '0.0.0.0',
    port: 0,
  })
}

function readServed(path: string): ServedFile | undefined {
  const found = statSync(path, { throwIfNoEntry: false })
  return found?.isFile() === true ? { bytes: readFileSync(path), modifiedAt: found.mtime } : undefined
}
