import { expect, it } from 'vitest'
import { formatProblem } from '../../core/index.ts'
import { memoryFiles } from '../../core/testing/memory-files.ts'
import { checkResources } from '../resource/check-resources.ts'
import { resolveResources } from '../resource/resolve-resources.ts'
import { testRoom } from '../testing/resolve-room.ts'
import { builtInRoles } from './built-in-roles.ts'
import { readRole } from './role.ts'

/** What a machine has to say, where a role asks for it. */
const given: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'postgresql-replica': { primary: 'db-1' },
  'shared-storage': { peers: ['a-1', 'a-2'] },
  dhcp: { config: '{}' },
  'load-balancer': { config: 'global\n' },
}

it.each(Object.keys(builtInRoles))('%s: everything that it names is there, and it can be resolved', async (name) => {
  const files = memoryFiles({})
  const { role, problems } = await readRole(files, name, given[name])
  expect(problems.map(formatProblem)).toEqual([])
  const variables = { machine: { name: 'a-1', address: '192.0.2.1' }, machines: {}, site: 'test', ...role!.variables }
  const check = {
    files,
    variables: Object.keys(variables),
    secrets: ['postgresql-replication'],
    mirrors: ['base'],
    others: [],
  }
  expect((await checkResources(role!.resources, check)).map(formatProblem)).toEqual([])
  const room = testRoom(
    {},
    {
      variables,
      secret: async () => 'a secret',
      mirror: async () => ({ format: 'apt', name: 'base', source: 'Types: deb\n', keys: [], snapshot: 1 }),
    },
  )
  const resources = await resolveResources(role!.resources.map((resource) => ({ resource, room })))
  expect(resources.length).toBeGreaterThan(0)
})
