import type { z } from 'zod'
import type { Problem } from '../problem.ts'
import { problemAt, type SourceDocument } from './document.ts'
import { issueInPlainWords, unwritten } from './zod-issue.ts'

export type Validated<T> = { value: T; problems: readonly [] } | { value: undefined; problems: Problem[] }

/**
 * Checks a document by a schema. Every issue becomes a problem at its place: an unknown name at that name, what is
 * missing at the thing that lacks it. Messages that the schema's author wrote are kept. At most 100 problems.
 */
export function validate<T>(schema: z.ZodType<T>, document: SourceDocument): Validated<T> {
  const result = schema.safeParse(document.value, { error: () => unwritten, reportInput: true })
  if (result.success) return { value: result.data, problems: [] }
  const problems = new Map<string, Problem>()
  for (const issue of result.error.issues) {
    for (const worded of issueInPlainWords(issue, { schema, value: document.value })) {
      const { path, ...rest } = worded
      const problem = problemAt(document, path, rest)
      problems.set(`${problem.line}:${problem.column}:${problem.message}`, problem)
      if (problems.size >= mostProblems) break
    }
    if (problems.size >= mostProblems) break
  }
  return { value: undefined, problems: [...problems.values()] }
}

const mostProblems = 100
