import { LarderError, ownValue, type KindContext } from '../core/index.ts'
import { checkList } from './check-list.ts'
import type { AnyFormat, MirrorRequest } from './format.ts'
import { upstreamsOf, type MirrorConfig, type UpstreamConfig } from './mirror-schema.ts'
import { listOwn, ownUpstreamName, type OwnUpstream } from './own-packages.ts'
import { readPackageList } from './read-package-list.ts'

/**
 * Gathers what a format needs to know of one mirror: its settings, its upstreams in order, its package list; and its
 * own packages, if there are any, before all others. SITE_INVALID.
 */
export async function readMirrorRequest(
  context: KindContext,
  name: string,
  mirror: MirrorConfig,
  { format, own }: { format: AnyFormat; own: OwnUpstream | undefined },
): Promise<MirrorRequest<UpstreamConfig, MirrorConfig>> {
  const { list, problems } = await readPackageList(context.files, name, mirror)
  const strict = checkList(list, format)
  const listErrors = [...problems, ...strict].filter(({ severity }) => severity === 'error')
  const sound = strict.length === 0 ? list : list.filter((listed) => format.checkListed(listed).length === 0)
  const all = upstreamsOf(context.site)
  const upstreams = mirror.upstreams.map((upstream) => {
    const config = ownValue(all, upstream)
    if (config === undefined)
      throw new LarderError('SITE_INVALID', { message: `Mirror ${name} names an unknown upstream, ${upstream}.` })
    return { name: upstream, config }
  })
  const request = { name, mirror, listErrors, files: context.files }
  if (own === undefined) return { ...request, upstreams, list: sound }
  const first = { name: ownUpstreamName, config: own.config }
  return { ...request, upstreams: [first, ...upstreams], list: [...listOwn(own), ...sound] }
}
