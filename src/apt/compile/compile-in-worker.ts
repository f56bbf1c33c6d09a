import { Worker } from 'node:worker_threads'
import { LarderError } from '../../core/index.ts'
import type { CompileTask, FromWorker, SentFailure, ToWorker } from './messages.ts'
import { mostPartsUnderWay } from './messages.ts'

/**
 * Compiles a packed index in a thread of its own, which has ended when this has. Throws what compiling in this thread
 * would, and what the source throws. CANCELLED. `worker`: one that was started before and has done nothing yet.
 */
export async function compileInWorker(
  source: AsyncIterable<Uint8Array>,
  task: CompileTask,
  { signal, worker = startWorker() }: { signal: AbortSignal; worker?: Worker },
): Promise<void> {
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
  const stop = (): void => post(worker, { kind: 'stop' })
  signal.addEventListener('abort', stop, { once: true })
  const written = outcomeOf(worker)
  post(worker, { kind: 'task', task })
  if (signal.aborted) stop()
  try {
    await feed(source, worker)
    await written
  } finally {
    signal.removeEventListener('abort', stop)
    stop()
    await ended
  }
}

export function startWorker(): Worker {
  return new Worker(new URL('./worker.ts', import.meta.url))
}

/** At the pace of the worker, and no longer than it takes any. */
async function feed(source: AsyncIterable<Uint8Array>, worker: Worker): Promise<void> {
  let [underWay, isOver] = [0, false]
  let resume = (): void => undefined
  worker.on('message', ({ kind }: FromWorker) => {
    if (kind === 'used') underWay--
    else isOver = true
    resume()
  })
  worker.once('exit', () => {
    isOver = true
    resume()
  })
  for await (const part of source) {
    // A part may share its memory with others: what is handed over must be its own.
    const bytes = new Uint8Array(part)
    post(worker, { kind: 'part', bytes }, [bytes.buffer])
    if (++underWay >= mostPartsUnderWay) await new Promise<void>((resolve) => (resume = resolve))
    if (isOver) return
  }
  post(worker, { kind: 'end' })
}

function post(worker: Worker, message: ToWorker, moved: readonly ArrayBuffer[] = []): void {
  worker.postMessage(message, moved)
}

function outcomeOf(worker: Worker): Promise<void> {
  const written = new Promise<void>((resolve, reject) => {
    worker.on('message', (message: FromWorker) => {
      if (message.kind === 'written') resolve()
      else if (message.kind === 'failed') reject(received(message.failure))
    })
    worker.once('error', reject)
    worker.once('exit', (code) => {
      reject(new Error(`the thread that compiles an index ended with ${code}`))
    })
  })
  // When the source fails, nobody asks for it.
  written.catch(() => undefined)
  return written
}

function received(failure: SentFailure): Error {
  if (failure.code !== undefined) {
    const { code, message, hint, context } = failure
    return new LarderError(code, { message, ...(hint === undefined ? {} : { hint }), context })
  }
  const { message, stack, systemCode } = failure
  return Object.assign(new Error(message), { stack }, systemCode === undefined ? {} : { code: systemCode })
}
