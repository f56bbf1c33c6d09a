import { closest, quote, type CheckContext, type Problem } from '../core/index.ts'
import type { FormatGrammar } from './format.ts'
import type { MirrorConfig, MirrorsConfig, UpstreamsConfig } from './mirror-schema.ts'
import { readPackageList } from './read-package-list.ts'

/** What the schema cannot check: that upstreams are there and of the same format, and all that package lists say. */
export async function checkMirrors(
  mirrors: MirrorsConfig,
  context: CheckContext,
  formats: readonly FormatGrammar[],
): Promise<Problem[]> {
  const checked = Object.entries(mirrors).map(async ([name, mirror]) => [
    ...checkUpstreams(name, mirror, context),
    ...(await checkList(name, mirror, { context, formats })),
  ])
  return (await Promise.all(checked)).flat()
}

function checkUpstreams(name: string, mirror: MirrorConfig, context: CheckContext): Problem[] {
  return mirror.upstreams.flatMap((upstream, index) => {
    const wrong = wrongUpstream(upstream, mirror, context) ?? repeated(upstream, index, mirror)
    if (wrong === undefined) return []
    const position = context.positionOf(['mirrors', name, 'upstreams', index])
    return [{ severity: 'error' as const, ...position, ...wrong }]
  })
}

type Wording = Pick<Problem, 'message' | 'expected' | 'suggestion'>

function wrongUpstream(upstream: string, mirror: MirrorConfig, context: CheckContext): Wording | undefined {
  const declared = context.declared['upstreams'] ?? []
  if (!declared.includes(upstream)) {
    const suggestion = closest(upstream, declared)
    return {
      message: `there is no upstream ${quote(upstream)}`,
      expected: declared.length === 0 ? 'an entry of it in the section upstreams' : `one of ${declared.join(', ')}`,
      ...(suggestion === undefined ? {} : { suggestion }),
    }
  }
  // One that is wrong in itself has been told of already.
  const format = (context.site['upstreams'] as UpstreamsConfig | undefined)?.[upstream]?.format
  if (format === undefined || format === mirror.format) return undefined
  return { message: `upstream ${quote(upstream)} is of format ${format}`, expected: `one of format ${mirror.format}` }
}

function repeated(upstream: string, index: number, mirror: MirrorConfig): Wording | undefined {
  if (mirror.upstreams.indexOf(upstream) === index) return undefined
  return { message: `upstream ${quote(upstream)} is named twice`, expected: 'each once, the preferred one first' }
}

async function checkList(
  name: string,
  mirror: MirrorConfig,
  { context, formats }: { context: CheckContext; formats: readonly FormatGrammar[] },
): Promise<Problem[]> {
  const { list, problems } = await readPackageList(context.files, name, mirror)
  const format = formats.find((candidate) => candidate.name === mirror.format)
  return [...problems, ...list.flatMap((listed) => format?.checkListed(listed) ?? [])]
}
