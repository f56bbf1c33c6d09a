import {
  digestOf,
  isLarderError,
  mayBePostponed,
  type KindContext,
  type LarderError,
  type Postponed,
} from '../core/index.ts'
import type { Snapshot } from '../publish/index.ts'
import { formatNamed, formatOfSnapshot, type AnyFormat, type MirrorPackage, type MirrorRequest } from './format.ts'
import { wishesOf } from './list-wishes.ts'
import type { ObservedMirror, ObservedMirrors } from './mirror-change.ts'
import type { MirrorKindOptions } from './mirror-kind.ts'
import { isRefusal, placeSettings } from './mirror-refusal.ts'
import { readMirrorRequest } from './mirror-request.ts'
import type { MirrorConfig, MirrorsConfig } from './mirror-schema.ts'

/**
 * Brings the upstreams of every mirror up to date, and looks at what is published. An upstream that is away keeps only
 * its own mirrors from it; what is refused is told with what `planMirrors` finds. What else `load` throws.
 */
export async function observeMirrors(
  options: MirrorKindOptions,
  context: KindContext,
  desired: MirrorsConfig,
): Promise<ObservedMirrors> {
  const mirrors: ObservedMirror[] = []
  const postponed: Postponed[] = []
  const refusals: LarderError[] = []
  for (const [name, config] of Object.entries(desired)) {
    try {
      mirrors.push(await observeMirror(options, context, { name, config }))
    } catch (error) {
      if (context.signal.aborted) throw error
      if (isRefusal(error)) refusals.push(await placeSettings(context.files, error))
      else if (mayBePostponed(error)) postponed.push({ subject: `mirror ${name}`, error })
      else throw error
    }
  }
  const published = await options.publisher.mirrors()
  return { mirrors, postponed, refusals, orphans: published.filter((name) => !Object.hasOwn(desired, name)) }
}

async function observeMirror(
  options: MirrorKindOptions,
  context: KindContext,
  { name, config }: { name: string; config: MirrorConfig },
): Promise<ObservedMirror> {
  const lease = await options.leases.acquire(`run/${context.runId}`)
  const format = formatNamed(options.formats, config.format)
  const request = await readMirrorRequest(context, name, config, { format, own: await options.ownUpstream(name) })
  const { progress, signal, freshForMs } = context
  const loaded = await format.load({ lease, progress, signal, freshForMs, now: options.clock.now() }, request)
  const publication = await options.publisher.current(name)
  const snapshot = publication && (await options.publisher.snapshot(name, publication.snapshotNumber))
  return {
    request,
    format,
    loaded,
    inputs: inputsOf(request, format.fingerprint(loaded)),
    publishedInputs: publication && (await options.memory.getInputs(name)),
    publishedPackages: snapshot === undefined ? [] : await packagesIfReadable(options.formats, snapshot),
    published: publication !== undefined,
  }
}

/** A publication whose own blobs are damaged is compared with nothing: the plan then names everything as new. */
async function packagesIfReadable(formats: readonly AnyFormat[], snapshot: Snapshot): Promise<MirrorPackage[]> {
  try {
    return await formatOfSnapshot(formats, snapshot).packagesOf(snapshot)
  } catch (error) {
    if (isLarderError(error, 'BLOB_MISSING', 'BLOB_DAMAGED')) return []
    throw error
  }
}

function inputsOf(request: MirrorRequest<unknown, MirrorConfig>, upstream: string): string {
  return digestOf(JSON.stringify([request.mirror, request.upstreams, wishesOf(request.list), upstream]))
}
