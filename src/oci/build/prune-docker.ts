import { join } from 'node:path'
import type { PruneOptions } from './image-builder.ts'
import { enginePath } from './probe-program.ts'
import { runEngine } from './run-engine.ts'
import { UsedImages } from './used-images.ts'

/** An image may be large, and an engine busy. */
const longestRemovalMs = 300_000

/**
 * Of what the engine has only what was built for us goes: other images, bases among them, are somebody else's too. Each
 * counts in full, also what it shares with others.
 */
export async function pruneDocker(
  { cacheFolder, maxBytes, signal }: PruneOptions,
  { common, mayGoOn }: { common: readonly string[]; mayGoOn: () => boolean },
): Promise<number> {
  const used = usedByDocker({ cacheFolder })
  const ours = new Set(await used.oldestFirst())
  if (ours.size === 0) return 0
  const environment = { PATH: enginePath, LC_ALL: 'C.UTF-8', HOME: '/nonexistent' }
  const ask = async (...args: string[]): Promise<{ status: number; lines: string[] }> => {
    const lines: string[] = []
    const onLine = (line: string): void => void lines.push(line.trim())
    const options = { environment, signal, timeoutMs: longestRemovalMs, package: 'docker.io', onLine }
    return { status: await runEngine('docker', [...common, ...args], options), lines }
  }
  const { status, lines } = await ask('images', '--all', '--quiet', '--no-trunc')
  // An engine that is away keeps what it has, and is asked again.
  if (status !== 0) return 0
  await used.sync(lines.filter((id) => ours.has(id.replace(/^sha256:/, ''))))
  const sizeBytes = async (): Promise<number> => {
    const ids = await used.oldestFirst()
    if (ids.length === 0) return 0
    const { lines: sizes } = await ask('image', 'inspect', '--format', '{{.Size}}', '--', ...ids)
    return sizes.reduce((sum, size) => sum + (Number.parseInt(size, 10) || 0), 0)
  }
  const remove = async (id: string): Promise<boolean> => (await ask('rmi', '--', id)).status === 0
  return used.forgetOldest({ maxBytes, sizeBytes, remove, mayGoOn })
}

export function usedByDocker({ cacheFolder }: Pick<PruneOptions, 'cacheFolder'>): UsedImages {
  return new UsedImages(join(cacheFolder, 'docker', 'used'))
}
