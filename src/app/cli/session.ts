import { readFile } from 'node:fs/promises'
import { LarderError, systemClock } from '../../core/index.ts'
import type { Controller } from '../controller.ts'
import type { DataFolder } from '../data-folder.ts'
import { readAddress } from '../read-address.ts'
import { askHttp } from './ask-http.ts'
import { requireHttpUrl } from './parse-address.ts'
import { createRemoteController } from './remote-controller.ts'

/** What commands ask of Larder, whether one is running or not. */
export type ControllerClient = Pick<
  Controller,
  | 'planFiles'
  | 'mirrors'
  | 'mirror'
  | 'snapshots'
  | 'packages'
  | 'diff'
  | 'why'
  | 'promote'
  | 'rollback'
  | 'verify'
  | 'images'
  | 'image'
  | 'buildImages'
  | 'rotateImageKey'
  | 'verifyImage'
  | 'removeImage'
  | 'machines'
  | 'machine'
  | 'planMachines'
  | 'applyMachines'
  | 'services'
  | 'service'
  | 'restartService'
  | 'machineKey'
  | 'trustMachine'
  | 'siteRecipient'
  | 'networkLeases'
  | 'ownPackages'
  | 'addPackage'
  | 'removePackage'
  | 'sync'
  | 'runs'
  | 'run'
  | 'runLog'
  | 'retryRun'
  | 'cancelRun'
  | 'deliveries'
  | 'pullRequests'
  | 'previews'
  | 'removePreviews'
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
  /** Ends what is waited for: Ctrl-C. */
  signal: AbortSignal
}

/**
 * The running controller of the data folder (or the one at `url`); where none runs, the data folder is opened by
 * this process for as long as the command takes. CONTROLLER_UNREACHABLE, DATA_IN_USE.
 */
export async function openSession(options: SessionOptions): Promise<Session> {
  const { dataFolder } = options
  if (options.url !== undefined) return remote(options.url, options.token, options.signal)
  const address = await readAddress(dataFolder)
  if (address !== undefined && (await isServing(address))) {
    const [token] = (await readFile(dataFolder.adminToken, 'utf8')).trim().split('\n')
    return remote(address.url, token, options.signal)
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

const answerMs = 10_000

/**
 * Whether the controller serves. Where nobody is there, its process id may belong to another program by now: then the
 * lock of the data folder tells. CONTROLLER_UNREACHABLE when something is there that says nothing.
 */
async function isServing({ url, pid }: { url: string; pid: number }): Promise<boolean> {
  try {
    await askHttp(`${url}/healthz`, { signal: AbortSignal.timeout(answerMs) })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') return false
    throw new LarderError('CONTROLLER_UNREACHABLE', {
      message: `The controller, process ${pid}, has not answered at ${url} within ${answerMs / 1000} s.`,
      hint: `It hangs, or the machine is overloaded. kill -9 ${pid} and start it again: what it was at goes on.`,
      cause: error,
      context: { pid, url },
    })
  }
}

function remote(url: string, token: string | undefined, signal: AbortSignal): Session {
  requireHttpUrl(url, '--url and LARDER_URL name a controller as in https://larder.example.org')
  return { client: createRemoteController(url, token, signal), close: () => Promise.resolve() }
}
