import { watch } from 'node:fs'
import { access, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isLarderError, type Clock } from '../../core/index.ts'
import type { Fleet } from '../create-fleet.ts'

/** Calls back when something may have happened to a machine; answers what ends that. */
export type MachineEvents = (wake: () => void) => () => Promise<void>

/**
 * Containers of the site that have ended, as their engine tells; and connections that were kept open and have ended. What
 * cannot be watched is tried again each minute: rounds come all the same.
 */
export function machineEvents(fleet: Fleet, clock: Clock): MachineEvents[] {
  const { memory, options, controlFolder } = fleet
  return [
    again(clock, async (wake, signal) => {
      const isUsed = (await memory.list()).some(({ place }) => place === 'container')
      if (isUsed) await (await options.place('container')).watch?.(wake, signal)
    }),
    again(clock, async (wake, signal) => {
      const isUsed = (await memory.list()).some(({ place }) => place !== 'local')
      if (isUsed) await watchConnections(controlFolder, wake, signal)
    }),
  ]
}

const againMs = 60_000

function again(clock: Clock, watchOnce: (wake: () => void, signal: AbortSignal) => Promise<void>): MachineEvents {
  return (wake) => {
    const ending = new AbortController()
    const { signal } = ending
    const work = async (): Promise<void> => {
      while (!signal.aborted) {
        await watchOnce(wake, signal).catch(unlessItPasses)
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

function unlessItPasses(error: unknown): void {
  if (!isLarderError(error)) throw error
}

/** ssh removes the socket of a connection when that ends. */
async function watchConnections(folder: string, wake: () => void, signal: AbortSignal): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
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
