import { digestOf, isLarderError, type Digest, type KindContext } from '../core/index.ts'
import type { Snapshot } from '../publish/index.ts'
import {
  formatNamed,
  formatOfSnapshot,
  type AnyFormat,
  type ListedPackage,
  type MirrorPackage,
  type MirrorRequest,
} from './format.ts'
import type { ObservedMirror, ObservedMirrors } from './mirror-change.ts'
import type { MirrorKindOptions } from './mirror-kind.ts'
import { readMirrorRequest } from './mirror-request.ts'
import type { MirrorConfig, MirrorsConfig } from './mirror-schema.ts'

/** Brings the upstreams of every mirror up to date, and looks at what is published. SITE_INVALID, and what `load` throws. */
export async function observeMirrors(
  options: MirrorKindOptions,
  context: KindContext,
  desired: MirrorsConfig,
): Promise<ObservedMirrors> {
  const lease = await options.leases.acquire(`run/${context.runId}`)
  const mirrors: ObservedMirror[] = []
  for (const [name, config] of Object.entries(desired)) {
    const format = formatNamed(options.formats, config.format)
    const request = await readMirrorRequest(context, name, config, { format, own: await options.ownUpstream(name) })
    const { progress, signal, freshForMs } = context
    const loaded = await format.load({ lease, progress, signal, freshForMs, now: options.clock.now() }, request)
    const publication = await options.publisher.current(name)
    const snapshot = publication && (await options.publisher.snapshot(name, publication.snapshotNumber))
    mirrors.push({
      request,
      format,
      loaded,
      inputs: inputsOf(request, format.fingerprint(loaded)),
      publishedInputs: publication && (await options.memory.getInputs(name)),
      publishedPackages: snapshot === undefined ? [] : await packagesIfReadable(options.formats, snapshot),
      published: publication !== undefined,
    })
  }
  const published = await options.publisher.mirrors()
  return { mirrors, orphans: published.filter((name) => !Object.hasOwn(desired, name)) }
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

/** What a list asks for. The run after a push has the very list of its check. */
function wishesOf(list: MirrorRequest<unknown, MirrorConfig>['list']): string {
  const known = wishes.get(list)
  if (known !== undefined) return known
  const text = digestOf(JSON.stringify(list.map((listed): ListedPackage => ({ ...listed, position: nowhere }))))
  wishes.set(list, text)
  return text
}

const wishes = new WeakMap<MirrorRequest<unknown, MirrorConfig>['list'], Digest>()

/** Where a package is listed does not decide what is published. */
const nowhere = { file: '', line: 0, column: 0 }
