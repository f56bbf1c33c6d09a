import { isLarderError, retell } from '../core/index.ts'
import { fetchOne, statPromised, type FetchKit, type FetchOptions } from './fetch-one.ts'
import type { FetchAllOptions, FetchResult, LabelledRequest } from './fetcher.ts'
import { redactUrl } from './fetch-url.ts'
import { RequestQueue, type QueuedRequest } from './request-queue.ts'
import { Settling } from './settling.ts'
import { TransferMeter } from './transfer-meter.ts'

/** See Fetcher.fetchAll. */
export async function fetchAll(
  kit: FetchKit,
  requests: readonly LabelledRequest[],
  options: FetchAllOptions,
): Promise<FetchResult[]> {
  const results = await findAllStored(kit, requests)
  const queue = new RequestQueue(
    requests.map((request, position) => ({ request, position })).filter((item) => !results[item.position]),
  )
  const meter = new TransferMeter(kit.clock, options.progress, requests)
  for (const [position, result] of results.entries()) if (result) meter.finish(requests[position]!, 0, result)
  const stop = new AbortController()
  const signal = AbortSignal.any([options.signal, stop.signal])
  const settling = new Settling(kit.limits.total)
  const fetchInto = async (item: QueuedRequest, onReceived: () => void): Promise<void> => {
    try {
      const { inspect } = options
      const watched = { ...(inspect && { inspect: (bytes: Buffer) => inspect(item.position, bytes) }), onReceived }
      const result = await fetchMetered(kit, item.request, { signal, meter, ...watched })
      await options.onStored?.(item.position, result)
      results[item.position] = result
    } catch (error) {
      // Whoever fails first tells why; the others fail because they were stopped.
      if (!stop.signal.aborted) stop.abort(error)
      throw error
    }
  }
  const work = async (): Promise<void> => {
    for (let item = queue.take(); item; item = queue.take()) {
      const one = item
      await settling.begin(sizeOf(one.request), (onReceived) => fetchInto(one, onReceived))
      queue.done(one)
      if (stop.signal.aborted) return
    }
  }
  await Promise.all(Array.from({ length: Math.min(kit.limits.total, queue.size) }, work))
  await settling.all()
  if (stop.signal.aborted) throw stop.signal.reason
  return results as FetchResult[]
}

function sizeOf({ expected, maxBytes }: LabelledRequest): number {
  return expected?.sizeBytes ?? maxBytes
}

async function fetchMetered(
  kit: FetchKit,
  request: LabelledRequest,
  { meter, ...options }: { signal: AbortSignal; meter: TransferMeter } & Pick<FetchOptions, 'onReceived' | 'inspect'>,
): Promise<FetchResult> {
  let doneBytes = 0
  const onBytes = (more: number) => {
    doneBytes += more
    meter.move(request, more)
  }
  try {
    const result = await fetchOne(kit, request, { ...options, onBytes })
    meter.finish(request, doneBytes, result)
    return result
  } catch (error) {
    throw named(error, request.label)
  }
}

/** Protects in one go what the store has already: thousands of files when only a few are new. */
async function findAllStored(
  kit: FetchKit,
  requests: readonly LabelledRequest[],
): Promise<(FetchResult | undefined)[]> {
  const stored = await Promise.all(requests.map((request) => statPromised(kit, request)))
  const digests = stored.flatMap((found) => (found ? [found.digest] : []))
  try {
    if (digests.length > 0) await kit.leases.pin(requests[0]!.lease, digests)
  } catch (error) {
    // gc was quicker with one of them: then each is looked for again by itself.
    if (isLarderError(error, 'BLOB_MISSING')) return requests.map(() => undefined)
    throw error
  }
  return stored.map(
    (found, position) =>
      found && { kind: 'fetched', ...found, url: redactUrl(requests[position]!.urls[0]!), validators: {} },
  )
}

function named(error: unknown, label: string): unknown {
  if (!isLarderError(error) || error.code === 'CANCELLED' || error.context.label !== undefined) return error
  return retell(error, `${label}: ${error.message}`, { label })
}
