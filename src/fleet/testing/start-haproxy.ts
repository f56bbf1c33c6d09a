import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stateTool } from '../balancer/state-tool.ts'
import type { Host } from '../host/host.ts'

/** Root, where HAProxy and what speaks to it are installed. */
export const canStartHaproxy =
  process.getuid?.() === 0 && existsSync('/usr/sbin/haproxy') && existsSync('/usr/bin/socat')

/** A load balancer as its role makes one, with folders of its own; what systemd does is done by the test. */
export interface TestBalancer {
  /** Runs scripts where its folders are those of the product. */
  host: Host
  /** Writes its configuration, and certificates by the names of their secrets. */
  configure(config: string, certificates?: Readonly<Record<string, string>>): Promise<void>
  start(): Promise<void>
  /** As `systemctl reload`. */
  reload(): Promise<void>
  /** As a crash, or the power. */
  kill(): Promise<void>
  remove(): Promise<void>
}

export async function createTestBalancer(): Promise<TestBalancer> {
  const folder = await mkdtemp(join(tmpdir(), 'larder-haproxy-'))
  const places = { etc: '/etc/haproxy', state: '/var/lib/haproxy', run: '/run', programs: '/usr/local/lib' }
  for (const name of [...Object.keys(places), 'run/haproxy', 'etc/certificates', 'programs/larder'])
    await mkdir(join(folder, name), { recursive: true })
  await chmod(folder, 0o755)
  await writeFile(join(folder, 'programs/larder/haproxy-state'), stateTool, { mode: 0o755 })
  const binds = Object.entries(places).map(([name, path]) => `mount --bind '${join(folder, name)}' ${path}`)
  const keeper = spawn('unshare', ['--mount', 'sh', '-c', `${binds.join(' && ')} && echo ready && exec sleep 3600`])
  await once(keeper.stdout, 'data')
  const enter = (command: readonly string[]): ChildProcess =>
    spawn('nsenter', [`--mount=/proc/${keeper.pid}/ns/mnt`, '--', ...command], { stdio: ['pipe', 'pipe', 'pipe'] })
  const tool = '/usr/local/lib/larder/haproxy-state'
  const run = async (shell: string) => {
    const child = enter(['/bin/sh', '-s'])
    child.stdin!.end(shell)
    const [stdout, stderr, [code]] = await Promise.all([
      collect(child.stdout!),
      collect(child.stderr!),
      once(child, 'close') as Promise<[number | null]>,
    ])
    return { code: code ?? undefined, stdout, stderr: stderr.toString() }
  }
  const mustRun = async (shell: string): Promise<void> => {
    const { code, stderr, stdout } = await run(shell)
    if (code !== 0) throw new Error(`${shell}: exit ${code}: ${stderr}${stdout.toString()}`)
  }
  let haproxy: ChildProcess | undefined
  let ended: Promise<unknown> = Promise.resolve()
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    haproxy?.kill(signal)
    await ended
  }
  return {
    host: { name: 'lb-1', run: ({ shell }) => run(shell), close: () => Promise.resolve() },
    async configure(config, certificates = {}) {
      for (const [name, pem] of Object.entries(certificates))
        await writeFile(join(folder, 'etc/certificates', `${name}.pem`), pem)
      await writeFile(join(folder, 'etc/haproxy.cfg'), config)
      await mustRun('haproxy -c -q -f /etc/haproxy/haproxy.cfg')
    },
    async start() {
      await mustRun(`${tool} align`)
      // nsenter does not fork: this is the master itself.
      haproxy = enter(['haproxy', '-W', '-S', '/run/haproxy-master.sock', '-f', '/etc/haproxy/haproxy.cfg'])
      ended = once(haproxy, 'close')
      haproxy.stdout!.resume()
      haproxy.stderr!.resume()
      await mustRun(`${tool} show >/dev/null`)
    },
    reload: () => mustRun(`${tool} reload ${haproxy!.pid}`),
    kill: () => stop('SIGKILL'),
    async remove() {
      await stop('SIGTERM')
      const released = once(keeper, 'close')
      keeper.kill('SIGKILL')
      await released
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function collect(stream: NodeJS.ReadableStream): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk as Buffer))
  return Buffer.concat(chunks)
}

/** The same port of several loopback addresses, as machines have one each. Answers how to stop them. */
export async function listenOn(
  addresses: readonly string[],
  answer: (address: string) => RequestListener,
): Promise<{ port: number; close(): Promise<void> }> {
  const servers = addresses.map((address) => createServer(answer(address)))
  let port = 0
  for (const [at, server] of servers.entries()) {
    server.listen(port, addresses[at])
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
  }
  return {
    port,
    async close() {
      for (const server of servers) {
        server.closeAllConnections()
        await new Promise((resolve) => server.close(resolve))
      }
    },
  }
}
