import { readdir, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { LarderError } from '../../core/index.ts'

export interface DiskWatchOptions {
  /** Where layers are made, each in a folder of its own. */
  layers: string
  /** Other folders that this build alone writes to. */
  own: readonly string[]
  limitBytes: number | undefined
}

/** Answers BUILD_LIMIT when a build has written more than it may. */
export type DiskWatch = () => Promise<LarderError | undefined>

/** A look at all files takes no more of the time than one part of this many. */
const restsOfALook = 20
const firstLookAfterMs = 5_000

/**
 * Sums up what came into being since now. That takes long for many files, so it is done seldom, and at once when
 * the whole disk has lost as much as the build may write.
 */
export async function watchDisk({ layers, own, limitBytes }: DiskWatchOptions): Promise<DiskWatch> {
  if (limitBytes === undefined) return () => Promise.resolve(undefined)
  const before = new Set(await namesIn(layers))
  const [firstOwn = layers] = own
  const free = async (): Promise<number> => {
    const { bavail, bsize } = await statfs(firstOwn)
    return bavail * bsize
  }
  const freeBefore = await free()
  let nextLook = performance.now() + firstLookAfterMs
  return async () => {
    if (performance.now() < nextLook && freeBefore - (await free()) <= limitBytes) return undefined
    const start = performance.now()
    const added = (await namesIn(layers)).filter((name) => !before.has(name)).map((name) => join(layers, name))
    const written = await sizeOf([...own, ...added])
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

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** By du(1), which sees blocks and not lengths: a sparse file is as large as what it holds. */
async function sizeOf(folders: readonly string[]): Promise<number> {
  // What vanishes meanwhile makes it fail; its sums are good all the same.
  // Loaded by who builds: it takes a tenth of a start.
  const { execa } = await import('execa')
  const { stdout } = await execa('du', ['-s', '-x', '--block-size=1', '--', ...folders], { reject: false })
  return stdout.split('\n').reduce((sum, line) => sum + (Number.parseInt(line, 10) || 0), 0)
}
