import { setImmediate } from 'node:timers/promises'
import type { Digest } from '../../core/index.ts'
import type { State } from '../../state/index.ts'
import type { BlobStore } from '../../store/index.ts'
import type { OciDigest, RepositoryName } from '../reference.ts'
import { holdersOfStored, type Holder } from './holders.ts'

/** Blobs that a repository has by its rows, and the store has not, or in another length. */
export interface AbsentBlobs {
  repository: RepositoryName
  /** In the order of the store's names. */
  digests: OciDigest[]
  /** Some manifest names one of them. */
  isNamed: boolean
  /** What cannot be pulled whole; by name. */
  tags: string[]
}

interface AbsentOptions {
  state: State
  store: BlobStore
  signal: AbortSignal | undefined
}

/** Digests of one question. A look at a file takes some microseconds: the loop is never held for longer than a few ms. */
const atOnce = 200

/** Looks at the length of every blob that a repository has, each once; by repository. */
export async function absentBlobs(options: AbsentOptions): Promise<AbsentBlobs[]> {
  const found = new Map<RepositoryName, OciDigest[]>()
  for await (const { repository, digest } of absentHolders(options)) {
    const digests = found.get(repository) ?? []
    found.set(repository, digests)
    digests.push(digest)
  }
  const told: AbsentBlobs[] = []
  for (const [repository, digests] of [...found].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    told.push({ repository, digests, ...(await whatNeeds(options, repository, digests)) })
  return told
}

async function* absentHolders(options: AbsentOptions): AsyncIterable<Holder> {
  const { state, store, signal } = options
  for (let after = ''; ;) {
    signal?.throwIfAborted()
    const page = await state.db
      .selectFrom('oci_blobs')
      .select(['store_digest', 'size_bytes'])
      .distinct()
      .where('store_digest', '>', after)
      .orderBy('store_digest')
      .limit(atOnce)
      .execute()
    const absent: Digest[] = []
    for (const { store_digest, size_bytes } of page) {
      const stat = await store.stat(store_digest as Digest)
      if (stat?.sizeBytes !== size_bytes) absent.push(store_digest as Digest)
    }
    // Asked after the look: of what was forgotten and collected meanwhile there is no row any more.
    yield* await holdersOfStored(state, absent)
    const last = page.at(-1)
    if (last === undefined || page.length < atOnce) return
    after = last.store_digest
    await setImmediate()
  }
}

/** Manifests that name a blob, indices that name those, and tags of all of them. */
async function whatNeeds(
  { state, signal }: AbsentOptions,
  repository: RepositoryName,
  blobs: readonly string[],
): Promise<Pick<AbsentBlobs, 'isNamed' | 'tags'>> {
  const manifests = new Set<string>()
  let more = await manifestsNaming(state, { repository, kind: 'blob', targets: blobs })
  while (more.length > 0) {
    signal?.throwIfAborted()
    for (const manifest of more) manifests.add(manifest)
    const above = await manifestsNaming(state, { repository, kind: 'manifest', targets: more })
    more = above.filter((manifest) => !manifests.has(manifest))
  }
  const tags = await inSteps([...manifests], async (digests) => {
    const query = state.db.selectFrom('oci_tags').select('name').where('repository', '=', repository)
    return (await query.where('digest', 'in', digests).execute()).map(({ name }) => name)
  })
  return { isNamed: manifests.size > 0, tags: tags.toSorted() }
}

async function manifestsNaming(
  { db }: State,
  { repository, kind, targets }: { repository: string; kind: 'blob' | 'manifest'; targets: readonly string[] },
): Promise<string[]> {
  const found = await inSteps(targets, async (some) => {
    const query = db.selectFrom('oci_links').select('manifest').distinct().where('repository', '=', repository)
    return (await query.where('kind', '=', kind).where('target', 'in', some).execute()).map(({ manifest }) => manifest)
  })
  return [...new Set(found)]
}

async function inSteps(all: readonly string[], ask: (some: readonly string[]) => Promise<string[]>): Promise<string[]> {
  const found: string[] = []
  for (let start = 0; start < all.length; start += atOnce) {
    for (const one of await ask(all.slice(start, start + atOnce))) found.push(one)
    await setImmediate()
  }
  return found
}
