import { formatBytes, LarderError } from '../../core/index.ts'
import type { Registry } from './registry.ts'

/**
 * The registry, which begins no upload while less than `minFreeBytes` is free: what else needs the disk keeps its room.
 * Uploads that were begun go on, and what adds no bytes is taken. DISK_FULL.
 */
export function withWatermark(
  registry: Registry,
  { minFreeBytes, freeBytes }: { minFreeBytes: number; freeBytes: () => Promise<number> },
): Registry {
  if (minFreeBytes === 0) return registry
  return {
    ...registry,
    async beginUpload(repository) {
      const free = await freeBytes()
      if (free >= minFreeBytes) return registry.beginUpload(repository)
      throw new LarderError('DISK_FULL', {
        message: `The registry takes no uploads: ${formatBytes(free)} are free, less than the ${formatBytes(minFreeBytes)} that are to stay so.`,
        hint: 'Make room there, or run `larder gc`; or lower registry.minFreeMB in controller.yaml. Pulling goes on.',
        context: { freeBytes: free, minFreeBytes },
      })
    },
  }
}
