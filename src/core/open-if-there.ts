import { openSync } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'

/** Undefined where there is no such file. `flags` are those of `open`; to read, unless they say otherwise. */
export async function openIfThere(path: string, flags = 'r'): Promise<FileHandle | undefined> {
  try {
    return await open(path, flags)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** A descriptor to read from, for whoever reads within one turn of the event loop. Undefined where there is no such file. */
export function openSyncIfThere(path: string): number | undefined {
  try {
    return openSync(path, 'r')
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
}
