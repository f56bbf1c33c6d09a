// The thread of load.ts that says when each delivery is due, by the clock that threads have in common.
import { parentPort, workerData } from 'node:worker_threads'

export interface MetronomeOptions {
  perSecond: number
  total: number
}

const { perSecond, total } = workerData as MetronomeOptions
const nobody = new Int32Array(new SharedArrayBuffer(4))
const now = (): number => performance.timeOrigin + performance.now()
const startedAt = now()

for (let count = 0; count < total; count++) {
  const dueAt = startedAt + (count * 1000) / perSecond
  const waitMs = dueAt - now()
  // A timer of Node is up to a millisecond late; this one some hundredths.
  if (waitMs > 0) Atomics.wait(nobody, 0, 0, waitMs)
  parentPort?.postMessage(dueAt)
}
