import { type Clock } from '../core/index.ts'
import { tidyCacheFolder, WarmLoads } from '../mirror/index.ts'
import { loadUpstreams, type LoadedUpstreams, type RpmRequest, type UpstreamLoader } from './loaded-upstreams.ts'

export type WarmUpstreams = WarmLoads<RpmRequest, LoadedUpstreams>

export function createWarmUpstreams(loader: UpstreamLoader, clock: Clock): WarmUpstreams {
  return new WarmLoads({
    clock,
    isSound: ({ universe }) => !universe.members.some(({ index }) => index.isDamaged),
    load: (context, request, earlier) => loadUpstreams(loader, context, request, earlier),
    settingsOf: ({ upstreams, mirror: { architectures, modules } }) => [upstreams, architectures, modules],
  })
}

/** Removes compiled indices that no warm mirror uses and that are more than a day old. */
export async function tidyIndices(warm: WarmUpstreams, cacheFolder: string, now: Date): Promise<void> {
  const used = new Set(warm.loaded().flatMap((loaded) => loaded.cacheKeys))
  await tidyCacheFolder(cacheFolder, { used, now })
}
