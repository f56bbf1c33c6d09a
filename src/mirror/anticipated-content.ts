import type { KindContext, Progress, TransferState } from '../core/index.ts'
import type { LeaseId } from '../store/index.ts'
import type { MirrorKindOptions } from './mirror-kind.ts'
import { contentBase, makeContent, type ContentBase, type MakingChange, type MirrorContent } from './mirror-content.ts'

/** What is not asked for this long after it was begun is dropped. */
const keptForMs = 60_000

interface Anticipated {
  change: MakingChange
  base: ContentBase
  abort: AbortController
  progress: ForwardedProgress
  /** Undefined when it failed. */
  content: Promise<MirrorContent | undefined>
  drop: () => Promise<void>
}

/**
 * Contents that are made before anybody has asked for them: between a push being found valid and its run, git moves refs
 * and starts programs, and Larder would stand still. One for each mirror, and never beside a stage of the same mirror,
 * as formats remember how they composed it last.
 */
export class AnticipatedContents {
  readonly #options: MirrorKindOptions
  readonly #begun = new Map<string, Promise<Anticipated | undefined>>()
  readonly #staging = new Set<string>()

  constructor(options: MirrorKindOptions) {
    this.#options = options
  }

  /** Never throws. Does nothing while a stage or an earlier call is at work on the mirror. */
  begin(context: KindContext, change: MakingChange): void {
    const { mirror } = change.detail
    if (this.#staging.has(mirror) || this.#begun.has(mirror)) return
    this.#begun.set(
      mirror,
      this.#begin(context, change).catch(() => undefined),
    )
  }

  /**
   * Makes the content of a change, or takes what was begun for the very same. The blobs of it are kept until `use` has
   * ended.
   */
  async make<T>(context: KindContext, change: MakingChange, lease: LeaseId, use: Use<T>): Promise<T> {
    const { mirror } = change.detail
    this.#staging.add(mirror)
    const begun = await this.#begun.get(mirror)
    this.#begun.delete(mirror)
    try {
      const base = await contentBase(this.#options.publisher, change)
      const known = begun && (await this.#take(begun, { context, change, base }))
      const { progress, signal, freshForMs } = context
      signal.throwIfAborted()
      const formatContext = { lease, progress, signal, freshForMs, now: this.#options.clock.now() }
      return await use(known ?? (await makeContent(formatContext, change, base)), base)
    } finally {
      this.#staging.delete(mirror)
      await begun?.drop()
    }
  }

  async #begin(context: KindContext, change: MakingChange): Promise<Anticipated> {
    const { publisher, leases, clock } = this.#options
    const { mirror } = change.detail
    const base = await contentBase(publisher, change)
    const lease = await leases.acquire(`anticipated/${mirror}`, 2 * keptForMs)
    const abort = new AbortController()
    const progress = new ForwardedProgress()
    const signal = AbortSignal.any([abort.signal, context.signal])
    const formatContext = { lease, progress, signal, freshForMs: context.freshForMs, now: clock.now() }
    const content = makeContent(formatContext, change, base).catch(() => undefined)
    const drop = async (): Promise<void> => {
      clearTimeout(timer)
      abort.abort()
      await content
      await leases.release(lease)
    }
    const begun: Anticipated = { change, base, abort, progress, content, drop }
    const timer = setTimeout(() => {
      this.#forget(mirror, begun).catch(() => undefined)
    }, keptForMs).unref()
    return begun
  }

  /** What nobody has asked for. Where even that fails, its lease ends by itself. */
  async #forget(mirror: string, begun: Anticipated): Promise<void> {
    await begun.drop()
    const kept = await this.#begun.get(mirror)
    if (kept === begun) this.#begun.delete(mirror)
  }

  /** Undefined when it is of something else, or has failed: it has ended then. */
  async #take(
    { change, base, abort, progress, content }: Anticipated,
    asked: { context: KindContext; change: MakingChange; base: ContentBase },
  ): Promise<MirrorContent | undefined> {
    const { signal } = asked.context
    const isSame =
      change.work.resolution === asked.change.work.resolution &&
      change.work.observed.loaded === asked.change.work.observed.loaded &&
      change.detail.inputs === asked.change.detail.inputs &&
      base.since === asked.base.since &&
      base.isTrusted === asked.base.isTrusted
    const stop = (): void => {
      abort.abort(signal.reason)
    }
    if (!isSame || signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    progress.forwardTo(asked.context.progress)
    const made = await content
    signal.removeEventListener('abort', stop)
    return isSame ? made : undefined
  }
}

type Use<T> = (content: MirrorContent, base: ContentBase) => Promise<T>

/** Keeps what was told until somebody listens; of transfers the last state. */
class ForwardedProgress implements Progress {
  #target: Progress | undefined
  readonly #lines: string[] = []
  #transfer: TransferState | undefined

  log(message: string): void {
    if (this.#target === undefined) this.#lines.push(message)
    else this.#target.log(message)
  }

  transfer(state: TransferState): void {
    this.#transfer = state
    this.#target?.transfer(state)
  }

  forwardTo(target: Progress): void {
    this.#target = target
    for (const line of this.#lines) target.log(line)
    if (this.#transfer !== undefined) target.transfer(this.#transfer)
  }
}
