import { closest, problemAt, type Problem, type SourceDocument } from '../../core/index.ts'
import type { Role } from '../role/role.ts'
import type { MachineConfig } from './machine-schema.ts'

/**
 * What is wrong with the variables that a machine hands to a role: names that it does not have, and those that it needs and
 * nobody has said. Roles of the site may use what they do not list; there a name is only doubted that is nearly one of theirs.
 */
export function roleVariableProblems(
  use: MachineConfig['roles'][number],
  role: Role | undefined,
  { document, index }: { document: SourceDocument; index: number },
): Problem[] {
  if (role === undefined) return []
  const { name, defaults, variables, isBuiltIn } = role
  const names = Object.keys(defaults)
  const given = typeof use === 'string' ? {} : use.variables
  const unknown = Object.keys(given).flatMap((key): Problem[] => {
    if (names.includes(key)) return []
    const suggestion = closest(key, names)
    if (!isBuiltIn && suggestion === undefined) return []
    const message = `the role ${name} has no variable ${JSON.stringify(key)}`
    const more = { part: 'key' as const, message, expected: `one of ${names.join(', ')}` }
    const problem = problemAt(document, ['roles', index, 'variables', key], {
      ...more,
      ...(suggestion === undefined ? {} : { suggestion }),
    })
    return [isBuiltIn ? problem : { ...problem, severity: 'warning' }]
  })
  const missing = names.filter((key) => variables[key] === null)
  return [
    ...unknown,
    ...missing.map((key) =>
      problemAt(document, ['roles', index], {
        message: `the role ${name} needs the variable ${JSON.stringify(key)}`,
        expected: `{ name: ${name}, variables: { ${key}: … } }`,
      }),
    ),
  ]
}
