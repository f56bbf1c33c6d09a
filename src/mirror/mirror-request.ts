import { LarderError, type KindContext } from '../core/index.ts'
import type { AnyFormat, MirrorRequest } from './format.ts'
import type { MirrorConfig, UpstreamConfig } from './mirror-schema.ts'
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
  const errors = [...problems, ...list.flatMap((listed) => format.checkListed(listed))].filter(
    (problem) => problem.severity === 'error',
  )
  if (errors.length > 0) {
    throw new LarderError('SITE_INVALID', {
      message: `The package list of mirror ${name} has errors.`,
      hint: 'larder check shows them.',
      context: { problems: errors },
    })
  }
  const all = context.site['upstreams'] as Record<string, UpstreamConfig>
  const upstreams = mirror.upstreams.map((upstream) => {
    const config = all[upstream]
    if (config === undefined)
      throw new LarderError('SITE_INVALID', { message: `Mirror ${name} names an unknown upstream, ${upstream}.` })
    return { name: upstream, config }
  })
  if (own === undefined) return { name, mirror, upstreams, list, files: context.files }
  const first = { name: ownUpstreamName, config: own.config }
  return { name, mirror, upstreams: [first, ...upstreams], list: [...listOwn(own), ...list], files: context.files }
}
