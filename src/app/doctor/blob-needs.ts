import { isLarderError, type Digest } from '../../core/index.ts'
import type { DoctorContext } from './check.ts'
import { keptTrees } from './kept-trees.ts'

/** Why a blob is kept. */
export interface Need {
  /** Undefined: of no mirror. */
  mirror: string | undefined
  /** `the publication of base`. */
  title: string
  path: string
  /** Clients are served it. */
  isCurrent: boolean
  /** How it comes back when it is gone: by a run, by the next who wants it, from where it was pushed; or not at all. */
  again: 'run' | 'itself' | 'push' | 'never'
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
    const again = isCurrent ? 'run' : 'never'
    const inEntries = new Set<Digest>()
    for (const { path, digest, parts } of content.entries()) {
      for (const part of parts ?? [{ digest }]) {
        inEntries.add(part.digest)
        add(part.digest, { mirror, title, path, isCurrent, again })
      }
    }
    for (const digest of content.blobs())
      if (!inEntries.has(digest)) add(digest, { mirror, title, path: 'the list of files', isCurrent, again })
  }
  const ofNoMirror = { mirror: undefined, path: 'a part' }
  for (const { repository, stored } of await context.registry.holdersOfStored([...digests]))
    add(stored, { ...ofNoMirror, title: `the image ${repository}`, isCurrent: true, again: 'push' })
  for await (const digest of cache.roots()) {
    // What upstreams and index pieces are remembered by.
    if (digests.has(digest) && !needs.has(digest))
      add(digest, { ...ofNoMirror, title: 'the cache', isCurrent: false, again: 'itself' })
  }
  return needs
}
