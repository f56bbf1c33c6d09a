import { expect, it } from 'vitest'
import { z } from 'zod'
import { parseYaml } from '../../core/index.ts'
import { builtInRoles } from './built-in-roles.ts'
import { roleSchema } from './role-schema.ts'

/** As `larder schema roles/web.yaml` hands it to editors. */
const published = z.toJSONSchema(roleSchema, { io: 'input', unrepresentable: 'any', reused: 'inline' })
const judge = z.fromJSONSchema(published)

const isTaken = (text: string): boolean => judge.safeParse(parseYaml(text, 'roles/web.yaml').document!.value).success
const withResource = (text: string): string => `variables: { port: 80 }\nresources:\n  - ${text}\n`

it.each(Object.entries(builtInRoles))('editors find nothing wrong with the role %s', (_name, text) => {
  expect(isTaken(text)).toBe(true)
})

it.each([
  '{ service: nginx, ready: { tcp: "{{port}}" }, running: "{{ runs }}" }',
  '{ file: "/etc/{{name}}/a", content: x, mode: "{{mode}}", after: "{{first}}" }',
  '{ user: "{{names}}", groups: ["{{group}}", users] }',
  '{ container: web, image: web, environment: { PORT: "{{port}}" }, ports: "{{ports}}" }',
])('a variable may stand for any value: %s', (text) => {
  expect(isTaken(withResource(text))).toBe(true)
})

it.each([
  '{ service: nginx, ready: { tcp: "port" } }',
  '{ service: nginx, redy: { tcp: 80 } }',
  '{ file: /etc/motd, content: x, mode: 644 }',
  '{ file: /etc/motd, content: x, mode: "{{}}" }',
  '{ fil: /etc/motd }',
])('and all else is told as it is written: %s', (text) => {
  expect(isTaken(withResource(text))).toBe(false)
})
