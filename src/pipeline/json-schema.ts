import { z } from 'zod'
import { closest, LarderError, type KindGrammar } from '../core/index.ts'
import { schemasOf, siteNameSchema } from './site-sections.ts'
import { siteFile } from './site.ts'

/** Names of the files that there are JSON Schemas of. */
export function schemaFiles(kinds: readonly KindGrammar[]): string[] {
  return [siteFile, ...kinds.flatMap((kind) => Object.keys(kind.fileSchemas ?? {}))]
}

/**
 * JSON Schema (draft 2020-12) of a file that people write, for their editors: `larder schema FILE`. `others`: schemas of
 * files that no kind knows of. NOT_FOUND for a
 * file that there is none of.
 */
export function jsonSchemaOf(
  file: string,
  kinds: readonly KindGrammar[],
  others: Readonly<Record<string, z.ZodType>> = {},
): Record<string, unknown> {
  const schema = others[file] ?? (file === siteFile ? siteSchema(kinds) : fileSchema(file, kinds))
  const body = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' })
  const { $schema, ...rest } = body
  return { $schema, title: `Larder: ${file}`, ...rest }
}

function siteSchema(kinds: readonly KindGrammar[]): z.ZodType {
  const sections = Object.entries(schemasOf(kinds)).map(([key, schema]) => [key, schema.optional()] as const)
  return z.strictObject({ site: siteNameSchema, ...Object.fromEntries(sections) })
}

function fileSchema(file: string, kinds: readonly KindGrammar[]): z.ZodType {
  for (const kind of kinds) {
    const schema = kind.fileSchemas?.[file]
    if (schema !== undefined) return schema
  }
  const known = schemaFiles(kinds)
  const suggestion = closest(file, known)
  throw new LarderError('NOT_FOUND', {
    message: `There is no schema of ${JSON.stringify(file)}.`,
    hint: suggestion === undefined ? `There are schemas of ${known.join(', ')}.` : `Did you mean ${suggestion}?`,
  })
}
