import { expect, it } from 'vitest'
import { memoryFiles } from '../../core/testing/memory-files.ts'
import { sh } from '../shell/script.ts'
import { runScript } from '../testing/run-script.ts'
import { readRole } from './role.ts'

/** What the role's own file says of the value of a variable, as the machine runs it. */
async function judge(variable: 'allow' | 'listen', value: string): Promise<{ code: number | null; said: string }> {
  const { role, problems } = await readRole(memoryFiles({}), 'postgresql', { [variable]: value })
  expect(problems).toEqual([])
  const path = variable === 'allow' ? 'pg_hba.conf' : 'larder.conf'
  const file = role!.resources.find(({ id }) => id.endsWith(path))!.declared as { validate: string[] }
  const { code, stderr } = runScript(sh`${file.validate.map((word) => (word === '%s' ? '/dev/null' : word))}`)
  return { code, said: stderr }
}

it.each([
  'samenet',
  'samehost',
  'all',
  '192.0.2.0/24',
  '192.0.2.7/32',
  '0.0.0.0/0',
  '2001:db8::/32',
  '::/0',
  '192.0.2.0 255.255.255.0',
  'db.example.org',
  '.example.org',
  'db-1',
])('who may connect: %s', async (allow) => {
  expect(await judge('allow', allow)).toEqual({ code: 0, said: '' })
})

it.each([
  '192.0.2.7',
  '192.0.2.0/33',
  '192.0.2.300/24',
  '192.0.2/24',
  '2001:db8::/129',
  '2001:db8::1',
  '192.0.2.0 ::',
  'db.example.org/24',
  'same net',
  'all scram-sha-256',
  "it's",
  '',
  'all\nlocal all all trust',
])('what would end PostgreSQL, or nobody meant: %j', async (allow) => {
  expect(await judge('allow', allow)).toEqual({
    code: expect.toSatisfy((code) => code !== 0),
    said: expect.stringContaining('allow: '),
  })
})

it.each(['*', 'localhost', '127.0.0.1', '0.0.0.0', '', '127.0.0.1, 192.0.2.1', '192.0.2.1,localhost'])(
  'where it listens: %j',
  async (listen) => {
    expect(await judge('listen', listen)).toEqual({ code: 0, said: '' })
  },
)

it.each([
  ['192.0.2.1', 'this machine has no such address'],
  ['127.0.0.300', 'this machine has no such address'],
  ["*'", 'are needed'],
  ['*\nport = 1', 'are needed'],
  ['a\\', 'are needed'],
])('where it cannot: %j', async (listen, why) => {
  expect(await judge('listen', listen)).toEqual({
    code: expect.toSatisfy((code) => code !== 0),
    said: expect.stringContaining(why),
  })
})
