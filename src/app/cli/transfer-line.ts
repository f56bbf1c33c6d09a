import { describeTransfer, TransferRate, type Clock, type TransferState } from '../../core/index.ts'

/** One line on a terminal that is written over: bytes, rate and time left. Nothing where standard error is no terminal. */
export interface TransferLine {
  show: (state: TransferState) => void
  clear: () => void
}

const redrawEveryMs = 100

export function createTransferLine(stream: NodeJS.WriteStream, clock: Clock): TransferLine {
  const rate = new TransferRate(clock)
  let drawnAt = -Infinity
  return {
    clear: () => {
      if (stream.isTTY && drawnAt >= 0) stream.write('\r\x1b[K')
    },
    show: (state) => {
      const at = clock.monotonicMs()
      if (!stream.isTTY || at - drawnAt < redrawEveryMs) return
      drawnAt = at
      stream.write(`\r\x1b[K${describeTransfer(state, rate.read(state))}`)
    },
  }
}
