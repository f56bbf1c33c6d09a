// The thread of checkpoints.ts: brings the journal into the database each time that it is asked to.
import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'

/** Pages in the journal, and how many of them are in the database by now. */
export interface CheckpointResult {
  pages: number
  done: number
}

/** Each finds only what came during the one before: the last may find nothing, and then the journal begins anew. */
const mostPasses = 5

const database = new DatabaseSync((workerData as { path: string }).path)
database.exec('PRAGMA synchronous = NORMAL')
const checkpoint = database.prepare('PRAGMA wal_checkpoint(PASSIVE)')

parentPort?.on('message', (ask: 'checkpoint' | 'close') => {
  if (ask === 'close') {
    database.close()
    parentPort?.close()
    return
  }
  let result = bringIn()
  for (let pass = 1; pass < mostPasses && result.done < result.pages; pass++) result = bringIn()
  parentPort?.postMessage(result)
})

function bringIn(): CheckpointResult {
  const row = checkpoint.get()
  return { pages: Number(row?.['log']), done: Number(row?.['checkpointed']) }
}
