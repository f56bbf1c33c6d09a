import { readIfThere as readBytes } from '../core/index.ts'

/** Text of a file; undefined where there is no such file. */
export async function readIfThere(path: string): Promise<string | undefined> {
  return (await readBytes(path))?.toString()
}
