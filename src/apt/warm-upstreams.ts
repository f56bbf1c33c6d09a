import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { hexOf, type Clock } from '../core/index.ts'
import type { FormatContext } from '../mirror/index.ts'
import { loadUpstreams, type AptRequest, type LoadedUpstreams, type UpstreamLoader } from './loaded-upstreams.ts'

const dayMs = 24 * 3600_000

interface Warm {
  /** Monotonic. */
  readAt: number
  /** What it was loaded for. */
  settings: string
  loaded: LoadedUpstreams
}

/** Upstreams of each mirror, kept in memory between runs. */
export class WarmUpstreams {
  readonly #loader: UpstreamLoader
  readonly #clock: Clock
  readonly #warm = new Map<string, Warm>()
  /** Loads of one mirror happen one after the other: the second finds what the first has read. */
  readonly #loading = new Map<string, Promise<unknown>>()

  constructor(loader: UpstreamLoader, clock: Clock) {
    this.#loader = loader
    this.#clock = clock
  }

  /** As loadUpstreams, unless they were read less than `freshForMs` ago. */
  async load(context: FormatContext, request: AptRequest): Promise<LoadedUpstreams> {
    const before = this.#loading.get(request.name) ?? Promise.resolve()
    const loading = before.then(
      () => this.#loadNow(context, request),
      () => this.#loadNow(context, request),
    )
    this.#loading.set(request.name, loading)
    return loading
  }

  async #loadNow(context: FormatContext, request: AptRequest): Promise<LoadedUpstreams> {
    const { suite, components, architectures, sources } = request.mirror
    const settings = JSON.stringify([request.upstreams, suite, components, architectures, sources])
    const known = this.#warm.get(request.name)
    const usable = known?.settings === settings ? known : undefined
    if (usable !== undefined && this.#clock.monotonicMs() - usable.readAt < context.freshForMs) return usable.loaded
    const loaded = await loadUpstreams(this.#loader, context, request, usable?.loaded)
    this.#warm.set(request.name, { readAt: this.#clock.monotonicMs(), settings, loaded })
    return loaded
  }

  /** Removes compiled indices that no warm mirror uses and that are more than a day old. */
  async tidy(): Promise<void> {
    const used = new Set<string>()
    for (const { loaded } of this.#warm.values()) {
      for (const suite of loaded.suites) for (const index of suite.indices) used.add(hexOf(index.digest))
    }
    const { cacheFolder } = this.#loader
    for (const name of await readdir(cacheFolder)) {
      const [key = ''] = /[0-9a-f]{64}/.exec(name) ?? []
      const path = join(cacheFolder, name)
      const file = await stat(path)
      const isOld = this.#clock.now().getTime() - file.mtimeMs > dayMs
      if (isOld && !used.has(key)) await rm(path, { force: true })
    }
  }
}
