import { z } from 'zod'
import {
  closest,
  problemAt,
  quote,
  validate,
  withNames,
  type KindGrammar,
  type NameChange,
  type Problem,
  type Respelt,
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

/** Tells of sections that nobody reads, and answers the document with misspelt ones under the names that were meant. */
export function respellSections(document: SourceDocument, kinds: readonly KindGrammar[]): Respelt {
  const { value } = document
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { document, problems: [...validate(z.record(z.string(), z.unknown()), document).problems] }
  }
  const known = ['site', ...Object.keys(schemasOf(kinds))]
  const problems: Problem[] = []
  const changes: NameChange[] = []
  for (const key of Object.keys(value).filter((name) => !known.includes(name))) {
    const meant = plannedSections.includes(key) ? undefined : closest(key, known)
    problems.push(problemAt(document, [key], unknownSection(key, known)))
    const isFree = meant !== undefined && !(meant in value) && changes.every(({ to }) => to !== meant)
    if (isFree) changes.push({ path: [key], to: meant })
  }
  return { document: withNames(document, changes), problems }
}

function unknownSection(key: string, known: readonly string[]): Parameters<typeof problemAt>[2] {
  if (plannedSections.includes(key))
    return { part: 'key', message: `the section ${quote(key)} is not supported by this version of Larder` }
  const suggestion = closest(key, known) ?? closest(key, plannedSections)
  return {
    part: 'key',
    message: `unknown section ${quote(key)}`,
    expected: `one of ${known.join(', ')}`,
    ...(suggestion === undefined ? {} : { suggestion }),
  }
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
