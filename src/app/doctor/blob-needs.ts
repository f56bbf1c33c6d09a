import { isLarderError, type Digest } from '../../core/index.ts'
import type { DoctorContext } from './check.ts'
import { keptTrees } from './kept-trees.ts'

/** Why a blob is kept. */
export interface Need {
  /** '' for the memory of upstreams and of index pieces, which makes itself anew. */
  mirror: string
  /** `the publication of base`. */
  title: string
  path: string
  /** Clients are served it. */
  isCurrent: boolean
}

/** What needs each of the blobs. Trees that cannot be read themselves are told elsewhere. */
export async function findNeeds(
  { context, cache }: DoctorContext,
  digests: ReadonlySet<Digest>,
): Promise<Map<Digest, Need[]>> {
  const needs = new Map<Digest, Need[]>()
  const add = (digest: Digest, need: Need): void => {
    if (digests.has(digest)) needs.set(digest, [...(needs.get(digest) ?? []), need])
  }
  for (const { mirror, title, isCurrent, content } of await keptTrees(context)) {
    if (isLarderError(content)) continue
    const inEntries = new Set<Digest>()
    for (const { path, digest, parts } of content.entries()) {
      for (const part of parts ?? [{ digest }]) {
        inEntries.add(part.digest)
        add(part.digest, { mirror, title, path, isCurrent })
      }
    }
    for (const digest of content.blobs())
      if (!inEntries.has(digest)) add(digest, { mirror, title, path: 'the list of files', isCurrent })
  }
  for await (const digest of cache.roots()) {
    if (digests.has(digest) && !needs.has(digest))
      add(digest, { mirror: '', title: 'the cache', path: 'a part', isCurrent: false })
  }
  return needs
}
