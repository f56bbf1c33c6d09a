import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { nodeSettings } from '../node-settings.ts'

export interface ComposerRequest {
  /** Names of the packages that the repository is to have. Those that it did not have before are hashed. */
  files: readonly string[]
}

export interface ComposerAnswer {
  /** From the request to signed metadata, safe on the disk. */
  seconds: number
  hashSeconds: number
  peakMiB: number
}

/** Larder as it runs: a process that is there already, with a store and a database of its own below `stateFolder`. */
export interface LarderComposer {
  compose(files: readonly string[]): Promise<ComposerAnswer>
  stop(): Promise<void>
}

export async function startComposer(packagesFolder: string, stateFolder: string): Promise<LarderComposer> {
  const { flags, environment } = nodeSettings(join(import.meta.dirname, '../..'))
  const script = join(import.meta.dirname, 'composer-process.ts')
  const child = fork(script, [packagesFolder, stateFolder], { execArgv: flags, env: environment })
  const next = async (): Promise<unknown> => {
    const answer = await Promise.race([once(child, 'message'), once(child, 'exit').then(() => undefined)])
    if (answer === undefined) throw new Error('the process that composes has ended')
    return answer[0]
  }
  await next()
  return {
    async compose(files) {
      const answer = next()
      child.send({ files } satisfies ComposerRequest)
      return (await answer) as ComposerAnswer
    },
    async stop() {
      const ended = once(child, 'exit')
      child.kill()
      await ended
    },
  }
}
