import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { execa } from 'execa'

export interface DockerEngine extends AsyncDisposable {
  /** `unix://…` */
  host: string
  /** Removes all that it built. */
  forget(): Promise<void>
  /** As a power cut would; what it had begun may live on. */
  kill(): Promise<void>
  /** Again, where it was killed. */
  start(): Promise<void>
}

/**
 * A Docker engine of its own: its own socket, images and containers; it touches no networks or firewall of the host.
 * `isDetached`: Ctrl-C in a terminal is not for it, but for who has started it.
 */
export async function startDockerEngine(
  folder: string,
  { isDetached = false }: { isDetached?: boolean } = {},
): Promise<DockerEngine> {
  await mkdir(folder, { recursive: true })
  const host = `unix://${join(folder, 'docker.sock')}`
  const own = ['data-root', 'exec-root'].map((name) => `--${name}=${join(folder, name)}`)
  const apart = ['--bridge=none', '--iptables=false', '--storage-driver=overlay2', `--pidfile=${join(folder, 'pid')}`]
  const docker = (...args: string[]) => execa('docker', ['--host', host, ...args], { reject: false })
  let engine: ChildProcess
  const start = async (): Promise<void> => {
    // Of one that was killed: what it names may be another process by now.
    for (const pid of ['pid', 'exec-root/containerd/containerd.pid']) await rm(join(folder, pid), { force: true })
    engine = spawn('dockerd', [`--host=${host}`, ...own, ...apart], { stdio: 'ignore', detached: isDetached })
    for (let attempt = 0; (await docker('info')).exitCode !== 0; attempt++) {
      if (attempt > 300 || engine.exitCode !== null) {
        engine.kill('SIGKILL')
        throw new Error('dockerd does not start.')
      }
      await wait(200)
    }
  }
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const hasEnded = engine.exitCode !== null || engine.signalCode !== null
    const ended = hasEnded ? undefined : once(engine, 'close')
    engine.kill(signal)
    await ended
  }
  await start()
  return {
    host,
    start,
    kill: () => end('SIGKILL'),
    async forget() {
      await docker('system', 'prune', '--all', '--force')
    },
    async [Symbol.asyncDispose]() {
      await end('SIGTERM')
      await unmountBelow(folder)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** An engine leaves name spaces of networks mounted, which would keep its folder from being removed. */
async function unmountBelow(folder: string): Promise<void> {
  const mounts = (await readFile('/proc/mounts', 'utf8')).split('\n').map((line) => line.split(' ')[1] ?? '')
  const below = mounts.filter((path) => path.startsWith(`${folder}/`))
  // The deepest first.
  for (const path of below.toReversed()) await execa('umount', ['--lazy', '--', path])
}
