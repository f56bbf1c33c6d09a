import { readFile, statfs } from 'node:fs/promises'
import { resolve } from 'node:path'
import { LarderError } from '../core/index.ts'
import {
  createRegistryCache,
  withWatermark,
  type CachedRegistry,
  type OriginSend,
  type RegistryCache,
} from '../oci/index.ts'
import type { ControllerConfig } from './config/controller-config.ts'
import type { Rooms } from './open-rooms.ts'

const dayMs = 86_400_000
const minuteMs = 60_000

/** The registry as clients see it. */
export interface ServedRegistry extends RegistryCache {
  /** Below that, no upload begins. */
  minFreeBytes: number
}

/** The registry, with others read through it, and its watermark, as the configuration has them. CONFIG_INVALID for a file that cannot be read. */
export async function openRegistryCache(
  rooms: Rooms,
  { config, root, send }: { config: ControllerConfig; root: string; send: OriginSend },
): Promise<ServedRegistry> {
  const entries = Object.entries(config.registry.cache)
  const cached = entries.map(async ([prefix, { url, user, passwordFile, keepDays, tagMinutes }]) => {
    const known: CachedRegistry = { prefix, url, keepMs: keepDays * dayMs, tagAgeMs: tagMinutes * minuteMs }
    if (user === undefined || passwordFile === undefined) return known
    const password = await readPassword(resolve(root, passwordFile))
    rooms.secrets.add(password)
    return { ...known, login: { user, password } }
  })
  const minFreeBytes = config.registry.minFreeMB * 1e6
  const cache = createRegistryCache({ ...rooms, send, cached: await Promise.all(cached) })
  const freeBytes = async (): Promise<number> => {
    const { bavail, bsize } = await statfs(root)
    return bavail * bsize
  }
  return { ...cache, registry: withWatermark(cache.registry, { minFreeBytes, freeBytes }), minFreeBytes }
}

async function readPassword(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (cause) {
    throw new LarderError('CONFIG_INVALID', {
      message: `The file ${path} that registry.cache names cannot be read: ${(cause as Error).message}`,
      hint: 'Put the password there, readable for the user that Larder runs as.',
      cause,
    })
  }
}
