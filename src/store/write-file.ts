import { close, fsync, open, rename, rm, write } from 'node:fs'

export interface NewFile {
  bytes: Uint8Array
  /** Not there yet, on the same file system. */
  temporary: string
  /** Where the file is to be, whole; what is there is replaced. */
  path: string
  mode: number
}

/**
 * Writes a file and makes its bytes durable; its name is durable after syncFolder. When it fails, nothing is left.
 * One promise for a chain of calls: with a promise for each of them, small files take three times as much of the
 * one thread that everything runs in.
 */
export function writeFileDurably(file: NewFile): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      rm(file.temporary, { force: true }, () => reject(error))
    }
    open(file.temporary, 'wx', file.mode, (error, descriptor) => {
      if (error) return fail(error)
      writeFrom(descriptor, file.bytes, 0, (written) => {
        close(descriptor, (closed) => {
          const failure = written ?? closed
          if (failure) return fail(failure)
          rename(file.temporary, file.path, (renamed) => {
            if (renamed) fail(renamed)
            else resolve()
          })
        })
      })
    })
  })
}

/** write(2) may take only a part. */
function writeFrom(descriptor: number, bytes: Uint8Array, from: number, done: (error: Error | null) => void): void {
  write(descriptor, bytes, from, bytes.length - from, from, (error, count) => {
    if (error) done(error)
    else if (from + count < bytes.length) writeFrom(descriptor, bytes, from + count, done)
    else fsync(descriptor, done)
  })
}
