import { LarderError } from '../core/index.ts'

/** Runs work on the file system; says DISK_FULL for "no space", "no inodes" and "quota exceeded". */
export async function onDisk<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!hasErrno(error, 'ENOSPC', 'EDQUOT')) throw error
    throw new LarderError('DISK_FULL', {
      message: `${what}: the file system of the data directory has no space left.`,
      hint: 'Free space there, or run `larder gc`; then run the work again. Nothing half-written is kept.',
      cause: error,
    })
  }
}

/** True for a system error with one of these codes. */
export function hasErrno(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code)
}
