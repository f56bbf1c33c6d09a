import { randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isLarderError } from '../../core/index.ts'
import { exists, groupRoot, mostProcesses, openGroup, removeGroup, removeLeftovers } from './control-group.ts'
import { enginePath } from './probe-program.ts'
import { runEngine } from './run-engine.ts'

/** Where the containers of a build go, in which there are only so many processes. */
export interface EngineGroup {
  /** What a Docker engine is told as `--cgroup-parent`. */
  parent: string
  release(): Promise<void>
}

const slice = 'larderbuilds.slice'
const longestAnswerMs = 20_000

/**
 * Bounds the processes of builds of a Docker engine on this host, which does that for containers that somebody runs and not
 * for those that it builds in: by a slice of systemd, or by a control group of our own, whichever the engine has. Undefined
 * where neither may be done. Source: docker build, `--cgroup-parent`; systemctl(1), `set-property`; cgroups(7).
 */
export async function openEngineGroup(driver: string): Promise<EngineGroup | undefined> {
  if (driver === 'systemd')
    return (await boundSlice()) ? { parent: slice, release: () => Promise.resolve() } : undefined
  const name = `larder-build-${process.pid}-${randomBytes(6).toString('hex')}`
  const isUnified = await exists(join(groupRoot, 'cgroup.controllers'))
  // The engine makes a group of the name for each controller.
  const parents = isUnified ? [groupRoot] : (await readdir(groupRoot)).map((controller) => join(groupRoot, controller))
  for (const parent of parents) await removeLeftovers(parent)
  const group = join(groupRoot, isUnified ? '.' : 'pids', name)
  if ((await openGroup(group, { 'pids.max': String(mostProcesses) })) === undefined) return undefined
  return {
    parent: `/${name}`,
    async release() {
      // An engine that died leaves running what it had begun.
      const containers = await foldersIn(group)
      for (const container of containers) await endProcesses(join(group, container))
      for (const parent of parents) {
        for (const container of await foldersIn(join(parent, name))) await removeGroup(join(parent, name, container))
        await removeGroup(join(parent, name))
      }
    },
  }
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
}

async function endProcesses(group: string): Promise<void> {
  const text = await readFile(join(group, 'cgroup.procs'), 'utf8').catch(() => '')
  for (const pid of text.split('\n').filter((line) => line !== '')) {
    try {
      process.kill(Number(pid), 'SIGKILL')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
}

/** For all builds together; it is gone with the next start of this host. */
async function boundSlice(): Promise<boolean> {
  const { signal } = new AbortController()
  const environment = { PATH: enginePath, LC_ALL: 'C.UTF-8' }
  const options = { environment, signal, timeoutMs: longestAnswerMs, package: 'systemd', onLine: () => undefined }
  try {
    return (
      (await runEngine('systemctl', ['set-property', '--runtime', slice, `TasksMax=${mostProcesses}`], options)) === 0
    )
  } catch (error) {
    if (isLarderError(error, 'BUILD_ENGINE_MISSING', 'BUILD_TIMEOUT')) return false
    throw error
  }
}
