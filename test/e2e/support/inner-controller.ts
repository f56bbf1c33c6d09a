import { systemClock } from '../../../src/core/index.ts'
import { createRemoteController } from '../../../src/app/cli/remote-controller.ts'
import type { ControllerClient } from '../../../src/app/cli/session.ts'
import { startController, type StartControllerOptions } from '../../../src/app/controller-process.ts'
import { dataFolderAt } from '../../../src/app/data-folder.ts'

/** A whole controller in this process: quick to start, with little patience where that is a setting. */
export interface InnerController extends AsyncDisposable {
  url: string
  token: string
  client: ControllerClient
  larder: Awaited<ReturnType<typeof startController>>['larder']
}

/** Upstreams get a second to deliver, and two tries; runs are tried again after a moment. */
export async function startInnerController(
  dataFolder: string,
  options: Partial<StartControllerOptions> = {},
): Promise<InnerController> {
  const running = await startController({
    dataFolder: dataFolderAt(dataFolder, {}),
    clock: systemClock,
    logLevel: 'error',
    environment: {},
    host: '127.0.0.1',
    port: 0,
    fetchLimits: { stallMs: 1000, attempts: 2, backoffMs: 10 },
    retryDelayMs: 10,
    ...options,
  })
  const { url, token, larder } = running
  return {
    url,
    token,
    larder,
    client: createRemoteController(url, token),
    [Symbol.asyncDispose]: () => running.stop(),
  }
}
