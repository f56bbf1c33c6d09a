import { spawn } from 'node:child_process'
import { once } from 'node:events'

const script = new URL('./serve-folders.ts', import.meta.url).pathname

export interface FolderServer {
  /** Resolves when all folders are served; fails when the process ends before. */
  ready: Promise<void>
  /** SIGKILL, and waits until it is gone. */
  kill(): Promise<void>
  /** SIGTERM; answers its exit status. */
  stop(): Promise<number | null>
}

/** Controllers of several data folders in one process. `cacheFolder`: compiled code, so that starting is quick. */
export function serveFolders(
  folders: readonly { dataFolder: string; port: number }[],
  cacheFolder: string,
): FolderServer {
  const child = spawn(process.execPath, [script, JSON.stringify(folders)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_COMPILE_CACHE: cacheFolder },
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
  const exited = once(child, 'exit')
  const ready = Promise.race([
    once(child.stdout, 'data').then(() => undefined),
    exited.then(() => {
      if (child.signalCode !== 'SIGKILL') throw new Error(`the controllers ended before they served:\n${said}`)
    }),
  ])
  // Whoever kills it early does not wait for it to be ready.
  ready.catch(() => undefined)
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    await exited
    return child.exitCode
  }
  return {
    ready,
    kill: async () => {
      const status = await end('SIGKILL')
      if (status !== null) throw new Error(`the controllers had ended by themselves with status ${status}:\n${said}`)
    },
    stop: () => end('SIGTERM'),
  }
}
