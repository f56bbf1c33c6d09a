import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { formatBytes, LarderError, namesIn } from '../../core/index.ts'
import { sizeOnDisk } from './size-on-disk.ts'

export interface DiskWatchOptions {
  /** Where layers are made, each in a folder of its own. */
  layers: string
  /** Other folders that this build alone writes to. */
  own: readonly string[]
  limitBytes: number | undefined
}

/** Answers BUILD_LIMIT when a build has written more than it may, or has all but filled the disk. */
export type DiskWatch = () => Promise<LarderError | undefined>

/** A look at all files takes no more of the time than one part of this many. */
const restsOfALook = 20
const firstLookAfterMs = 5_000
/** What else is on the disk, Larder's own database too, needs some room: this much, or a tenth of what was free. */
const mostKeptFreeBytes = 1e9

/**
 * Sums up what came into being since now. That takes long for many files, so it is done seldom, and at once when
 * the whole disk has lost as much as the build may write.
 */
export async function watchDisk({ layers, own, limitBytes }: DiskWatchOptions): Promise<DiskWatch> {
  if (limitBytes === undefined) return () => Promise.resolve(undefined)
  const before = new Set(await namesIn(layers))
  const [firstOwn = layers] = own
  const free = async (): Promise<number> => {
    // An engine may have its layers on another disk, and has none before its first build.
    const { bavail, bsize } = await statfs(layers).catch(() => statfs(firstOwn))
    return bavail * bsize
  }
  const freeBefore = await free()
  const keptFree = Math.min(mostKeptFreeBytes, freeBefore / 10)
  let nextLook = performance.now() + firstLookAfterMs
  return async () => {
    const freeNow = await free()
    if (freeNow < keptFree) return nearlyFull(freeNow)
    if (performance.now() < nextLook && freeBefore - freeNow <= limitBytes) return undefined
    const start = performance.now()
    const added = (await namesIn(layers)).filter((name) => !before.has(name)).map((name) => join(layers, name))
    const written = await sizeOnDisk([...own, ...added])
    nextLook = start + Math.max(firstLookAfterMs, (performance.now() - start) * restsOfALook)
    return written > limitBytes ? tooMuch(limitBytes) : undefined
  }
}

function tooMuch(limitBytes: number): LarderError {
  return new LarderError('BUILD_LIMIT', {
    message: `The build has written more than ${Math.round(limitBytes / 1e6)} MB.`,
    hint: 'Make it smaller; or allow more by limits.disk_mb in images.json.',
  })
}

function nearlyFull(freeBytes: number): LarderError {
  return new LarderError('BUILD_LIMIT', {
    message: `The disk that it is built on is nearly full: ${formatBytes(freeBytes)} are free.`,
    hint: 'Make room there; or look at what the build writes: limits.disk_mb in images.json says how much it may.',
  })
}
