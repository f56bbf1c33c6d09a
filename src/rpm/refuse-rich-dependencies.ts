import { richDependency } from './repository/index.ts'
import type { Universe } from './universe.ts'

/** yum 3 looks at no others; they are left out for it. */
const fields = ['requires', 'provides', 'conflicts', 'obsoletes'] as const

/** For a mirror of yum 3, before anything is fetched. @throws RPM_RICH_DEPENDENCY */
export function refuseRichDependencies(universe: Universe, rows: Uint32Array): void {
  for (const row of rows) {
    for (const field of fields) {
      for (const number of universe.clausesOf(row, field)) {
        const clause = universe.clauseText(number)
        if (clause.startsWith('(')) throw richDependency(universe.describe(row), clause)
      }
    }
  }
}
