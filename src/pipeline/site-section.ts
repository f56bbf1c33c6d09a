import type { z } from 'zod'
import { validate, type Problem, type SourceDocument } from '../core/index.ts'

/** One section of larder.yaml. */
export interface ReadSection {
  /** Undefined when nothing of the section is right. */
  value: unknown
  /** Names of all entries, right or wrong. */
  names: string[]
  problems: Problem[]
}

/**
 * Validates a section. When entries of it are wrong, the value holds the others, so that their further files are
 * checked in the same go.
 */
export function readSection(schema: z.ZodType, document: SourceDocument, key: string): ReadSection {
  const whole = nest(document, key)
  const names = isMap(document.value) ? Object.keys(document.value) : []
  const result = validate(schema, document)
  if (result.problems.length === 0) return { value: result.value, names, problems: [] }
  const problems = result.problems.map((problem) => whole(problem))
  return { value: rightEntries(schema, document), names, problems }
}

/** A section that is wrong as a whole has no name of its own in its problem: `the file` is the section then. */
function nest(document: SourceDocument, key: string): (problem: Problem) => Problem {
  return (problem) => ({
    ...problem,
    message: problem.message.replace(/^the file\b/, `the section "${key}"`),
    file: document.file,
  })
}

function rightEntries(schema: z.ZodType, document: SourceDocument): unknown {
  if (!isMap(document.value)) return undefined
  const right = Object.entries(document.value).filter(([name, entry]) => schema.safeParse({ [name]: entry }).success)
  const result = schema.safeParse(Object.fromEntries(right))
  return result.success ? result.data : undefined
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
