import { isLarderError, silentProgress, type LarderError } from '../../core/index.ts'
import {
  formatNamed,
  mirrorsOf,
  readMirrorRequest,
  type LoadedUpstream,
  type MirrorConfig,
  type MirrorRequest,
} from '../../mirror/index.ts'
import type { ControllerContext } from '../controller/context.ts'

/** What the upstreams of one mirror answered when they were asked. */
export interface LoadedMirror {
  mirror: string
  upstreams: LoadedUpstream[]
  /** By name of the upstream, or of the mirror where it cannot be told which one fails. */
  failures: { subject: string; error: LarderError }[]
}

/** Asks every upstream of every mirror at the head of main, as a run would. Nothing when no valid head is there. */
export async function loadMirrors(context: ControllerContext, signal: AbortSignal): Promise<LoadedMirror[]> {
  const head = await context.siteHead.current()
  const mirrors = mirrorsOf(head?.site.sections)
  const loaded: LoadedMirror[] = []
  for (const [name, config] of Object.entries(mirrors)) loaded.push(await loadMirror(context, { name, config, signal }))
  return loaded
}

interface Asked {
  name: string
  config: MirrorConfig
  signal: AbortSignal
}

async function loadMirror(context: ControllerContext, asked: Asked): Promise<LoadedMirror> {
  const { name } = asked
  const result: LoadedMirror = { mirror: name, upstreams: [], failures: [] }
  try {
    const request = await requestOf(context, asked)
    try {
      result.upstreams.push(...(await load(context, asked, request)))
    } catch (error) {
      if (request.upstreams.length < 2) throw error
      await loadEach(context, asked, { request, result })
    }
  } catch (error) {
    if (!isLarderError(error)) throw error
    result.failures.push({ subject: `mirror ${name}`, error })
  }
  return result
}

/** One of several fails: each by itself, so that every one that fails is named. */
async function loadEach(
  context: ControllerContext,
  asked: Asked,
  { request, result }: { request: MirrorRequest<unknown, MirrorConfig>; result: LoadedMirror },
): Promise<void> {
  for (const upstream of request.upstreams) {
    const alone = { ...request, name: `${request.name} ${upstream.name}`, upstreams: [upstream] }
    try {
      result.upstreams.push(...(await load(context, asked, alone)))
    } catch (error) {
      if (!isLarderError(error)) throw error
      result.failures.push({ subject: `upstream ${upstream.name}`, error })
    }
  }
}

async function requestOf(
  { siteHead, clock, formats, own }: ControllerContext,
  { name, config, signal }: Asked,
): Promise<MirrorRequest<unknown, MirrorConfig>> {
  const head = await siteHead.current()
  if (head === undefined) throw new Error('there was a head of main a moment ago')
  const format = formatNamed(formats, config.format)
  const { files } = head
  const { sections: site, name: siteName } = head.site
  const common = { clock, signal, progress: silentProgress, runId: 'doctor', freshForMs: 0, trust: 'trusted' } as const
  const kind = { ...common, files, site, siteName }
  return readMirrorRequest(kind, name, config, { format, own: await own.upstream(name) })
}

async function load(
  context: ControllerContext,
  { config, signal }: Asked,
  request: MirrorRequest<unknown, MirrorConfig>,
): Promise<LoadedUpstream[]> {
  const { leases, clock, formats } = context
  const format = formatNamed(formats, config.format)
  const lease = await leases.acquire('doctor/upstreams')
  try {
    const options = { lease, signal, progress: silentProgress, now: clock.now(), freshForMs: 0 }
    return format.inspect(await format.load(options, request))
  } finally {
    await leases.release(lease)
  }
}
