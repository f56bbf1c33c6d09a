import { LarderError, type KindContext } from '../core/index.ts'
import type { AnyFormat, MirrorRequest } from './format.ts'
import type { MirrorConfig, UpstreamConfig } from './mirror-schema.ts'
import { readPackageList } from './read-package-list.ts'

/** Gathers what a format needs to know of one mirror: its settings, its upstreams in order, its package list. SITE_INVALID. */
export async function readMirrorRequest(
  context: KindContext,
  name: string,
  mirror: MirrorConfig,
  format: AnyFormat,
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
  return { name, mirror, upstreams, list, files: context.files }
}
