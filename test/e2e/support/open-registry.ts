import { systemClock } from '../../../src/core/index.ts'
import { startController, type StartControllerOptions } from '../../../src/app/controller-process.ts'
import { dataFolderAt } from '../../../src/app/data-folder.ts'
import { createRegistryClient, type RegistryClient } from './registry-client.ts'
import { openWorkspace } from './workspace.ts'

export interface OpenRegistry extends AsyncDisposable {
  url: string
  /** When it was to serve over TLS, by its own authority. */
  tlsUrl: string | undefined
  token: string
  client: RegistryClient
  folder: string
  /** How far the clock of this registry is from the real one. */
  clockOffsetMs: number
  /** Forgets what nobody needs, and frees its bytes, as housekeeping does. */
  collectGarbage(): Promise<void>
}

/** A whole controller in this process, whose registry is open to all unless it is told otherwise. */
export async function startOpenRegistry(
  options: Partial<Pick<StartControllerOptions, 'publicUrl' | 'tls' | 'openRegistry' | 'configFile'>> & {
    folder?: string
  } = {},
): Promise<OpenRegistry> {
  const { folder, ...rest } = options
  const workspace = await openWorkspace()
  const clock = { ...systemClock, now: () => new Date(Date.now() + self.clockOffsetMs) }
  const self: OpenRegistry = {
    url: '',
    tlsUrl: undefined,
    token: '',
    client: undefined as unknown as RegistryClient,
    folder: folder ?? workspace.path('data'),
    clockOffsetMs: 0,
    collectGarbage: async () => {
      await running.larder.controller.collectGarbage()
    },
    async [Symbol.asyncDispose]() {
      self.client.close()
      await running.stop()
      await workspace[Symbol.asyncDispose]()
    },
  }
  const running = await startController({
    dataFolder: dataFolderAt(self.folder, {}),
    clock,
    logLevel: 'error',
    environment: {},
    host: '127.0.0.1',
    port: 0,
    openRegistry: true,
    ...rest,
  })
  self.url = running.url
  self.tlsUrl = running.tlsUrl
  self.token = running.token
  self.client = createRegistryClient(running.url)
  return self
}
