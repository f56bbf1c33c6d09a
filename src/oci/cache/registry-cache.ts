import type { Clock, Log } from '../../core/index.ts'
import { LarderError } from '../../core/index.ts'
import type { Fetcher } from '../../fetch/index.ts'
import type { State } from '../../state/index.ts'
import type { CollectableLeases } from '../../store/index.ts'
import type { RepositoryName } from '../reference.ts'
import type { Registry } from '../registry/registry.ts'
import { CachedRows } from './cached-rows.ts'
import { Origin, type OriginSend } from './origin.ts'
import { ReadThrough } from './read-through.ts'

/** Another registry, and under what name it is read through ours. */
export interface CachedRegistry {
  /** `hub`: what it calls `team/app` is `hub/team/app` here. */
  prefix: string
  url: string
  login?: { user: string; password: string } | undefined
  /** What nobody has pulled for so long is forgotten. */
  keepMs: number
  /** For so long the meaning of a tag is believed without asking. */
  tagAgeMs: number
}

export interface RegistryCacheOptions {
  registry: Registry
  state: State
  fetcher: Pick<Fetcher, 'fetch'>
  leases: CollectableLeases
  clock: Clock
  log: Log
  send: OriginSend
  cached: readonly CachedRegistry[]
}

export interface RegistryCache {
  /**
   * As the registry that was given; what stands below a prefix is fetched from its registry at the first pull, verified
   * and kept. Nothing is ever pushed there: OCI_CACHE_READ_ONLY. A pull throws OCI_ORIGIN_UNAVAILABLE and OCI_ORIGIN_WRONG, too.
   */
  registry: Registry
  /** What it has comes from another registry, and comes again when it is asked for. */
  isReadThrough(repository: RepositoryName): boolean
  /** Forgets what nobody has pulled for its time; the registry's `tidy` takes the rest. Answers how much it was. */
  expire(): Promise<number>
  /** Ends what is on its way. */
  close(): Promise<void>
}

export function createRegistryCache(options: RegistryCacheOptions): RegistryCache {
  const { registry, state, clock } = options
  const rows = new CachedRows(state)
  const stopping = new AbortController()
  const caches = options.cached.map((cached) => {
    const { url, login } = cached
    const origin = new Origin({ url, login, send: options.send, clock })
    return { ...cached, readThrough: new ReadThrough({ ...options, cached, origin, rows, stopping: stopping.signal }) }
  })
  const find = (repository: RepositoryName): ReadThrough | undefined =>
    caches.find(({ prefix }) => repository.startsWith(`${prefix}/`))?.readThrough
  const refuse = (repository: RepositoryName): void => {
    if (find(repository) !== undefined) throw readOnly(repository)
  }
  return {
    registry: caches.length === 0 ? registry : readingThrough(registry, { find, refuse }),
    isReadThrough: (repository) => find(repository) !== undefined,
    async expire() {
      let expired = 0
      for (const { prefix, keepMs, readThrough } of caches) {
        const since = new Date(clock.now().getTime() - keepMs)
        for (const row of await rows.unused(prefix, since)) {
          await readThrough.forget({ repository: row.repository as RepositoryName, reference: row.reference })
          expired++
        }
      }
      return expired
    },
    async close() {
      stopping.abort(new LarderError('CANCELLED', { message: 'Larder is stopping.' }))
      await Promise.all(caches.map(({ readThrough }) => readThrough.settled()))
    },
  }
}

function readingThrough(
  registry: Registry,
  {
    find,
    refuse,
  }: {
    find: (repository: RepositoryName) => ReadThrough | undefined
    refuse: (repository: RepositoryName) => void
  },
): Registry {
  return {
    ...registry,
    manifest: (repository, reference) =>
      find(repository)?.manifest(repository, reference) ?? registry.manifest(repository, reference),
    blob: (repository, digest) => find(repository)?.blob(repository, digest) ?? registry.blob(repository, digest),
    async removeManifest(repository, reference) {
      const readThrough = 'tag' in reference ? find(repository) : undefined
      await registry.removeManifest(repository, reference)
      if ('tag' in reference) await readThrough?.forget({ repository, reference: reference.tag })
    },
    async beginUpload(repository) {
      refuse(repository)
      return registry.beginUpload(repository)
    },
    async mountBlob(repository, digest, from) {
      refuse(repository)
      return registry.mountBlob(repository, digest, from)
    },
    async putManifest(repository, reference, manifest) {
      refuse(repository)
      return registry.putManifest(repository, reference, manifest)
    },
  }
}

function readOnly(repository: RepositoryName): LarderError {
  return new LarderError('OCI_CACHE_READ_ONLY', {
    message: `${repository} is read through from another registry; nothing can be pushed to it here.`,
    hint: 'Push to that registry, or to a name that does not begin so.',
  })
}
