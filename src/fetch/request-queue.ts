import type { LabelledRequest } from './fetcher.ts'
import { hostOf } from './fetch-url.ts'

export interface QueuedRequest {
  request: LabelledRequest
  /** In the caller's list. */
  position: number
}

/** Gives out requests, the largest first, from the host with the fewest under way, so that no host's queue holds up another's. */
export class RequestQueue {
  readonly #hosts = new Map<string, { waiting: QueuedRequest[]; active: number }>()
  readonly size: number

  constructor(items: readonly QueuedRequest[]) {
    this.size = items.length
    const ascending = items.toSorted((a, b) => sizeOf(a) - sizeOf(b) || b.position - a.position)
    for (const item of ascending) this.#host(item).waiting.push(item)
  }

  take(): QueuedRequest | undefined {
    let best: { waiting: QueuedRequest[]; active: number } | undefined
    for (const host of this.#hosts.values()) {
      if (host.waiting.length > 0 && (best === undefined || host.active < best.active)) best = host
    }
    if (!best) return undefined
    best.active++
    return best.waiting.pop()
  }

  done(item: QueuedRequest): void {
    this.#host(item).active--
  }

  #host(item: QueuedRequest) {
    const name = hostOf(item.request.urls[0] ?? '')
    let host = this.#hosts.get(name)
    if (!host) this.#hosts.set(name, (host = { waiting: [], active: 0 }))
    return host
  }
}

function sizeOf(item: QueuedRequest): number {
  return item.request.expected?.sizeBytes ?? 0
}
