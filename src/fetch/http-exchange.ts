import type { Dispatcher } from 'undici'

export interface AnswerHead {
  status: number
  /** By lower-case names. */
  headers: Readonly<Record<string, string | string[] | undefined>>
}

/**
 * One request of undici's and its answer, whose body is read as it arrives. Without a stream of Node's in between:
 * making one takes as long as a small file takes to arrive.
 */
export class HttpExchange implements Dispatcher.DispatchHandler, AsyncIterable<Buffer> {
  /** Rejects with what the connection threw, or the reason of the signal. */
  readonly head: Promise<AnswerHead>
  readonly #head = Promise.withResolvers<AnswerHead>()
  readonly #signal: AbortSignal
  #controller: Dispatcher.DispatchController | undefined
  #chunks: Buffer[] = []
  #heldBytes = 0
  #isOver = false
  #failure: { error: unknown } | undefined
  /** Somebody waits for the next chunk. */
  #reader: PromiseWithResolvers<IteratorResult<Buffer, undefined>> | undefined

  constructor(signal: AbortSignal) {
    this.#signal = signal
    this.head = this.#head.promise
    if (signal.aborted) this.#stop(signal.reason)
    else signal.addEventListener('abort', this.#onAbort)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#failure !== undefined) controller.abort(asError(this.#failure.error))
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: AnswerHead['headers']): void {
    if (status >= 200) this.#head.resolve({ status, headers })
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isOver) return
    if (this.#reader !== undefined) return this.#answer({ done: false, value: chunk })
    this.#chunks.push(chunk)
    this.#heldBytes += chunk.length
    if (this.#heldBytes >= mostHeldBytes) controller.pause()
  }

  onResponseEnd(): void {
    this.#end()
    this.#answer({ done: true, value: undefined })
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#fail(error)
  }

  /** Also when nothing was sent, and no other call will come. */
  refuse(error: unknown): void {
    this.#fail(error)
  }

  /** Reads no further, and frees the connection. */
  discard(): void {
    if (!this.#isOver) this.#stop(new Error('nobody reads on'))
    this.#chunks = []
  }

  /** To be read once. */
  [Symbol.asyncIterator](): AsyncIterator<Buffer, undefined> {
    return { next: () => this.#next() }
  }

  #next(): Promise<IteratorResult<Buffer, undefined>> {
    if (this.#chunks.length > 0) {
      // All that has come meanwhile is one chunk: what is done with each costs more than to copy it.
      const value = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks, this.#heldBytes)
      this.#chunks = []
      this.#heldBytes = 0
      if (this.#controller?.paused === true) this.#controller.resume()
      return Promise.resolve({ done: false, value })
    }
    // What a connection throws need not be an Error.
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error)
    if (this.#isOver) return Promise.resolve({ done: true, value: undefined })
    this.#reader = Promise.withResolvers()
    return this.#reader.promise
  }

  #answer(result: IteratorResult<Buffer, undefined>): void {
    this.#reader?.resolve(result)
    this.#reader = undefined
  }

  readonly #onAbort = (): void => {
    this.#stop(this.#signal.reason)
  }

  #stop(reason: unknown): void {
    this.#chunks = []
    this.#fail(reason)
    this.#controller?.abort(asError(reason))
  }

  #fail(error: unknown): void {
    if (this.#isOver) return
    this.#failure = { error }
    this.#end()
    this.#head.reject(error)
    // Where the head has come already, or nobody waits for it any more.
    this.head.catch(() => undefined)
    this.#reader?.reject(error)
    this.#reader = undefined
  }

  #end(): void {
    this.#isOver = true
    this.#signal.removeEventListener('abort', this.#onAbort)
  }
}

/** Of a body that nobody reads yet; then the connection waits. */
const mostHeldBytes = 256 * 1024

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason))
}
