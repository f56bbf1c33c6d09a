/**
 * The thread that compiles one large index, while the controller goes on. It is given the packed index in messages and
 * writes the compiled file; its code is the same that compiles small ones in the controller's own thread.
 */
import { parentPort } from 'node:worker_threads'
import { isLarderError, LarderError } from '../../core/index.ts'
import { decompress } from '../../unpack/index.ts'
import { writeIndex } from '../compile-index.ts'
import type { CompileTask, FromWorker, SentFailure, ToWorker } from './messages.ts'

const port = parentPort!
const { promise: told, resolve: tell } = Promise.withResolvers<CompileTask>()
const stopping = new AbortController()
const received: Uint8Array[] = []
let isWhole = false
let wake = (): void => undefined

port.on('message', (message: ToWorker) => {
  if (message.kind === 'task') tell(message.task)
  else if (message.kind === 'part') received.push(message.bytes)
  else if (message.kind === 'end') isWhole = true
  else stopping.abort()
  wake()
})

async function* parts(): AsyncGenerator<Uint8Array> {
  for (;;) {
    if (stopping.signal.aborted) throw new LarderError('CANCELLED', { message: 'compiling an index was stopped' })
    const part = received.shift()
    if (part !== undefined) {
      yield part
      answer({ kind: 'used' })
    } else if (isWhole) return
    else await new Promise<void>((resolve) => (wake = resolve))
  }
}

function answer(message: FromWorker): void {
  port.postMessage(message)
}

function sendable(error: unknown): SentFailure {
  if (isLarderError(error)) return error.toJSON()
  if (!(error instanceof Error)) return { code: undefined, message: String(error), stack: undefined }
  const { message, stack, code } = error as NodeJS.ErrnoException
  return { code: undefined, message, stack, ...(code === undefined ? {} : { systemCode: code }) }
}

const { form, options } = await told
try {
  await writeIndex(decompress(parts(), form.format, { ...form, signal: stopping.signal }), options)
  answer({ kind: 'written' })
} catch (error) {
  answer({ kind: 'failed', failure: sendable(error) })
}
port.close()
