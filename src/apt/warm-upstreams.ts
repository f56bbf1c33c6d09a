import { hexOf, type Clock } from '../core/index.ts'
import { tidyCacheFolder, WarmLoads } from '../mirror/index.ts'
import { loadUpstreams, type AptRequest, type LoadedUpstreams, type UpstreamLoader } from './loaded-upstreams.ts'

export type WarmUpstreams = WarmLoads<AptRequest, LoadedUpstreams>

export function createWarmUpstreams(loader: UpstreamLoader, clock: Clock): WarmUpstreams {
  return new WarmLoads({
    clock,
    isSound: ({ universe }) => !universe.members.some(({ index }) => index.isDamaged),
    load: (context, request, earlier) => loadUpstreams(loader, context, request, earlier),
    settingsOf: ({ upstreams, mirror: { suite, components, architectures, sources } }) => [
      upstreams,
      suite,
      components,
      architectures,
      sources,
    ],
  })
}

/** Removes compiled indices that no warm mirror uses and that are more than a day old. */
export async function tidyIndices(warm: WarmUpstreams, cacheFolder: string, now: Date): Promise<void> {
  const suites = warm.loaded().flatMap((loaded) => loaded.suites)
  const used = new Set(suites.flatMap(({ indices }) => indices.map(({ digest }) => hexOf(digest))))
  await tidyCacheFolder(cacheFolder, { used, now })
}
