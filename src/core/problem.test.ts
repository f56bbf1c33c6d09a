import { expect, test } from 'vitest'
import { formatProblem, type Problem } from './problem.ts'

const problem: Problem = {
  severity: 'error',
  file: 'larder.yaml',
  line: 3,
  column: 5,
  message: 'unknown key "mirorrs"',
}

test.each<[Partial<Problem>, string]>([
  [{}, 'larder.yaml:3:5: unknown key "mirorrs"'],
  [{ severity: 'warning' }, 'larder.yaml:3:5: warning: unknown key "mirorrs"'],
  [{ expected: 'a string' }, 'larder.yaml:3:5: unknown key "mirorrs"; expected a string'],
  [{ suggestion: 'mirrors' }, 'larder.yaml:3:5: unknown key "mirorrs": did you mean mirrors?'],
])('formatProblem with %j', (changes, expected) => {
  expect(formatProblem({ ...problem, ...changes })).toBe(expected)
})
