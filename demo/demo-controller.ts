// The controller of a demo, and what it makes on this host.
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { startController, type RunningController, type StartControllerOptions } from '../src/app/controller-process.ts'
import { dataFolderAt } from '../src/app/data-folder.ts'
import { systemClock } from '../src/core/index.ts'
import { startDockerEngine, type DockerEngine } from '../test/e2e/support/docker-engine.ts'
import type { Demo } from './demo.ts'
import { endMachineEngine } from './former-demos.ts'

export interface DemoControllerOptions extends Pick<StartControllerOptions, 'tls' | 'configFile'> {
  /** Below that of the demo. Default: data. */
  dataFolder?: string
  /** Default: that of the demo. */
  environment?: NodeJS.ProcessEnv
  /** Default: nobody but this host. */
  host?: '127.0.0.1' | '0.0.0.0'
}

/** On a port that is free. It ends its work before what that has made is removed, which nobody shall make again. */
export function startDemoController(
  demo: Demo,
  { dataFolder = 'data', host = '127.0.0.1', ...options }: DemoControllerOptions = {},
): Promise<RunningController> {
  const common = { clock: systemClock, logLevel: 'warn', environment: process.env, port: 0 } as const
  const folder = dataFolderAt(join(demo.folder, dataFolder), {})
  return demo.use(
    () => startController({ ...common, dataFolder: folder, host, ...options }),
    async (controller) => {
      const { larder } = controller
      await larder.stopWork()
      await larder.context.fleet.network.stop()
      await controller.stop()
      await closeConnections(larder.context.fleet.controlFolder)
    },
  )
}

/** Those to machines are kept open for a while, by processes that outlive the controller. */
async function closeConnections(folder: string): Promise<void> {
  const sockets = await readdir(folder).catch(() => [])
  for (const name of sockets) {
    await execa('ssh', ['-o', `ControlPath=${join(folder, name)}`, '-O', 'exit', 'machine'], { reject: false })
  }
  await rm(folder, { recursive: true, force: true })
}

/** An engine for the machines of a site, which are gone with it, as are their networks. */
export function startMachineEngine(demo: Demo): Promise<DockerEngine> {
  return demo.use(() => startDockerEngine(join(demo.folder, 'engine'), { isDetached: true }), endMachineEngine)
}
