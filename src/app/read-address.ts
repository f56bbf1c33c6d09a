import { readFile } from 'node:fs/promises'
import { LarderError } from '../core/index.ts'
import type { DataFolder } from './data-folder.ts'

/** Where the controller that owns the data folder listens, if one is alive. UNAUTHORIZED when it is another user's. */
export async function readAddress(dataFolder: DataFolder): Promise<{ url: string; pid: number } | undefined> {
  const address = await readRecordedAddress(dataFolder)
  return address !== undefined && isAlive(address.pid) ? address : undefined
}

/** What controller.json says, whether its process lives or not; undefined too when it cannot be understood. */
export async function readRecordedAddress(dataFolder: DataFolder): Promise<{ url: string; pid: number } | undefined> {
  try {
    return JSON.parse(await readFile(dataFolder.address, 'utf8')) as { url: string; pid: number }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR' || error instanceof SyntaxError) return undefined
    if (code === 'EACCES') throw noAccess(dataFolder)
    throw error
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function noAccess(dataFolder: DataFolder): LarderError {
  return new LarderError('UNAUTHORIZED', {
    message: `${dataFolder.root} belongs to another user.`,
    hint: 'Run the command as that user, or give --url and LARDER_TOKEN.',
  })
}
