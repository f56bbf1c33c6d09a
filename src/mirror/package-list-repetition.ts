import { quote, type Problem } from '../core/index.ts'
import type { ListedPackage } from './format.ts'

/** What is listed twice: a warning when it says the same, an error when it says something else. */
export function checkRepetitions(list: readonly ListedPackage[]): Problem[] {
  const problems: Problem[] = []
  const seen = new Map<string, ListedPackage>()
  for (const listed of list) {
    const key = listed.architecture === undefined ? listed.name : `${listed.name}:${listed.architecture}`
    const first = seen.get(key)
    if (first === undefined) seen.set(key, listed)
    else problems.push(repetition(key, first, listed))
  }
  return problems
}

function repetition(key: string, first: ListedPackage, again: ListedPackage): Problem {
  const { position } = again
  const where = first.position.line === position.line ? 'in the same line' : `in line ${first.position.line}`
  const same = wish(first) === wish(again)
  if (same) return { severity: 'warning', ...position, message: `${quote(key)} is listed twice, first ${where}` }
  const message = `${quote(key)} contradicts what is said of it ${where}`
  return { severity: 'error', ...position, message, expected: 'one entry for each package' }
}

function wish({ constraint, recommends, exclude }: ListedPackage): string {
  return JSON.stringify([constraint, recommends, exclude])
}
