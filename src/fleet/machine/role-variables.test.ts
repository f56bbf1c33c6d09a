import { expect, it } from 'vitest'
import { formatProblem, parseSiteFile, subDocument } from '../../core/index.ts'
import { memoryFiles } from '../../core/testing/memory-files.ts'
import { readRole } from '../role/role.ts'
import { machinesSchema } from './machine-schema.ts'
import { roleVariableProblems } from './role-variables.ts'

const files = memoryFiles({
  'roles/web.yaml': 'variables: { port: 80, name: }\nresources: [{ file: "/srv/{{name}}-{{other}}", content: x }]\n',
})

async function problemsOf(text: string): Promise<string[]> {
  const { document } = parseSiteFile(Buffer.from(`db: ${text}\n`), 'larder.yaml')
  const config = machinesSchema.parse(document!.value)['db']!
  const found = config.roles.map(async (use, index) => {
    const given = { ...config.variables, ...(typeof use === 'string' ? {} : use.variables) }
    const { role, problems } = await readRole(files, typeof use === 'string' ? use : use.name, given)
    expect(problems).toEqual([])
    return roleVariableProblems(use, role, { document: subDocument(document!, ['db']), index })
  })
  return (await Promise.all(found)).flat().map(formatProblem)
}

it.each<[string, string[]]>([
  ['{ roles: [mirror-client, postgresql] }', []],
  ['{ roles: [postgresql-replica], variables: { primary: db-1, mine: 1 } }', []],
  ['{ roles: [{ name: web, variables: { name: a, other: b } }] }', []],
  [
    '{ roles: [mirror-client, postgresql-replica] }',
    [
      'larder.yaml:1:30: the role postgresql-replica needs the variable "primary"; expected { name: postgresql-replica, variables: { primary: … } }',
    ],
  ],
  [
    '{ roles: [{ name: postgresql-replica, variables: { primry: db-1 } }] }',
    [
      'larder.yaml:1:56: the role postgresql-replica has no variable "primry"; expected one of version, listen, allow, primary: did you mean primary?',
      'larder.yaml:1:15: the role postgresql-replica needs the variable "primary"; expected { name: postgresql-replica, variables: { primary: … } }',
    ],
  ],
  [
    '{ roles: [{ name: mirror-client, variables: { colour: red } }] }',
    [
      'larder.yaml:1:51: the role mirror-client has no variable "colour"; expected one of mirror, only, packages, latest',
    ],
  ],
  [
    '{ roles: [{ name: web, variables: { name: a, other: b, prt: 1 } }] }',
    ['larder.yaml:1:60: warning: the role web has no variable "prt"; expected one of port, name: did you mean port?'],
  ],
])('%s', async (text, problems) => {
  expect(await problemsOf(text)).toEqual(problems)
})
