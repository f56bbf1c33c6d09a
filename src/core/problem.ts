import type { LarderError } from './error.ts'

/** Something wrong in a file of the site, at a place that an editor can jump to. */
export interface Problem {
  severity: 'error' | 'warning'
  /** Path inside the site repository. */
  file: string
  /** 1-based. */
  line: number
  /** 1-based, in UTF-16 units. */
  column: number
  message: string
  /** What would have been right: `a string`, `one of apt, rpm`. */
  expected?: string
  /** `nginx` for `ngnix`. */
  suggestion?: string
}

/** `larder.yaml:3:5: unknown key "mirorrs"; expected …; did you mean "mirrors"?` */
export function formatProblem(problem: Problem): string {
  const expected = problem.expected === undefined ? '' : `; expected ${problem.expected}`
  const suggestion = problem.suggestion === undefined ? '' : `: did you mean ${problem.suggestion}?`
  const severity = problem.severity === 'warning' ? 'warning: ' : ''
  return `${problem.file}:${problem.line}:${problem.column}: ${severity}${problem.message}${expected}${suggestion}`
}

/** What an error says of single places of the files; none where it is of something else. */
export function problemsIn({ context }: Pick<LarderError, 'context'>): readonly Problem[] {
  return (context['problems'] ?? []) as readonly Problem[]
}

/** Each once, by file, line and column. */
export function sortProblems(problems: readonly Problem[]): Problem[] {
  const once = new Map(problems.map((problem) => [JSON.stringify(problem), problem]))
  return [...once.values()].toSorted(
    (left, right) => compareText(left.file, right.file) || left.line - right.line || left.column - right.column,
  )
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}
