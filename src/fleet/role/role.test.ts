import { expect, it } from 'vitest'
import { formatProblem } from '../../core/index.ts'
import { memoryFiles } from '../../core/testing/memory-files.ts'
import { readRole } from './role.ts'

async function read(resources: string, variables = '{ none: [], some: [a, b] }') {
  const text = `variables: ${variables}\nresources:\n${resources}\n`
  const { role, problems } = await readRole(memoryFiles({ 'roles/web.yaml': text }), 'web')
  return { ids: role?.resources.map(({ id }) => id), problems: problems.map(formatProblem) }
}

it.each<[string, string[]]>([
  ['  - package: "{{none}}"\n  - package: "{{some}}"', ['package:a, b']],
  ['  - { file: "{{none}}", content: x, group: root }', []],
  ['  - package: []', []],
  // What is said beside it may be empty, and asks for something all the same.
  ['  - { user: bob, groups: "{{none}}" }', ['user:bob']],
  ['  - { service: nginx, after: "{{none}}" }\n  - { link: /a, to: /b, notify: [] }', ['service:nginx', 'link:/a']],
])('an entry about an empty list asks for nothing, and no other is left out: %s', async (resources, ids) => {
  expect(await read(resources)).toEqual({ ids, problems: [] })
})

it('a mistake stays one, and is told where it is written', async () => {
  expect((await read('  - package: "{{none}}"\n  - { command: x, run: [], creates: /a }')).problems).toEqual([
    expect.stringMatching(/^roles\/web\.yaml:4:\d+: /),
  ])
})
