import { formatBytes, type Clock, type TransferState } from '../../core/index.ts'

/** One line on a terminal that is written over: bytes, rate and time left. Nothing where standard error is no terminal. */
export interface TransferLine {
  show: (state: TransferState) => void
  clear: () => void
}

const redrawEveryMs = 100
/** Weight of the newest reading in the rate: smooth, yet follows a change within seconds. */
const smoothing = 0.1

export function createTransferLine(stream: NodeJS.WriteStream, clock: Clock): TransferLine {
  let drawnAt = -Infinity
  let last: { at: number; bytes: number; label: string } | undefined
  let rate = 0
  const clear = (): void => {
    if (stream.isTTY && last !== undefined) stream.write('\r\x1b[K')
  }
  return {
    clear,
    show(state) {
      const at = clock.monotonicMs()
      if (!stream.isTTY || at - drawnAt < redrawEveryMs) return
      if (last?.label === state.label && at > last.at) {
        const reading = ((state.doneBytes - last.bytes) / (at - last.at)) * 1000
        rate = rate === 0 ? reading : rate * (1 - smoothing) + reading * smoothing
      }
      last = { at, bytes: state.doneBytes, label: state.label }
      drawnAt = at
      stream.write(`\r\x1b[K${describeTransfer(state, rate)}`)
    },
  }
}

/** `base: 12 of 103 files, 34.1 MB of 103.2 MB, 21.0 MB/s, 3 s left` */
export function describeTransfer(state: TransferState, bytesPerSecond: number): string {
  const { label, doneBytes, totalBytes, doneItems, totalItems } = state
  const parts = [
    `${label}: ${doneItems} of ${totalItems} files`,
    `${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`,
  ]
  if (bytesPerSecond > 0) {
    parts.push(`${formatBytes(Math.round(bytesPerSecond))}/s`)
    parts.push(`${Math.ceil(Math.max(totalBytes - doneBytes, 0) / bytesPerSecond)} s left`)
  }
  return parts.join(', ')
}
