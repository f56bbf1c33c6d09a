import { watch } from 'node:fs'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock, Log } from '../../core/index.ts'
import { ensureControlFolder } from '../../fleet/index.ts'
import type { Fleet } from '../create-fleet.ts'

/** Calls back when something may have happened to a machine; answers what ends that. */
export type MachineEvents = (wake: () => void) => () => Promise<void>

/**
 * Containers of the site that have ended, as their engine tells; and connections that were kept open and have ended. What
 * cannot be watched is tried again every ten seconds: rounds come all the same.
 */
export function machineEvents(fleet: Fleet, { clock, log }: { clock: Clock; log: Log }): MachineEvents[] {
  const { memory, options, controlFolder } = fleet
  return [
    again({ clock, log }, async (wake, signal) => {
      const isUsed = (await memory.list()).some(({ place }) => place === 'container')
      if (isUsed) await (await options.place('container')).watch?.(wake, signal)
    }),
    again({ clock, log }, async (wake, signal) => {
      const isUsed = (await memory.list()).some(({ place }) => place !== 'local')
      if (isUsed) await watchConnections(controlFolder, wake, signal)
    }),
  ]
}

const againMs = 10_000

function again(
  { clock, log }: { clock: Clock; log: Log },
  watchOnce: (wake: () => void, signal: AbortSignal) => Promise<void>,
): MachineEvents {
  return (wake) => {
    const ending = new AbortController()
    const { signal } = ending
    let told: string | undefined
    const tell = (error: unknown): void => {
      const why = error instanceof Error ? error.message : String(error)
      if (!signal.aborted && why !== told)
        log.warn('machines are looked at by time alone, since they cannot be watched', { why })
      told = why
    }
    const work = async (): Promise<void> => {
      while (!signal.aborted) {
        await watchOnce(wake, signal).catch(tell)
        await clock.sleep(againMs, signal).catch(() => undefined)
      }
    }
    const done = work()
    return async () => {
      ending.abort()
      await done
    }
  }
}

/** ssh removes the socket of a connection when that ends. */
async function watchConnections(folder: string, wake: () => void, signal: AbortSignal): Promise<void> {
  await ensureControlFolder(folder)
  await new Promise<void>((resolve) => {
    const watcher = watch(folder, { persistent: false }, (_event, name) => {
      if (name !== null && /^[0-9a-f]{16}$/.test(name)) access(join(folder, name)).catch(wake)
    })
    // The folder was removed, say.
    watcher.on('error', () => watcher.close())
    watcher.on('close', resolve)
    signal.addEventListener('abort', () => watcher.close(), { once: true })
    if (signal.aborted) watcher.close()
  })
}
