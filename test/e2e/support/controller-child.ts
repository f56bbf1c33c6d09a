import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createRemoteController } from '../../../src/app/cli/remote-controller.ts'
import type { ControllerClient } from '../../../src/app/cli/session.ts'
import { larderProgram, runLarder, type CommandResult } from './larder-command.ts'

export interface ControllerOptions {
  dataFolder: string
  /** Default 0: any free one. */
  port?: number
  /** Further words of `larder up`. */
  args?: readonly string[]
}

/** A controller in a process of its own, which can be killed. */
export interface ControllerChild {
  readonly url: string
  readonly port: number
  readonly token: string
  readonly pid: number
  readonly client: ControllerClient
  /** What it has said on standard error so far. */
  log(): string
  /** `larder ARGS --json` against this data folder, from a process of its own. */
  larder(...args: string[]): Promise<CommandResult>
  /** SIGKILL, and waits until it is gone. */
  kill(): Promise<void>
  /** SIGTERM; answers its exit status. */
  stop(): Promise<number | null>
  [Symbol.asyncDispose](): Promise<void>
}

/** Resolves when it serves. Its environment holds no proxy, so that nothing leaves the loopback. */
export async function startControllerChild(options: ControllerOptions): Promise<ControllerChild> {
  const { child, log } = spawnController(options)
  const exited = once(child, 'exit')
  const url = await Promise.race([servingUrl(child), exited.then(() => undefined)])
  if (url === undefined) throw new Error(`the controller ended before it served:\n${log()}`)
  const token = (await readFile(join(options.dataFolder, 'admin-token'), 'utf8')).trim()
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    await exited
    return child.exitCode
  }
  return {
    url,
    port: Number(new URL(url).port),
    token,
    pid: child.pid!,
    client: createRemoteController(url, token),
    log,
    larder: (...args) => runLarder(['--json', '--data', options.dataFolder, ...args]),
    kill: async () => {
      await end('SIGKILL')
    },
    stop: () => end('SIGTERM'),
    [Symbol.asyncDispose]: async () => {
      await end('SIGTERM')
    },
  }
}

/** Starts one without waiting for it to serve: to kill it at any moment. */
function spawnController({ dataFolder, port = 0, args = [] }: ControllerOptions): {
  child: ChildProcess
  log: () => string
} {
  const words = ['--json', '--data', dataFolder, 'up', '--listen', `127.0.0.1:${port}`, ...args]
  const child = spawn(process.execPath, [larderProgram, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, http_proxy: '', https_proxy: '', HTTP_PROXY: '', HTTPS_PROXY: '' },
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-100_000)))
  return { child, log: () => said }
}

async function servingUrl(child: ChildProcess): Promise<string> {
  let text = ''
  child.stdout!.setEncoding('utf8')
  return new Promise((resolve) => {
    child.stdout!.on('data', (more: string) => {
      text += more
      if (text.includes('\n')) resolve((JSON.parse(text.slice(0, text.indexOf('\n'))) as { url: string }).url)
    })
  })
}
