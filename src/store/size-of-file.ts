import { statSync } from 'node:fs'

/**
 * undefined when there is no such file. Thousands are looked for in a row, most of them in vain: the call takes
 * microseconds, and ten times as many through the thread pool and an exception.
 */
export function sizeOfFile(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size
}
