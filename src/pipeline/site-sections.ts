import { z } from 'zod'
import {
  closest,
  problemAt,
  quote,
  validate,
  type KindGrammar,
  type Problem,
  type SourceDocument,
} from '../core/index.ts'

/** Sections that Larder knows of. Those that no registered kind reads are for another version. */
const plannedSections = ['upstreams', 'mirrors', 'images', 'network', 'machines', 'services']

export const siteNameSchema = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'small letters, digits and hyphens make a name, at most 63 of them')
  .describe(
    'Name of the site: small letters, digits and hyphens. Clients see it, in the names of keys and repositories.',
  )

/** Schemas of all sections that the kinds read, by key. */
export function schemasOf(kinds: readonly KindGrammar[]): Record<string, z.ZodType> {
  const schemas: Record<string, z.ZodType> = {}
  for (const kind of kinds) {
    for (const [key, schema] of Object.entries(kind.sharedSections ?? {})) schemas[key] ??= schema
    schemas[kind.section] = kind.schema
  }
  return schemas
}

/** Sections that nobody reads. */
export function checkSectionNames(document: SourceDocument, kinds: readonly KindGrammar[]): Problem[] {
  if (typeof document.value !== 'object' || document.value === null || Array.isArray(document.value)) {
    return [...validate(z.record(z.string(), z.unknown()), document).problems]
  }
  const known = ['site', ...Object.keys(schemasOf(kinds))]
  return Object.keys(document.value)
    .filter((key) => !known.includes(key))
    .map((key) => {
      if (plannedSections.includes(key)) {
        const message = `the section ${quote(key)} is not supported by this version of Larder`
        return problemAt(document, [key], { part: 'key', message })
      }
      const suggestion = closest(key, known) ?? closest(key, plannedSections)
      return problemAt(document, [key], {
        part: 'key',
        message: `unknown section ${quote(key)}`,
        expected: `one of ${known.join(', ')}`,
        ...(suggestion === undefined ? {} : { suggestion }),
      })
    })
}

/** The name of the site; adds to the problems when it has none. */
export function checkSiteName(document: SourceDocument, problems: Problem[]): string | undefined {
  const schema = z.object({ site: siteNameSchema })
  const value: unknown = document.value
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const result = validate(schema, document)
  problems.push(...result.problems)
  return result.value?.site
}
