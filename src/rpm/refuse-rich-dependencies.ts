import { relationFieldCount, RelationField } from './package-rows.ts'
import { richDependency } from './repository/index.ts'
import type { Universe } from './universe.ts'

/** yum 3 looks at no others; they are left out for it. */
const fields = [RelationField.requires, RelationField.provides, RelationField.conflicts, RelationField.obsoletes]

/** For a mirror of yum 3, before anything is fetched. @throws RPM_RICH_DEPENDENCY */
export function refuseRichDependencies(universe: Universe, rows: Uint32Array): void {
  for (const row of rows) {
    for (const field of fields) {
      const place = row * relationFieldCount + field
      for (let at = universe.relationStart[place]!; at < universe.relationStart[place + 1]!; at++) {
        const clause = universe.clauseText(universe.relation[at]!)
        if (clause.startsWith('(')) throw richDependency(universe.describe(row), clause)
      }
    }
  }
}
