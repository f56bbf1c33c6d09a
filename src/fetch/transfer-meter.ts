import type { Clock, Progress, TransferState } from '../core/index.ts'
import type { FetchResult, LabelledRequest } from './fetcher.ts'

/** Adds up how far many transfers are, and tells it at most ten times a second. */
export class TransferMeter {
  readonly #clock: Clock
  readonly #progress: Progress
  readonly #state: TransferState
  #toldAtMs = -Infinity

  constructor(clock: Clock, progress: Progress, requests: readonly LabelledRequest[]) {
    this.#clock = clock
    this.#progress = progress
    const totalBytes = requests.reduce((sum, { expected }) => sum + (expected?.sizeBytes ?? 0), 0)
    this.#state = { label: '', doneBytes: 0, totalBytes, doneItems: 0, totalItems: requests.length }
  }

  /** So many more bytes are held; fewer when a transfer began again. */
  move(request: LabelledRequest, moreBytes: number): void {
    this.#state.doneBytes += moreBytes
    if (request.expected?.sizeBytes === undefined) this.#state.totalBytes += moreBytes
    this.#tell(request.label)
  }

  /** The file is there; `movedBytes` were told by move. */
  finish(request: LabelledRequest, movedBytes: number, result: FetchResult): void {
    const sizeBytes = request.expected?.sizeBytes ?? (result.kind === 'fetched' ? result.sizeBytes : 0)
    this.#state.doneBytes += sizeBytes - movedBytes
    if (request.expected?.sizeBytes === undefined) this.#state.totalBytes += sizeBytes - movedBytes
    this.#state.doneItems++
    this.#tell(request.label)
  }

  #tell(label: string): void {
    const nowMs = this.#clock.monotonicMs()
    const isLast = this.#state.doneItems === this.#state.totalItems
    if (nowMs - this.#toldAtMs < 100 && !isLast) return
    this.#toldAtMs = nowMs
    this.#state.label = label
    this.#progress.transfer({ ...this.#state })
  }
}
