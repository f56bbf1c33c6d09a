import { memoryFiles } from '../../core/testing/memory-files.ts'
import type { ResolveRoom } from '../resource/resource-type.ts'

/** A site of memory, for tests. */
export function testRoom(files: Readonly<Record<string, string>> = {}, others: Partial<ResolveRoom> = {}): ResolveRoom {
  const absent = (what: string) => (name: string) => Promise.reject(new Error(`no ${what} ${name}`))
  return {
    files: memoryFiles(files),
    variables: {},
    secret: absent('secret'),
    mirror: absent('mirror'),
    image: absent('image'),
    login: async () => undefined,
    authority: async () => undefined,
    ...others,
  }
}
