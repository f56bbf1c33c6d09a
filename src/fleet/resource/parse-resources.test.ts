import { expect, it } from 'vitest'
import { formatProblem, isLarderError, parseSiteFile } from '../../core/index.ts'
import { memoryFiles } from '../../core/testing/memory-files.ts'
import { checkResources, type ResourceCheck } from './check-resources.ts'
import { parseResources } from './parse-resources.ts'
import { resolveResources } from './resolve-resources.ts'
import { testRoom } from '../testing/resolve-room.ts'

function parse(yaml: string): ReturnType<typeof parseResources> {
  const { document } = parseSiteFile(Buffer.from(yaml), 'r.yaml')
  return parseResources(document!)
}

it('several subjects are several resources, and packages are one', () => {
  const { resources, problems } = parse(`
- package: [nginx, curl=7.88.1-10]
- package: [a1, a2, a3, a4]
- file: [/a, /b]
  content: x
- file: /c
  content: x
  group: staff
  id: the c
- { user: alice, group: staff }
- { ssh-key: alice, key: "ssh-ed25519 ${'A'.repeat(60)} me" }
`)
  expect(problems.map(formatProblem)).toEqual([])
  expect(resources.map(({ id, aliases, origin }) => [id, aliases, origin])).toEqual([
    ['package:nginx, curl', ['package:nginx', 'package:curl'], 'r.yaml:2'],
    ['package:a1 and 3 more', ['package:a1', 'package:a2', 'package:a3', 'package:a4'], 'r.yaml:3'],
    ['file:/a', ['file:/a'], 'r.yaml:4'],
    ['file:/b', ['file:/b'], 'r.yaml:4'],
    ['the c', ['file:/c'], 'r.yaml:6'],
    ['user:alice', ['user:alice'], 'r.yaml:10'],
    ['ssh-key:root/alice', ['ssh-key:root/alice'], 'r.yaml:11'],
  ])
})

it.each([
  ['- fil: /a\n  content: x', 'r.yaml:1:3: unknown type of resource "fil": did you mean file?'],
  ['- file: /a\n  contents: x', 'r.yaml:2:3: unknown name "contents"'],
  ['- file: [/a, b]\n  content: x', 'r.yaml:1:14: "file": an absolute path is needed'],
  ['- file: /a\n  directory: /b', 'r.yaml:2:3: both "file" and "directory" in one resource; expected one type'],
  ['- file: /a\n  content: x\n  mode: 0644', 'a mode is text: write it in quotes'],
  ['- file: /a\n  content: x\n  nofity: y', 'r.yaml:3:3: unknown name "nofity"'],
  ['- package: "-o Foo"', 'r.yaml:1:12: "package": the name of a package is needed'],
  ['- { id: x }', 'r.yaml:1:3: no type of resource; expected one of package, repository, file'],
  ['- file: /a\n  content: x\n  when: { family: redhat }', 'r.yaml:3:19: "family" is "redhat"'],
  ['- user: Alice', 'small letters, digits, _ and - make the name of an account'],
  ['- service: getty@', 'r.yaml:1:12: "service": one of its instances is needed: getty@tty1'],
  ['- just text', 'r.yaml:1:3: this is no resource'],
  ['{ a: b }', 'a list of resources is needed'],
  [
    '- file: /a\n  content: x\n  id: one\n- file: [/b, /c]\n  content: x\n  id: two',
    'r.yaml:6:7: one id for several resources',
  ],
])('%s', (yaml, expected) => {
  expect(parse(yaml).problems.map(formatProblem).join('\n')).toContain(expected)
})

async function check(yaml: string, more: Partial<ResourceCheck> = {}): Promise<string> {
  const files = memoryFiles({
    'files/ok': 'x',
    'files/t': 'a {{machine.name}}\n{{secrets.db}}\n{{prot}}\n',
    'files/bad': 'a\n{{#x}}',
  })
  const known = { variables: ['machine', 'port'], secrets: ['api'], others: [], ...more }
  const { resources, problems } = parse(yaml)
  expect(problems).toEqual([])
  return (await checkResources(resources, { files, ...known })).map(formatProblem).join('\n')
}

it.each([
  ['- file: /a\n  source: files/none', 'r.yaml:2:11: there is no file "files/none" in the site'],
  ['- file: /a\n  template: files/t', 'files/t:2:1: there is no secret "db"; expected a file secrets/db.age'],
  ['- file: /a\n  template: files/t', 'files/t:3:1: nothing is called "prot" here: did you mean port?'],
  ['- file: /a\n  template: files/bad', 'files/bad:2:1: unclosed section "x"'],
  [
    '- file: /a\n  secret: apj',
    'r.yaml:2:11: there is no secret "apj"; expected a file secrets/apj.age: did you mean api?',
  ],
  ['- file: /a\n  content: x\n  after: [file:/b]', 'r.yaml:3:11: there is no resource "file:/b"'],
  ['- file: /a\n  content: x\n- file: /b\n  content: x\n  notify: file:/a', 'file:/a cannot be notified'],
  [
    '- file: /a\n  content: x\n- file: [/b, /a]\n  content: y',
    'r.yaml:3:9: file:/a is declared twice, first at r.yaml:1',
  ],
])('%s', async (yaml, expected) => {
  expect(await check(yaml)).toContain(expected)
})

it('what excludes each other may be declared twice', async () => {
  const one = (family: string): string => `- file: /a\n  content: ${family}\n  when: { family: ${family} }\n`
  expect(await check(one('debian') + one('rhel'))).toBe('')
  expect(
    await check('- file: /a\n  source: files/ok\n  after: package:nginx', {
      others: parse('- package: [curl, nginx]').resources,
    }),
  ).toBe('')
})

async function resolve(yaml: string): Promise<Record<string, readonly string[]>> {
  const { resources, problems } = parse(yaml)
  expect(problems).toEqual([])
  const resolved = await resolveResources(resources.map((resource) => ({ resource, room: testRoom() })))
  return Object.fromEntries(resolved.map(({ id, after }) => [id, after]))
}

it('order follows from folders, owners and packages, and from what is written', async () => {
  expect(
    await resolve(
      `
- file: /etc/nginx/conf.d/a
  content: x
  owner: web
- file: /etc/nginx/nginx.conf
  content: x
- directory: /etc/nginx
- user: web
  groups: staff2
`.replace('groups: staff2', 'groups: [staff2]') +
        `
- group: staff2
- package: [nginx-light, curl]
`,
    ),
  ).toEqual({
    'file:/etc/nginx/conf.d/a': ['directory:/etc/nginx', 'user:web', 'package:nginx-light, curl'],
    'file:/etc/nginx/nginx.conf': ['directory:/etc/nginx', 'package:nginx-light, curl'],
    'directory:/etc/nginx': ['package:nginx-light, curl'],
    'user:web': ['group:staff2', 'package:nginx-light, curl'],
    'group:staff2': [],
    'package:nginx-light, curl': [],
  })
})

it('what is declared again is meant by its second id, too', async () => {
  const again = `
- { file: /a, content: x, id: one }
- { file: /a, content: x, id: other }
- { package: [curl, nginx], id: tools }
- { package: nginx, id: server }
- { file: /b, content: x, after: [other, server] }
`
  expect(await check(again)).toBe('')
  expect(await resolve(again)).toEqual({ one: [], tools: [], 'file:/b': ['one', 'tools'] })
})

it('what is written goes before what is implied', async () => {
  expect(await resolve('- file: /etc/kea/a\n  content: x\n- package: kea\n  after: file:/etc/kea/a')).toEqual({
    'file:/etc/kea/a': [],
    'package:kea': ['file:/etc/kea/a'],
  })
})

it('what two roles declare in just the same way is declared once', async () => {
  expect(await resolve('- package: [git, curl]\n- package: [curl, nginx]\n- group: a\n- group: a')).toEqual({
    'package:git, curl': [],
    'package:curl, nginx': [],
    'group:a': [],
  })
  expect(await check('- package: [git, curl]\n- package: [curl, nginx]')).toBe('')
  expect(await check('- package: git\n- package: git\n  state: latest')).toContain('package:git is declared twice')
})

const key = `ssh-ed25519 ${'A'.repeat(56)}abcdefghijkl`
it.each([
  [
    'an alias that is the name of another',
    '- host-entry: a\n  address: 192.0.2.1\n  aliases: [b]\n- host-entry: b\n  address: 192.0.2.2',
    'host-entry:b and host-entry:a (r.yaml:1) make different things of the name "b" in /etc/hosts; expected one of them',
  ],
  [
    'an alias that shall be gone',
    '- host-entry: b\n  state: absent\n- host-entry: a\n  address: 192.0.2.1\n  aliases: [b]',
    'host-entry:a and host-entry:b (r.yaml:1) make different things of the name "b" in /etc/hosts; expected one of them',
  ],
  [
    'an alias of two addresses',
    '- host-entry: a\n  address: 192.0.2.1\n  aliases: [c, a]\n- host-entry: b\n  address: "2001:db8::1"\n  aliases: [c]',
    '',
  ],
  [
    'where no machine has both',
    '- host-entry: a\n  address: 192.0.2.1\n  aliases: [b]\n  when: { family: rhel }\n- host-entry: b\n  address: 192.0.2.2\n  when: { family: debian }',
    '',
  ],
  [
    'one key with two options',
    `- ssh-key: a\n  key: ${key} x\n- ssh-key: b\n  key: ${key} x\n  options: no-pty`,
    'ssh-key:root/b and ssh-key:root/a (r.yaml:1) make different things of the key ssh-ed25519 …abcdefghijkl of root; expected one of them',
  ],
  [
    'one key that shall be there, and gone',
    `- ssh-key: a\n  key: ${key} x\n- ssh-key: b\n  key: ${key} x\n  state: absent`,
    'ssh-key:root/b and ssh-key:root/a (r.yaml:1) make different things of the key ssh-ed25519 …abcdefghijkl of root; expected one of them',
  ],
  [
    'one line by two names, and one key of two users',
    `- ssh-key: a\n  key: ${key} x\n- ssh-key: b\n  key: ${key} x\n- ssh-key: a\n  key: ${key} y\n  user: web`,
    '',
  ],
])('rivals: %s', async (_, yaml, problem) => {
  expect((await check(yaml)).replace(/^r.yaml:[0-9:]+ /, '')).toBe(problem)
  const { resources } = parse(yaml)
  const resolving = resolveResources(resources.map((resource) => ({ resource, room: testRoom() })))
  if (problem === '') await resolving
  else await expect(resolving).rejects.toMatchObject({ code: 'FLEET_RESOURCE_INVALID' })
})

it('says which resource a fault is in', async () => {
  const { resources } = parse('- file: /a\n  source: files/x')
  const failing = resolveResources(resources.map((resource) => ({ resource, room: testRoom() })))
  await expect(failing).rejects.toSatisfy(
    (error) =>
      isLarderError(error, 'FLEET_RESOURCE_INVALID') &&
      error.message.startsWith('file:/a (r.yaml:1): There is no file'),
  )
})
