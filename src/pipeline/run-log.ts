import { describeTransfer, TransferRate, type Clock, type Progress, type TransferState } from '../core/index.ts'
import type { RunStore } from './run-store.ts'

const flushEveryMs = 100
const tellTransferEveryMs = 2000

export interface RunLog {
  readonly progress: Progress
  /** Resolves when all that was said so far is written. */
  flush(): Promise<void>
}

/** Progress that ends in the log of a run. Lines are written in batches, in order. */
export function createRunLog(runs: RunStore, runId: number, clock: Clock): RunLog {
  let pending: string[] = []
  let writing: Promise<void> = Promise.resolve()
  let timer: NodeJS.Timeout | undefined
  let toldTransferAt = 0
  const rate = new TransferRate(clock)

  const flush = (): Promise<void> => {
    clearTimeout(timer)
    timer = undefined
    const batch = pending
    pending = []
    writing = writing.then(() => runs.log(runId, batch))
    return writing
  }
  const log = (message: string): void => {
    pending.push(message)
    // A failure is kept in `writing`, and met by whoever flushes last.
    timer ??= setTimeout(() => {
      flush().catch(() => undefined)
    }, flushEveryMs).unref()
  }
  const transfer = (state: TransferState): void => {
    const at = clock.monotonicMs()
    const finished = state.doneItems === state.totalItems
    if (!finished && at - toldTransferAt < tellTransferEveryMs) return
    toldTransferAt = at
    log(describeTransfer(state, rate.read(state)))
  }
  return { progress: { log, transfer }, flush }
}
