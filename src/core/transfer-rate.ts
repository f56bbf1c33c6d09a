import type { Clock } from './clock.ts'
import { formatBytes } from './format-bytes.ts'
import type { TransferState } from './progress.ts'

/** Weight of the newest reading: smooth, yet follows a change within seconds. */
const smoothing = 0.1

/** Bytes a second of the transfer under way, smoothed. */
export class TransferRate {
  readonly #clock: Clock
  #last: { at: number; bytes: number; label: string } | undefined
  #bytesPerSecond = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Takes a reading and answers the rate so far: 0 while it is not known. */
  read({ label, doneBytes }: TransferState): number {
    const at = this.#clock.monotonicMs()
    const last = this.#last
    if (last === undefined || last.label !== label || doneBytes < last.bytes) this.#bytesPerSecond = 0
    else if (at > last.at) {
      const reading = ((doneBytes - last.bytes) / (at - last.at)) * 1000
      this.#bytesPerSecond =
        this.#bytesPerSecond === 0 ? reading : this.#bytesPerSecond * (1 - smoothing) + reading * smoothing
    }
    this.#last = { at, bytes: doneBytes, label }
    return this.#bytesPerSecond
  }
}

/** `packages: 12 of 103 files, 34.1 MB of 103.2 MB, 21.0 MB/s, 4 s left` */
export function describeTransfer(state: TransferState, bytesPerSecond: number): string {
  const { label, doneBytes, totalBytes, doneItems, totalItems } = state
  const parts = [
    `${label}: ${doneItems} of ${totalItems} files`,
    `${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`,
  ]
  if (bytesPerSecond > 0) {
    parts.push(`${formatBytes(Math.round(bytesPerSecond))}/s`)
    const leftBytes = Math.max(totalBytes - doneBytes, 0)
    if (leftBytes > 0) parts.push(`${Math.ceil(leftBytes / bytesPerSecond)} s left`)
  }
  return parts.join(', ')
}
