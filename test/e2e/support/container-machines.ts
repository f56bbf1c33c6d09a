import { execa } from 'execa'
import { expect } from 'vitest'
import { silentProgress, systemClock } from '../../../src/core/index.ts'
import { createContainerPlace } from '../../../src/fleet/place/container/container-place.ts'
import { containerName } from '../../../src/fleet/place/container/container-report.ts'
import { openFleetCredentials } from '../../../src/fleet/place/credentials.ts'
import { makingPlaceContract } from '../../../src/fleet/place/place.contract.ts'
import type { MachineSpec } from '../../../src/fleet/place/place.ts'
import { startDockerEngine } from './docker-engine.ts'
import { machineBase } from './machine-base.ts'
import { openWorkspace } from './workspace.ts'

/** One that machines of a test live in. */
export interface TestEngine extends AsyncDisposable {
  /** Where the Docker engine listens; where nobody does, it is podman. */
  readonly dockerHost: string
  run(...args: string[]): Promise<{ stdout: string }>
}

export async function dockerEngine(folder: string): Promise<TestEngine> {
  const engine = await startDockerEngine(folder)
  return {
    dockerHost: engine.host,
    run: (...args) => execa('docker', ['--host', engine.host, ...args], { stdin: 'ignore' }),
    [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
  }
}

/** A place of containers, and the first machine that may live there; `subnet` is the first three numbers of its addresses. */
export async function openContainerMachines(
  {
    site,
    subnet,
    makeBase = machineBase,
  }: { site: string; subnet: string; makeBase?: () => ReturnType<typeof machineBase> },
  openEngine: (folder: string) => Promise<TestEngine>,
) {
  const workspace = await openWorkspace()
  const base = await makeBase()
  if (base === undefined) throw new Error('this host has no APT sources to make a machine from')
  const engine = await openEngine(workspace.path('engine'))
  const credentials = await openFleetCredentials(workspace.path('machines'))
  const reach = { credentials, controlFolder: workspace.path('c'), clock: systemClock }
  const place = createContainerPlace({ dockerHost: engine.dockerHost, reach })
  const network = { network: 'lan', prefixLength: 24, gateway: `${subnet}.1` }
  const machine: MachineSpec = {
    name: 'web-1',
    site,
    addresses: [{ ...network, address: `${subnet}.11` }],
    identity: 'one',
    base,
    memoryMiB: 256,
    cpus: 1,
  }
  return {
    place,
    credentials,
    machine,
    engine,
    network,
    workspace,
    elsewhere: { ...machine, addresses: [{ ...network, address: `${subnet}.12` }] },
    // Each, whichever of the others fails: bridges of this host outlive the engine.
    async [Symbol.asyncDispose]() {
      await using ending = new AsyncDisposableStack()
      ending.use(workspace)
      ending.use(engine)
      ending.defer(async () => {
        await engine.run('network', 'prune', '--force')
      })
      ending.defer(async () => {
        const { stdout } = await engine.run('ps', '--all', '--quiet')
        if (stdout !== '') await engine.run('rm', '--force', ...stdout.split('\n'))
      })
      ending.defer(() => place.host(machine).close())
    },
  }
}

/** What every engine must do with machines. */
export function containerPlaceContract(open: () => ReturnType<typeof openContainerMachines>): void {
  makingPlaceContract(async () => {
    const opened = await open()
    const { engine, machine, place, credentials } = opened
    const foreign = { ...machine, name: 'theirs', addresses: [] }
    await engine.run('import', machine.base?.path ?? '', 'theirs:1')
    await engine.run('create', '--name', containerName(foreign), 'theirs:1', '/bin/true')
    const statusOf = async (name: string) => (await engine.run('inspect', '--format', '{{.State.Status}}', name)).stdout
    return {
      ...opened,
      foreign,
      another: { ...machine, identity: 'two' },
      async stop() {
        await engine.run('kill', containerName(machine))
      },
      isForeignThere: async () => (await statusOf(containerName(foreign))) === 'created',
      async beginHalf() {
        const control = new AbortController()
        const line = (message: string): void => {
          if (message.endsWith('starts')) control.abort()
        }
        const begun = place.bringUp(machine, {
          credentials: await credentials.of(machine.name),
          progress: { ...silentProgress, log: line },
          signal: control.signal,
        })
        await expect(begun).rejects.toMatchObject({ code: 'CANCELLED' })
        expect(await place.observe(machine)).toBe('stopped')
      },
    }
  })
}
