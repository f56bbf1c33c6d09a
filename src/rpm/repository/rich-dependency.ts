import { LarderError } from '../../core/index.ts'
import type { RelationName, RpmPackage } from '../rpm-package.ts'

/** yum 3 does not look at these, and not all of its versions pass over what they hold. */
export const weakRelations: readonly RelationName[] = ['recommends', 'suggests', 'supplements', 'enhances']

/** @throws RPM_RICH_DEPENDENCY for a package that yum 3 could not read */
export function refuseRichDependencies(label: string, rpm: RpmPackage): void {
  for (const [kind, relations] of Object.entries(rpm.relations)) {
    if (weakRelations.includes(kind as RelationName)) continue
    const rich = relations.find(({ name }) => name.startsWith('('))
    if (rich !== undefined) throw richDependency(label, rich.name)
  }
}

/** RPM_RICH_DEPENDENCY. `label`: `nginx-1.22-3.el9.x86_64`. */
export function richDependency(label: string, dependency: string): LarderError {
  return new LarderError('RPM_RICH_DEPENDENCY', {
    message: `${label} depends on ${dependency}, a rich dependency, which yum 3 cannot read.`,
    hint: 'Exclude the package, list an older version of it, or leave `compatibility: yum3` out.',
    context: { package: label, dependency },
  })
}
