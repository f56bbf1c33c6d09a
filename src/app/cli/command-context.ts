import type { Command } from 'commander'
import { dataFolderAt, type DataFolder } from '../data-folder.ts'
import { createOutput, type Output } from './output.ts'
import { openSession, type ControllerClient } from './session.ts'

/** What every command is handed. */
export interface CommandContext {
  output: Output
  dataFolder: DataFolder
  environment: NodeJS.ProcessEnv
  /** What the command is about, for people: the data folder, or the address of a controller elsewhere. */
  where: string
  /** Aborted by Ctrl-C. */
  signal: AbortSignal
  /** Runs `work` with the controller: the one that runs, or one opened for this command. */
  withController: <T>(work: (client: ControllerClient) => Promise<T>) => Promise<T>
}

interface GlobalOptions {
  json?: boolean
  color: boolean
  data?: string
  url?: string
}

/** From the options that every command has. */
export function contextOf(command: Command, signal: AbortSignal): CommandContext {
  const options = command.optsWithGlobals<GlobalOptions>()
  const environment = process.env
  const noColor = !options.color || (environment['NO_COLOR'] ?? '') !== ''
  const output = createOutput({ json: options.json ?? false, noColor, out: process.stdout, err: process.stderr })
  const dataFolder = dataFolderAt(options.data, environment)
  const url = options.url ?? (environment['LARDER_URL'] || undefined)
  return {
    output,
    dataFolder,
    environment,
    where: url ?? dataFolder.root,
    signal,
    async withController(work) {
      const session = await openSession({ dataFolder, url, token: environment['LARDER_TOKEN'], environment, signal })
      try {
        return await work(session.client)
      } finally {
        await session.close()
      }
    },
  }
}
