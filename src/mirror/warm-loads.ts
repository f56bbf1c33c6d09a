import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../core/index.ts'
import type { FormatContext } from './format.ts'

export interface WarmLoadsOptions<Request, Loaded> {
  clock: Clock
  /** Answers `earlier` where nothing changed. */
  load: (context: FormatContext, request: Request, earlier: Loaded | undefined) => Promise<Loaded>
  /** What of a request decides what is loaded. */
  settingsOf: (request: Request) => unknown
  /** False when what was loaded is damaged: it is loaded anew, however fresh. */
  isSound: (loaded: Loaded) => boolean
}

interface Warm<Loaded> {
  /** Monotonic. */
  readAt: number
  settings: string
  loaded: Loaded
}

/** Upstreams of each mirror, kept in memory between runs. */
export class WarmLoads<Request extends { name: string }, Loaded> {
  readonly #options: WarmLoadsOptions<Request, Loaded>
  readonly #warm = new Map<string, Warm<Loaded>>()
  /** Loads of one mirror happen one after the other: the second finds what the first has read. */
  readonly #loading = new Map<string, Promise<unknown>>()

  constructor(options: WarmLoadsOptions<Request, Loaded>) {
    this.#options = options
  }

  /** Anew, unless they were read less than `freshForMs` ago. */
  async load(context: FormatContext, request: Request): Promise<Loaded> {
    const before = this.#loading.get(request.name) ?? Promise.resolve()
    const loading = before.then(
      () => this.#loadNow(context, request),
      () => this.#loadNow(context, request),
    )
    this.#loading.set(request.name, loading)
    return loading
  }

  /** What is in memory. */
  loaded(): Loaded[] {
    return [...this.#warm.values()].map(({ loaded }) => loaded)
  }

  async #loadNow(context: FormatContext, request: Request): Promise<Loaded> {
    const { clock, load, settingsOf, isSound } = this.#options
    const settings = JSON.stringify(settingsOf(request))
    const known = this.#warm.get(request.name)
    const usable = known?.settings === settings && isSound(known.loaded) ? known : undefined
    if (usable !== undefined && clock.monotonicMs() - usable.readAt < context.freshForMs) return usable.loaded
    const loaded = await load(context, request, usable?.loaded)
    this.#warm.set(request.name, { readAt: clock.monotonicMs(), settings, loaded })
    return loaded
  }
}

const dayMs = 24 * 3600_000

/**
 * Removes files that are named after something of 64 hex digits, that nobody uses (`used`) and that are more than a day
 * old.
 */
export async function tidyCacheFolder(
  folder: string,
  { used, now }: { used: ReadonlySet<string>; now: Date },
): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const [key = ''] = /[0-9a-f]{64}/.exec(entry.name) ?? []
    if (!entry.isFile() || used.has(key)) continue
    const path = join(folder, entry.name)
    const { mtimeMs } = await stat(path)
    if (now.getTime() - mtimeMs > dayMs) await rm(path, { force: true })
  }
}
