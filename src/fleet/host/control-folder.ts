import { accessSync, constants } from 'node:fs'
import { lstat, mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { digestOf, hexOf, LarderError } from '../../core/index.ts'

/**
 * Where connections that are kept open have their sockets, for the machines of a data folder. unix(7): the path of a socket is
 * short, and that of the data folder need not be. Root has it where nobody else makes anything.
 */
export function controlFolderFor(folder: string, uid = process.getuid?.()): string {
  const near = uid === 0 && isWritable('/run') ? '/run' : tmpdir()
  return join(near, `larder-ssh-${hexOf(digestOf(folder)).slice(0, 12)}`)
}

/**
 * Makes the folder, which nobody else may get into: ssh hands all that it has to whoever listens at a socket there.
 * FLEET_PLACE_UNUSABLE: it is somebody else's, or others get in.
 */
export async function ensureControlFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    throw refused(path, `cannot be made: ${(cause as Error).message}`, cause)
  })
  await checkControlFolder(path)
}

/** The same of one that may not be there. */
export async function checkControlFolder(path: string): Promise<void> {
  // Not of what a link leads to: who made the link leads it elsewhere afterwards.
  const found = await lstat(path).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  })
  if (found === undefined) return
  if (!found.isDirectory()) throw refused(path, 'is no folder')
  if (found.uid !== process.getuid?.()) throw refused(path, `belongs to the user with id ${found.uid}`)
  if ((found.mode & 0o077) !== 0) throw refused(path, 'is open to other users')
}

function refused(path: string, why: string, cause?: unknown): LarderError {
  return new LarderError('FLEET_PLACE_UNUSABLE', {
    message: `The folder of connections to machines, ${path}, ${why}: no machine is reached by it.`,
    hint: `Look who made it, and remove it: rm -rf ${path}. Larder makes it again.`,
    ...(cause === undefined ? {} : { cause }),
  })
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}
