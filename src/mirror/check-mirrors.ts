import { closest, quote, type CheckContext, type Problem } from '../core/index.ts'
import { checkList } from './check-list.ts'
import { checkKeyFiles } from './check-key-files.ts'
import type { FormatGrammar } from './format.ts'
import { isSitePath, type MirrorsConfig } from './mirror-schema.ts'
import { readNamedList } from './read-package-list.ts'

/**
 * What the schema cannot check: that upstreams are there and of the same format, that keys are there, and all that
 * package lists say; of entries that are wrong in themselves too, as far as what is looked at is right.
 */
export async function checkMirrors(
  mirrors: MirrorsConfig,
  context: CheckContext,
  formats: readonly FormatGrammar[],
): Promise<Problem[]> {
  const entries = [...Object.entries(mirrors), ...Object.entries(context.wrong['mirrors'] ?? {})]
  const checked = entries.map(async ([name, entry]) => {
    const mirror = looked(name, entry, formats)
    return [...checkUpstreams(mirror, context), ...(await checkPackages(mirror, context))]
  })
  // Waited for together: one that fails while another is waited for would end the process.
  return (await Promise.all([checkKeyFiles(context), ...checked])).flat()
}

/** What is looked at of a mirror; undefined where it is not even of the right type, which the schema tells. */
interface LookedAt {
  name: string
  format: FormatGrammar | undefined
  upstreams: unknown[]
  hasList: boolean
}

function looked(name: string, entry: unknown, formats: readonly FormatGrammar[]): LookedAt {
  const { format, upstreams, packages } = (typeof entry === 'object' ? (entry ?? {}) : {}) as Record<string, unknown>
  return {
    name,
    format: formats.find((candidate) => candidate.name === format),
    upstreams: Array.isArray(upstreams) ? upstreams : [],
    hasList: Array.isArray(packages) || isSitePath(packages),
  }
}

function checkUpstreams({ name, format, upstreams }: LookedAt, context: CheckContext): Problem[] {
  return upstreams.flatMap((upstream, index) => {
    if (typeof upstream !== 'string' || upstream === '') return []
    const wrong = wrongUpstream(upstream, format?.name, context) ?? repeated(upstream, index, upstreams)
    if (wrong === undefined) return []
    const position = context.positionOf(['mirrors', name, 'upstreams', index])
    return [{ severity: 'error' as const, ...position, ...wrong }]
  })
}

type Wording = Pick<Problem, 'message' | 'expected' | 'suggestion'>

function wrongUpstream(upstream: string, wanted: string | undefined, context: CheckContext): Wording | undefined {
  const declared = context.declared['upstreams'] ?? []
  if (!declared.includes(upstream)) {
    const suggestion = closest(upstream, declared)
    return {
      message: `there is no upstream ${quote(upstream)}`,
      expected: declared.length === 0 ? 'an entry of it in the section upstreams' : `one of ${declared.join(', ')}`,
      ...(suggestion === undefined ? {} : { suggestion }),
    }
  }
  const { value: format } = context.documentAt(['upstreams', upstream, 'format'])
  if (typeof format !== 'string' || wanted === undefined || format === wanted) return undefined
  return { message: `upstream ${quote(upstream)} is of format ${format}`, expected: `one of format ${wanted}` }
}

function repeated(upstream: string, index: number, upstreams: readonly unknown[]): Wording | undefined {
  if (upstreams.indexOf(upstream) === index) return undefined
  return { message: `upstream ${quote(upstream)} is named twice`, expected: 'each once, the preferred one first' }
}

async function checkPackages({ name, format, hasList }: LookedAt, context: CheckContext): Promise<Problem[]> {
  if (!hasList) return []
  const { list, problems } = await readNamedList(context.files, context.documentAt(['mirrors', name, 'packages']))
  return format === undefined ? [...problems] : [...problems, ...checkList(list, format)]
}
