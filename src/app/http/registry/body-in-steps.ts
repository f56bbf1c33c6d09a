import type { Readable } from 'node:stream'
import { freeMemory, ioBuffer } from '../../../core/index.ts'

/**
 * The body of a request in steps of half a MiB, the next being gathered while one is stored: the small pieces in which it
 * comes cost more to hand on than to copy. A step is good until the next is asked for; of a client that is slow, steps are smaller. What came before the client went
 * away is given before that is thrown. Whoever stops early leaves the connection as it is, paused.
 */
export async function* bodyInSteps(request: Readable): AsyncGenerator<Buffer, void, void> {
  const steps = new GatheredSteps(request)
  bodies++
  try {
    for (let step = await steps.next(); step !== undefined; step = await steps.next()) {
      yield step
      giveBack(step)
    }
  } finally {
    steps.stop()
    if (--bodies === 0) for (const step of spare.splice(0)) freeMemory(step)
  }
}

class GatheredSteps {
  readonly #request: Readable
  readonly #full: Buffer[] = []
  #gathering: Buffer | undefined
  #gatheredBytes = 0
  #isOver = false
  #failure: Error | undefined
  #patience: NodeJS.Timeout | undefined
  #wake: () => void = () => undefined

  constructor(request: Readable) {
    this.#request = request
    this.#isOver = request.readableEnded
    if (request.destroyed && !this.#isOver) this.#fail(request.errored ?? undefined)
    request.on('data', this.#take).once('end', this.#end).once('error', this.#fail).once('close', this.#close)
  }

  /** Undefined when there are no more. What the request failed with. */
  async next(): Promise<Buffer | undefined> {
    if (this.#full.length < mostWaiting) this.#request.resume()
    while (this.#full.length === 0 && !this.#isOver) {
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    const step = this.#full.shift()
    if (step === undefined && this.#failure !== undefined) throw this.#failure
    return step
  }

  stop(): void {
    this.#request.off('data', this.#take).off('end', this.#end).off('error', this.#fail).off('close', this.#close)
    // A request that fails later on, while what is left of it is thrown away, is of interest to nobody.
    this.#request.on('error', () => undefined)
    this.#request.pause()
    clearTimeout(this.#patience)
    for (const step of this.#full.splice(0)) giveBack(step)
    if (this.#gathering !== undefined) giveBack(this.#gathering)
  }

  readonly #take = (piece: Buffer): void => {
    if (piece.length > stepBytes) {
      this.#handOver()
      this.#full.push(piece)
      this.#wake()
    } else {
      if (this.#gatheredBytes + piece.length > stepBytes) this.#handOver()
      this.#gathering ??= spare.pop() ?? ioBuffer(stepBytes)
      this.#gathering.set(piece, this.#gatheredBytes)
      this.#gatheredBytes += piece.length
      forget(piece)
    }
    this.#patience ??= setTimeout(this.#handOver, patienceMs)
    if (this.#full.length >= mostWaiting) this.#request.pause()
  }

  readonly #handOver = (): void => {
    clearTimeout(this.#patience)
    this.#patience = undefined
    if (this.#gathering === undefined) return
    this.#full.push(this.#gathering.subarray(0, this.#gatheredBytes))
    this.#gathering = undefined
    this.#gatheredBytes = 0
    this.#wake()
  }

  readonly #end = (): void => {
    this.#handOver()
    this.#isOver = true
    this.#wake()
  }

  readonly #fail = (error: Error = new Error('the client went away')): void => {
    this.#failure ??= error
    this.#end()
  }

  readonly #close = (): void => {
    if (!this.#isOver) this.#fail()
  }
}

/** A multiple of the pieces in which Node reads a connection. */
const stepBytes = 524_288
/** Steps that wait while one is stored; the rest waits in the kernel. Fewer, and this thread stands still while another writes. */
const mostWaiting = 3
/** What has come is stored after this, though it is less than a step: who asks how far the upload is, is told of it. */
const patienceMs = 50
/** That are being read. With the last of them goes the memory which they used in turn. */
let bodies = 0
const spare: Buffer[] = []
const mostSpare = 4

function giveBack(step: Buffer): void {
  const isOurs = step.buffer.byteLength - step.byteOffset === stepBytes
  if (!isOurs) return
  if (spare.length < mostSpare) spare.push(Buffer.from(step.buffer, step.byteOffset, stepBytes))
  else freeMemory(step)
}

/** Its memory goes at once: left to the garbage collector, a large blob would take as much as everything else. */
function forget(piece: Buffer): void {
  if (piece.length === piece.buffer.byteLength) freeMemory(piece)
}
