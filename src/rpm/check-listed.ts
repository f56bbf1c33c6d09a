import type { Problem } from '../core/index.ts'
import type { ListedPackage } from '../mirror/index.ts'

/** Letters, digits and `+ . _ -`, as rpm's own build accepts; longer than any name or version there is. */
const namePattern = /^[A-Za-z0-9_][A-Za-z0-9+._-]{0,199}$/
const pathPattern = /^\/[^\s/][^\s]{0,1023}$/
/** `[epoch:]version[-release]` */
const versionPattern = /^(?:\d{1,10}:)?[A-Za-z0-9._+~^]{1,200}(?:-[A-Za-z0-9._+~^]{1,200})?$/
const architecturePattern = /^[a-z0-9_]{1,50}$/

/** Grammar of what a package list may name: a package, `name.architecture`, a capability of that form, or a file. */
export function checkListed({ name, constraint, architecture, position }: ListedPackage): Problem[] {
  const problems: Problem[] = []
  const report = (message: string, expected: string): void => {
    problems.push({ severity: 'error', ...position, message, expected })
  }
  if (!namePattern.test(name) && !pathPattern.test(name)) {
    report(`"${name}" cannot be the name of an RPM package`, 'letters, digits and + . _ -, or the path of a file')
  }
  if (constraint !== undefined && !versionPattern.test(constraint.version)) {
    report(
      `"${constraint.version}" cannot be the version of an RPM package`,
      'a version such as 1.22.1-9.el9 or 2:8.39-15',
    )
  }
  if (constraint !== undefined && name.startsWith('/')) {
    report(`${name} is a file, which has no version`, 'the path alone, or a package with its version')
  }
  if (architecture !== undefined && !architecturePattern.test(architecture)) {
    report(`"${architecture}" cannot be an architecture of RPM packages`, 'one such as x86_64')
  }
  return problems
}
