import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { systemClock } from '../../core/index.ts'
import type { Controller } from '../controller.ts'
import type { DataFolder } from '../data-folder.ts'
import { readAddress } from '../read-address.ts'
import { createRemoteController } from './remote-controller.ts'

/** What commands ask of Larder, whether one is running or not. */
export type ControllerClient = Pick<
  Controller,
  | 'mirrors'
  | 'mirror'
  | 'snapshots'
  | 'packages'
  | 'diff'
  | 'why'
  | 'promote'
  | 'rollback'
  | 'verify'
  | 'sync'
  | 'runs'
  | 'run'
  | 'runLog'
  | 'retryRun'
  | 'cancelRun'
  | 'exportMirror'
  | 'collectGarbage'
  | 'keys'
  | 'rotateKey'
  | 'importKey'
  | 'doctor'
>

export interface Session {
  client: ControllerClient
  close(): Promise<void>
}

export interface SessionOptions {
  dataFolder: DataFolder
  /** A controller elsewhere; then `token` is needed for what writes. */
  url: string | undefined
  token: string | undefined
  environment: NodeJS.ProcessEnv
}

/**
 * The running controller of the data folder (or the one at `url`); where none runs, the data folder is opened by
 * this process for as long as the command takes. CONTROLLER_UNREACHABLE, DATA_IN_USE.
 */
export async function openSession(options: SessionOptions): Promise<Session> {
  const { dataFolder } = options
  if (options.url !== undefined) return remote(options.url, options.token)
  const address = await readAddress(dataFolder)
  if (address !== undefined && (await isListening(address.url))) {
    const [token] = (await readFile(dataFolder.adminToken, 'utf8')).trim().split('\n')
    return remote(address.url, token)
  }
  const { openLarder } = await import('../open-larder.ts')
  const larder = await openLarder({
    dataFolder,
    clock: systemClock,
    logLevel: 'warn',
    environment: options.environment,
  })
  return { client: larder.controller, close: () => larder.close() }
}

/** Its process id may belong to another program by now; then the lock of the data folder tells. */
async function isListening(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) })
  try {
    await once(socket, 'connect')
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ECONNREFUSED'
  } finally {
    socket.destroy()
  }
}

function remote(url: string, token: string | undefined): Session {
  return { client: createRemoteController(url, token), close: () => Promise.resolve() }
}
