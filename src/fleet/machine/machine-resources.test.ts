import { expect, it } from 'vitest'
import { formatProblem, parseSiteFile, subDocument, type CheckContext } from '../../core/index.ts'
import { memoryFiles } from '../../core/testing/memory-files.ts'
import { checkMachineResources } from './machine-resources.ts'
import { machinesSchema } from './machine-schema.ts'

it.each<[string, string[]]>([
  ['[web, postgresql]', []],
  [
    '[web, wbe]',
    [
      'larder.yaml:2:25: there is no role "wbe"; expected a file roles/wbe.yaml, or a role that is built in: did you mean web?',
    ],
  ],
  [
    '[{ name: postgrseql }]',
    [
      'larder.yaml:2:20: there is no role "postgrseql"; expected a file roles/postgrseql.yaml, or a role that is built in: did you mean postgresql?',
    ],
  ],
])('roles are those of the site and those that are built in: %s', async (roles, problems) => {
  expect(await check(roles, { 'roles/web.yaml': 'resources: [{ package: nginx }]\n' })).toEqual(problems)
})

const greeting = `variables: { text: hi, place: /etc/motd }
resources:
  - file: /etc/motd
    inline: "{{text}}"
`
const twice = [
  'roles/greet.yaml:3:11: file:/etc/motd is declared twice, once for each use of its role, with other variables',
]
it.each<[string, string[]]>([
  ['[greet, greet]', []],
  ['[greet, { name: greet, variables: { text: hi } }]', []],
  ['[greet, { name: greet, variables: { text: ho } }]', twice],
  ['[{ name: greet, variables: { text: ho } }, greet]', twice],
  // The texts of another role's files are the same, whatever else it calls by a name of its own.
  ['[greet, other]', []],
  // And they show what is the same, whatever else differs.
  ['[{ name: greet, variables: { place: /a } }, { name: greet, variables: { place: /b } }]', []],
])('a file that two roles fill in is the same where its values are: %s', async (roles, problems) => {
  const other = greeting.replace('place: /etc/motd', 'port: 80')
  expect(await check(roles, { 'roles/greet.yaml': greeting, 'roles/other.yaml': other })).toEqual(problems)
})

async function check(roles: string, files: Record<string, string>): Promise<string[]> {
  const { document } = parseSiteFile(Buffer.from(`machines:\n  web-1: { roles: ${roles} }\n`), 'larder.yaml')
  const context: Partial<CheckContext> = {
    files: memoryFiles({ ...files, 'secrets/postgresql-replication.age': 'sealed' }),
    site: {},
    declared: { mirrors: ['base'] },
    documentAt: (path) => subDocument(document!, path),
  }
  const { machines } = document!.value as { machines: object }
  const found = await checkMachineResources(machinesSchema.parse(machines), context as CheckContext)
  return found.map(formatProblem)
}
