import { spawn, type ChildProcess } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createStandInRepository } from '../../src/forge/testing/stand-in-repository.ts'
import { nodeSettings } from '../node-settings.ts'
import type { LoadTarget } from './load.ts'

export const secret = 'bench-secret'

/** A program that takes deliveries, in a process of its own. */
export interface Receiver {
  name: string
  target: LoadTarget
  /** Seconds of processor time so far, its children that have ended included. */
  cpuSeconds(): Promise<number>
  stop(): Promise<void>
}

/** A controller whose site is a real repository beside it: what is delivered is settled too, as at work. */
export async function startLarderReceiver(root: string, folder: string): Promise<Receiver> {
  await mkdir(folder, { recursive: true })
  const repository = await createStandInRepository(join(folder, 'site.git'))
  const commit = await repository.commit(undefined, { 'larder.yaml': 'site: bench\n' }, 'nothing yet')
  await repository.update('refs/heads/main', commit)
  // Nobody is at the address of the API: nothing is asked of it where nothing is reported.
  const url = `file://${repository.folder}`
  const forge = { type: 'github', url, repository: 'campus/site', api: 'http://127.0.0.1:9' }
  const { child, port } = await startForgeController({ root, folder, forge })
  return receiverOf('larder', child, { port, path: '/hooks/github', ...pushOf(commit) })
}

/** A controller of its own whose site is at this forge, and which nobody but deliveries brings news. */
export async function startForgeController({
  root,
  folder,
  forge,
}: {
  root: string
  folder: string
  /** What controller.yaml says of it. */
  forge: Readonly<Record<string, string>>
}): Promise<{ child: ChildProcess; port: number }> {
  const [config, secrets] = [join(folder, 'controller.yaml'), join(folder, 'secrets')]
  await writeFile(secrets, `${secret}\n`, { mode: 0o600 })
  await writeFile(config, JSON.stringify({ forge: { ...forge, pollSeconds: 0, secretsFile: secrets } }))
  const args = ['--data', join(folder, 'data'), 'up', '--listen', '127.0.0.1:0', '--config', config]
  const env = { ...process.env, http_proxy: '', https_proxy: '', NO_PROXY: '127.0.0.1' }
  const child = spawn(join(root, 'bin/larder'), args, { stdio: ['ignore', 'pipe', 'inherit'], env })
  return { child, port: await portOf(child) }
}

/** Debian's `webhook`: checks the same signature, starts /bin/true, and keeps nothing. */
export async function startWebhook(folder: string): Promise<Receiver> {
  await mkdir(folder, { recursive: true })
  const config = join(folder, 'hooks.json')
  const rule = {
    type: 'payload-hmac-sha256',
    secret,
    parameter: { source: 'header', name: 'X-Hub-Signature-256' },
  }
  await writeFile(
    config,
    JSON.stringify([{ id: 'site', 'execute-command': '/bin/true', 'trigger-rule': { match: rule } }]),
  )
  const port = await freePort()
  const child = spawn('webhook', ['-hooks', config, '-ip', '127.0.0.1', '-port', String(port)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  await waitForPort(port, child)
  return receiverOf('webhook', child, { port, path: '/hooks/site', ...pushOf('a'.repeat(40)) })
}

/** A server of Node that does nothing; with `file`, nothing but to write what came there, onto the disk. */
export async function startBareServer(root: string, file?: string): Promise<Receiver> {
  const { flags, environment } = nodeSettings(root)
  const args = [...flags, join(import.meta.dirname, 'bare-server-process.ts'), ...(file === undefined ? [] : [file])]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env: environment })
  const name = file === undefined ? 'a bare server' : 'a bare server that waits for the disk'
  return receiverOf(name, child, { port: await portOf(child), path: '/', ...pushOf('a'.repeat(40)) })
}

/** GitHub's own example of a push (7 kB), for our repository. */
function pushOf(commit: string): Pick<LoadTarget, 'body' | 'headers'> {
  const example = pushExample()
  const payload = {
    ...example,
    ref: 'refs/heads/main',
    after: commit,
    deleted: false,
    repository: { ...example.repository, full_name: 'campus/site' },
  }
  const body = Buffer.from(JSON.stringify(payload))
  const headers = {
    'content-type': 'application/json',
    'x-github-event': 'push',
    'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
  }
  return { body, headers }
}

interface PushExample {
  repository: object
}

function pushExample(): PushExample {
  const events = examples as { name: string; examples: PushExample[] }[]
  const found = events.find(({ name }) => name === 'push')?.examples[0]
  if (found === undefined) throw new Error('there is no example of a push')
  return found
}

const examples = JSON.parse(
  await readFile(new URL(import.meta.resolve('@octokit/webhooks-examples/api.github.com/index.json')), 'utf8'),
) as unknown

function receiverOf(name: string, child: ChildProcess, target: LoadTarget): Receiver {
  return {
    name,
    target,
    cpuSeconds: async () => {
      const stat = await readFile(`/proc/${child.pid}/stat`, 'utf8')
      // proc(5): utime, stime, cutime, cstime are fields 14 to 17, in hundredths; the name may hold spaces.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0) / 100
    },
    stop: () => stopChild(child),
  }
}

export async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  await exited
}

function portOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdout?.on('data', (part: Buffer) => {
      text += part.toString()
      const port = /running at http:\/\/[^:]+:(\d+)/.exec(text)?.[1]
      if (port !== undefined) resolve(Number(port))
    })
    child.once('exit', (code) => {
      reject(new Error(`the controller ended with ${String(code)}: ${text}`))
    })
  })
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function waitForPort(port: number, child: ChildProcess): Promise<void> {
  for (let looks = 0; looks < 200; looks++) {
    if (child.exitCode !== null) throw new Error(`webhook ended with ${child.exitCode}`)
    const isOpen = await fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => false,
    )
    if (isOpen) return
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error('webhook does not answer')
}
