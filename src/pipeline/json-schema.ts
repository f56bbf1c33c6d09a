import { z } from 'zod'
import { closest, LarderError, ownValue, type KindGrammar } from '../core/index.ts'
import { schemasOf, siteNameSchema } from './site-sections.ts'
import { siteFile } from './site.ts'

/** Names of the files that there are JSON Schemas of. */
export function schemaFiles(kinds: readonly KindGrammar[]): string[] {
  return [siteFile, ...kinds.flatMap((kind) => Object.keys(kind.fileSchemas ?? {}))]
}

/**
 * JSON Schema (draft 2020-12) of a file that people write, for their editors: `larder schema FILE`. `others`: schemas of
 * files that no kind knows of. NOT_FOUND for a file that there is none of.
 */
export function jsonSchemaOf(
  file: string,
  kinds: readonly KindGrammar[],
  others: Readonly<Record<string, z.ZodType>> = {},
): Record<string, unknown> {
  const schema = ownValue(others, file) ?? (file === siteFile ? siteSchema(kinds) : fileSchema(file, kinds))
  if (schema === undefined) throw noSchema(file, [...schemaFiles(kinds), ...Object.keys(others)])
  const body = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' })
  const { $schema, ...rest } = body
  return { $schema, title: `Larder: ${file}`, ...rest }
}

function siteSchema(kinds: readonly KindGrammar[]): z.ZodType {
  const sections = Object.entries(schemasOf(kinds)).map(([key, schema]) => [key, schema.optional()] as const)
  return z.strictObject({ site: siteNameSchema, ...Object.fromEntries(sections) })
}

function fileSchema(file: string, kinds: readonly KindGrammar[]): z.ZodType | undefined {
  const schemas = kinds.flatMap((kind) => Object.entries(kind.fileSchemas ?? {}))
  return schemas.find(([name]) => isNamed(file, name))?.[1]
}

/** `roles/web.yaml` is one of `roles/<name>.yaml`. */
function isNamed(file: string, name: string): boolean {
  const [before = '', after] = name.split('<name>')
  if (after === undefined) return file === name
  const middle = file.slice(before.length, file.length - after.length)
  return file === before + middle + after && /^[^/]+$/.test(middle)
}

function noSchema(file: string, known: readonly string[]): LarderError {
  const suggestion = closest(file, known)
  return new LarderError('NOT_FOUND', {
    message: `There is no schema of ${JSON.stringify(file)}.`,
    hint: suggestion === undefined ? `There are schemas of ${known.join(', ')}.` : `Did you mean ${suggestion}?`,
  })
}
