import {
  startRpmUpstream,
  type RpmSigner,
  type RpmUpstream,
  type RpmUpstreamOptions,
} from '../../../test/fixtures/rpm-upstream/index.ts'
import { isLarderError, silentProgress, systemClock, type ErrorCode } from '../../core/index.ts'
import { memoryFiles } from '../../core/testing/memory-files.ts'
import { createTestFetcher, type TestFetcher } from '../../fetch/testing/index.ts'
import { rpmUpstreamSchema } from '../upstream-config.ts'
import { openDataFile, type DataFileType } from '../upstream/data-file.ts'
import { findRepository } from '../upstream/find-repository.ts'
import { loadRepository, type RepositoryLoader } from '../upstream/load-repository.ts'
import type { Repository } from '../upstream/repository.ts'
import type { RepositoryMemory } from '../upstream/repository-memory.ts'

/** Loads an upstream `el9` into a store in memory, and remembers what was loaded. */
export class RepositoryBench {
  upstream!: RpmUpstream
  readonly memory: RepositoryMemory
  readonly store: TestFetcher['store']
  readonly signal = new AbortController().signal
  readonly #testing: TestFetcher
  readonly #key: RpmSigner

  static async open(key: RpmSigner): Promise<RepositoryBench> {
    return new RepositoryBench(key, await createTestFetcher())
  }

  private constructor(key: RpmSigner, testing: TestFetcher) {
    this.#key = key
    this.#testing = testing
    this.store = testing.store
    const values = new Map<string, unknown>()
    this.memory = {
      get: (name) => Promise.resolve(structuredClone(values.get(name))),
      put: (name, value) => {
        values.set(name, JSON.parse(JSON.stringify(value)))
        return Promise.resolve()
      },
    }
  }

  /** The upstream: every test starts one. */
  async start(options: Partial<RpmUpstreamOptions> = {}): Promise<void> {
    this.upstream = await startRpmUpstream({
      packages: [{ name: 'nginx', version: '1.22' }],
      key: this.#key,
      ...options,
    })
  }

  loader(): RepositoryLoader {
    const { memory, signal } = this
    return { ...this.#testing, memory, progress: silentProgress, signal, now: systemClock.now() }
  }

  /** `config`: keys of the upstream in larder.yaml, beside its address and its key. */
  async load(config: Record<string, unknown> = {}): Promise<Repository> {
    const place = ['urls', 'mirrorlist', 'metalink'].some((name) => name in config) ? {} : { url: this.upstream.url }
    const keys = config['allowUnsigned'] === true ? {} : { keys: ['key.asc'] }
    const source = await findRepository({
      upstream: { name: 'el9', config: rpmUpstreamSchema.parse({ ...place, ...keys, ...config }) },
      files: memoryFiles({ 'key.asc': this.upstream.key }),
      readHostFile: () => Promise.resolve(undefined),
    })
    return loadRepository(this.loader(), source)
  }

  async textOf(repository: Repository, type: DataFileType): Promise<string> {
    const parts: Buffer[] = []
    for await (const part of openDataFile(this.store, repository.files.get(type)!, this.signal)) parts.push(part)
    return Buffer.concat(parts).toString()
  }

  /** What the upstream was asked for, with its answers; digests are `#`. */
  paths(): string[] {
    return this.upstream.requests.map(({ path, status }) => `${status} ${path.replace(/[0-9a-f]{40,}/, '#')}`)
  }

  async close(): Promise<void> {
    await this.#testing.fetcher.close()
    await this.upstream.close()
  }
}

export async function codeOf(work: Promise<unknown>): Promise<ErrorCode | 'none'> {
  try {
    await work
    return 'none'
  } catch (error) {
    if (isLarderError(error)) return error.code
    throw error
  }
}
