import type { Clock, Progress, TransferState } from '../core/index.ts'
import type { RunStore } from './run-store.ts'

const flushEveryMs = 100
const tellTransferEveryMs = 2000

/** Progress that ends in the log of a run. Lines are written in batches, in order. */
export function createRunLog(
  runs: RunStore,
  runId: number,
  clock: Clock,
): { progress: Progress; flush(): Promise<void> } {
  let pending: string[] = []
  let writing: Promise<void> = Promise.resolve()
  let timer: NodeJS.Timeout | undefined
  let toldTransferAt = 0

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
    timer ??= setTimeout(() => void flush().catch(() => {}), flushEveryMs).unref()
  }
  const transfer = (state: TransferState): void => {
    const at = clock.monotonicMs()
    const finished = state.doneItems === state.totalItems
    if (!finished && at - toldTransferAt < tellTransferEveryMs) return
    toldTransferAt = at
    log(
      `${state.label}: ${state.doneItems} of ${state.totalItems} files, ${megabytes(state.doneBytes)} of ${megabytes(state.totalBytes)} MB`,
    )
  }
  return { progress: { log, transfer }, flush }
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1)
}
