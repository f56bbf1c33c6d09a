import type { z } from 'zod'
import { respell, validate, type Problem, type SourceDocument } from '../core/index.ts'

/** One section of larder.yaml. */
export interface ReadSection {
  /** Undefined when nothing of the section is right. */
  value: unknown
  /** Names of all entries, right or wrong. */
  names: string[]
  /** Entries that are wrong in themselves, by name. */
  wrong: Record<string, unknown>
  /** With misspelt names as they were meant. */
  document: SourceDocument
  problems: Problem[]
}

/**
 * Validates a section. When entries of it are wrong, the value holds the others, so that their further files are
 * checked in the same go.
 */
export function readSection(schema: z.ZodType, document: SourceDocument, key: string): ReadSection {
  const { document: meant, problems: unknown } = respell(schema, document)
  const names = isMap(meant.value) ? Object.keys(meant.value) : []
  const result = validate(schema, meant)
  const section = { names, document: meant, wrong: {} }
  if (result.problems.length === 0) return { ...section, value: result.value, problems: unknown }
  const problems = [...unknown, ...result.problems].map(nest(document, key))
  return { ...section, ...sortEntries(schema, meant), problems }
}

/** A section that is wrong as a whole has no name of its own in its problem: `the file` is the section then. */
function nest(document: SourceDocument, key: string): (problem: Problem) => Problem {
  return (problem) => ({
    ...problem,
    message: problem.message.replace(/^the file\b/, `the section "${key}"`),
    file: document.file,
  })
}

function sortEntries(schema: z.ZodType, document: SourceDocument): Pick<ReadSection, 'value' | 'wrong'> {
  if (!isMap(document.value)) return { value: undefined, wrong: {} }
  const entries = Object.entries(document.value)
  const right = entries.filter(([name, entry]) => schema.safeParse({ [name]: entry }).success)
  const wrong = Object.fromEntries(entries.filter((entry) => !right.includes(entry)))
  const result = schema.safeParse(Object.fromEntries(right))
  return result.success ? { value: result.data, wrong } : { value: undefined, wrong: document.value }
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
