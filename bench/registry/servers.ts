import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { watchMemory, type MemoryWatch } from '../measure-process.ts'

/** A registry in a process of its own, open to all, on a folder of its own. */
export interface RegistryProcess {
  name: string
  url: string
  memory: MemoryWatch
  /** Seconds of processor time so far. */
  cpuSeconds(): Promise<number>
  stop(): Promise<void>
}

/** Started by the one command that its documentation names. */
export async function startLarderRegistry(root: string, folder: string): Promise<RegistryProcess> {
  const port = await freePort()
  const args = ['--data', join(folder, 'data'), 'registry', 'serve', '--port', String(port)]
  return started('larder', spawn(join(root, 'bin/larder'), args, silent), port)
}

/** Debian's docker-registry with the driver for file systems, deletion allowed, and no more logging than it must. */
export async function startDistribution(folder: string): Promise<RegistryProcess> {
  const port = await freePort()
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  const config = join(folder, 'config.yml')
  await writeFile(
    config,
    `version: 0.1
log: { level: error, accesslog: { disabled: true } }
storage: { filesystem: { rootdirectory: ${join(folder, 'data')} }, delete: { enabled: true } }
http: { addr: "127.0.0.1:${port}" }
`,
  )
  return started('docker-registry', spawn('docker-registry', ['serve', config], silent), port)
}

const silent: { stdio: ['ignore', 'ignore', 'inherit'] } = { stdio: ['ignore', 'ignore', 'inherit'] }

async function started(name: string, child: ChildProcess, port: number): Promise<RegistryProcess> {
  const url = `http://127.0.0.1:${port}`
  const memory = watchMemory(child)
  await waitUntilServing(`${url}/v2/`, child)
  return {
    name,
    url,
    memory,
    cpuSeconds: async () => {
      const stat = await readFile(`/proc/${child.pid}/stat`, 'utf8')
      // proc(5): utime and stime are fields 14 and 15, in hundredths; the name may hold spaces.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return (Number(fields[11]) + Number(fields[12])) / 100
    },
    async stop() {
      memory.stop()
      if (child.exitCode !== null) return
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      await exited
    },
  }
}

async function waitUntilServing(url: string, child: ChildProcess): Promise<void> {
  for (let looks = 0; looks < 400; looks++) {
    if (child.exitCode !== null) throw new Error(`${url}: its server ended with ${child.exitCode}`)
    const answer = await fetch(url).catch(() => undefined)
    if (answer?.ok === true) return
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error(`${url} does not answer`)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}
