import type { Problem } from '../core/index.ts'
import type { ListedPackage } from '../mirror/index.ts'
import { isPackageName } from './relation.ts'
import { isVersion } from './version.ts'

/** Grammar of what a package list may name. Source: Debian Policy 5.6.1, deb-version(7). */
export function checkListed({ name, constraint, position }: ListedPackage): Problem[] {
  const problems: Problem[] = []
  const report = (message: string, expected: string): void => {
    problems.push({ severity: 'error', ...position, message, expected })
  }
  if (!isPackageName(name)) {
    report(
      `"${name}" cannot be the name of a Debian package`,
      'two or more of a-z 0-9 + - . that begin with a letter or digit',
    )
  }
  if (constraint !== undefined && !isVersion(constraint.version)) {
    report(
      `"${constraint.version}" cannot be the version of a Debian package`,
      'a version such as 1.22.1-9 or 2:8.39-15',
    )
  }
  return problems
}
