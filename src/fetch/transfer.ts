import { type Clock, isLarderError, LarderError, retell } from '../core/index.ts'
import type { Upload } from '../store/index.ts'
import type { Bandwidth } from './bandwidth.ts'
import { classify, type Reception } from './classify.ts'
import type { FetchRequest, Validators } from './fetcher.ts'
import { redactUrl } from './fetch-url.ts'
import { getFollowing } from './follow.ts'
import type { FetchLimits } from './limits.ts'
import { networkFailure } from './network-failure.ts'
import { tooLarge, type Outcome } from './outcome.ts'
import type { Pace } from './pace.ts'
import type { PaceWatch } from './pace-watch.ts'
import type { ProxySettings } from './proxy.ts'
import { formatTag, hasHash, rangeHeaders } from './resume.ts'
import type { Answer, Transport } from './transport.ts'

/** What every transfer works with. */
export interface TransferKit {
  clock: Clock
  limits: FetchLimits
  bandwidth: Bandwidth
  pace: PaceWatch
  transports: Readonly<Record<string, Transport>>
  proxy: ProxySettings
}

export interface TransferTask {
  request: FetchRequest
  url: URL
  /** Opens, or takes up again, where the bytes go. */
  openUpload: () => Promise<Upload>
  /** The connection is free; what is left is checking and storing. */
  onReceived: () => void
  /** Throw away what an earlier transfer left. */
  fresh: boolean
  signal: AbortSignal
  /** Told how many more bytes are held; negative when bytes were thrown away. */
  onBytes: (moreBytes: number) => void
}

/** One try at one address: takes up what is held, receives the rest, checks and stores it. DISK_FULL, CANCELLED. */
export async function transfer(kit: TransferKit, task: TransferTask): Promise<Outcome> {
  const upload = await task.openUpload()
  let ended = false
  let worthless = false
  const held = { bytes: task.fresh ? 0 : upload.offsetBytes }
  try {
    if (task.fresh && upload.offsetBytes > 0) await upload.restart('')
    task.onBytes(held.bytes)
    const outcome = await receiveOver(kit, task, upload, held)
    if (outcome.kind !== 'received') {
      if (outcome.kind === 'failed') outcome.heldBytes = held.bytes
      return outcome
    }
    ended = true
    task.onReceived()
    return await commit(task, upload, outcome)
  } catch (error) {
    if (!isLarderError(error) || !error.code.startsWith('FETCH_')) throw error
    worthless = error.code === 'FETCH_TOO_LARGE'
    return { kind: 'failed', error, then: error.retryable ? 'retry' : 'next', heldBytes: held.bytes }
  } finally {
    if (!ended) await (worthless ? upload.abort() : upload.suspend())
  }
}

type Received = { kind: 'received'; resumed: boolean; validators: Validators; url: URL }

/** Runs the request under a watch for slowness. */
async function receiveOver(
  kit: TransferKit,
  task: TransferTask,
  upload: Upload,
  held: { bytes: number },
): Promise<Outcome | Received> {
  if (isComplete(task.request, held.bytes)) {
    return { kind: 'received', resumed: true, validators: {}, url: task.url }
  }
  const stop = new AbortController()
  const cancel = (): void => stop.abort(task.signal.reason)
  if (task.signal.aborted) cancel()
  task.signal.addEventListener('abort', cancel)
  const pace = kit.pace.begin(stop, redactUrl(task.url))
  try {
    pace.waiting()
    const headers = await rangeHeaders(upload, task.request, task.url, held)
    const answer = await getFollowing(kit.transports, task.url, {
      headers,
      authorization: task.request.authorization,
      signal: stop.signal,
      proxy: task.request.proxy ?? kit.proxy,
      maxRedirects: kit.limits.redirects,
    })
    const reception = classify(answer, { request: task.request, askedFrom: held.bytes, now: kit.clock.now(), headers })
    if (reception.kind !== 'receive') {
      answer.discard()
      return reception
    }
    if (!reception.resumed) await startAnew(upload, task, { held, answer })
    await receive({ kit, task, upload, held, pace, stop: stop.signal }, answer, reception)
    return { kind: 'received', resumed: reception.resumed, validators: reception.validators, url: answer.url }
  } finally {
    kit.pace.end(pace)
    task.signal.removeEventListener('abort', cancel)
  }
}

function isComplete(request: FetchRequest, heldBytes: number): boolean {
  return hasHash(request) && heldBytes > 0 && heldBytes === request.expected?.sizeBytes
}

/** The upload begins at 0; its tag is kept only where resuming needs it, since it costs a write. */
async function startAnew(upload: Upload, task: TransferTask, at: { held: { bytes: number }; answer: Answer }) {
  const big = (task.request.expected?.sizeBytes ?? Infinity) > 1024 * 1024
  if (at.held.bytes > 0 || big) await upload.restart(formatTag(task.url, at.answer))
  task.onBytes(-at.held.bytes)
  at.held.bytes = 0
}

interface Receiving {
  kit: TransferKit
  task: TransferTask
  upload: Upload
  held: { bytes: number }
  pace: Pace
  /** Too slow, or no longer wanted. */
  stop: AbortSignal
}

async function receive(at: Receiving, answer: Answer, reception: Reception): Promise<void> {
  const { kit, task, upload, held, pace } = at
  for await (const chunk of readBody(answer, at)) {
    pace.received(chunk.length)
    if (held.bytes + chunk.length > reception.limitBytes) throw tooLarge(task.url, reception.limitBytes)
    await kit.bandwidth.take(chunk.length, task.signal)
    await upload.append(chunk)
    held.bytes += chunk.length
    task.onBytes(chunk.length)
    pace.waiting()
  }
  if (reception.totalBytes !== undefined && held.bytes < reception.totalBytes) {
    throw new LarderError('FETCH_TRUNCATED', {
      message: `${redactUrl(task.url)} ended after ${held.bytes} of ${reception.totalBytes} bytes`,
    })
  }
}

/** The chunks, with errors of the connection, and of nothing else, told in our words. */
async function* readBody(answer: Answer, at: Receiving): AsyncGenerator<Buffer> {
  const chunks = answer.body[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await chunks.next().catch((error: unknown) => {
        throw networkFailure(at.stop.aborted ? at.stop.reason : error, at.task.url, 'reading')
      })
      if (next.done === true) return
      yield next.value
    }
  } finally {
    answer.discard()
  }
}

async function commit(task: TransferTask, upload: Upload, received: Received): Promise<Outcome> {
  try {
    const stored = await upload.commit(task.request.expected ?? {})
    return {
      kind: 'done',
      result: { kind: 'fetched', ...stored, url: redactUrl(task.url), validators: received.validators },
    }
  } catch (cause) {
    if (!isLarderError(cause, 'DIGEST_MISMATCH', 'SIZE_MISMATCH')) throw cause
    const url = redactUrl(task.url)
    const error = retell(cause, `${url}: ${cause.message}`, { url })
    return { kind: 'failed', error, then: received.resumed ? 'restart' : 'next', heldBytes: 0 }
  }
}
