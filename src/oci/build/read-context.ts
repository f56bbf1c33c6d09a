import type { Stats } from 'node:fs'
import { lstat, readFile, realpath } from 'node:fs/promises'
import { join, posix, sep } from 'node:path'
import { LarderError } from '../../core/index.ts'
import { largestDockerfileBytes, parseDockerfile, type Dockerfile } from './dockerfile.ts'
import type { BuildRequest } from './image-builder.ts'

/** Looks at what is to be built before any engine does. DOCKERFILE_MISSING, DOCKERFILE_INVALID, GIT_FILE_REFUSED. */
export async function readContext({
  contextFolder,
  dockerfile: path,
}: Pick<BuildRequest, 'contextFolder' | 'dockerfile'>): Promise<Dockerfile> {
  const normal = posix.normalize(path)
  if (normal !== path || posix.isAbsolute(path) || `${path}/`.startsWith('../') || path.includes('\0')) {
    throw missing(path, 'it is not in the folder that is built')
  }
  if ((await statusOf(contextFolder))?.isDirectory() !== true) {
    throw new LarderError('GIT_FILE_REFUSED', {
      message: 'The context of a build is to be a folder, and no link to one.',
      hint: 'Name a folder of the repository as its context.',
    })
  }
  const found = await statusOf(join(contextFolder, path))
  if (found === undefined) throw missing(path, 'there is no such file')
  if (!found.isFile()) throw missing(path, 'it is no plain file')
  const real = await realpath(join(contextFolder, path))
  if (!real.startsWith(`${await realpath(contextFolder)}${sep}`)) {
    throw missing(path, 'a link on its way leads out of the folder that is built')
  }
  if (found.size > largestDockerfileBytes) throw missing(path, 'it is larger than 1 MiB')
  return parseDockerfile(await readFile(real, 'utf8'), path)
}

/** A plain file, and no link to one. */
export async function isFile(path: string): Promise<boolean> {
  return (await statusOf(path))?.isFile() ?? false
}

async function statusOf(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw error
  }
}

function missing(path: string, why: string): LarderError {
  return new LarderError('DOCKERFILE_MISSING', {
    message: `${path.slice(0, 200)} cannot be built: ${why}.`,
    hint: 'Commit it there; or name another one by "dockerfile" in images.json.',
    context: { dockerfile: path },
  })
}
