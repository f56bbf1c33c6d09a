import { beforeEach, expect, it } from 'vitest'
import { FakeClock } from '../../../core/testing/fake-clock.ts'
import { createAdminToken } from '../admin-token.ts'
import { createRegistryAccess, type RegistryAccess } from './access.ts'
import { signBuildLogin, signMachineLogin } from './signed-login.ts'

const tokenKey = Buffer.alloc(32, 'k')
let clock: FakeClock
let access: RegistryAccess
beforeEach(() => {
  clock = new FakeClock()
  access = createRegistryAccess({
    adminToken: createAdminToken('admin-token'),
    users: [{ name: 'machine', passwords: ['right'], pull: ['*'], push: [] }],
    anonymous: 'nothing',
    tokenKey,
    clock,
  })
})

const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
const web1 = (key = tokenKey) => signMachineLogin({ machine: 'web-1', repository: 'counter' }, { tokenKey: key, clock })

it('a machine pulls the image that its login is for, and can do nothing else', async () => {
  const { user, password } = await web1()
  const grants = await access.grantsOf(basic(user, password))
  expect(grants('counter', 'pull')).toBe(true)
  expect(grants('counter', 'push')).toBe(false)
  expect(grants('counter', 'delete')).toBe(false)
  expect(grants('other', 'pull')).toBe(false)
})

it('it may change its login into a token, as clients do, which allows no more', async () => {
  const { user, password } = await web1()
  const scopes = ['repository:counter:pull,push', 'repository:other:pull']
  const { token } = await access.issueToken(basic(user, password), scopes)
  const grants = await access.grantsOf(`Bearer ${token}`)
  expect(grants('counter', 'pull')).toBe(true)
  expect(grants('counter', 'push')).toBe(false)
  expect(grants('other', 'pull')).toBe(false)
})

it('a build pulls all that it stands on, also when it begins with that late', async () => {
  const build = { image: 'counter', repositories: ['base/debian', 'hub/library/node'], longestS: 7200 }
  const { user, password } = await signBuildLogin(build, { tokenKey, clock })
  clock.advance(7190 * 1000)
  const grants = await access.grantsOf(basic(user, password))
  for (const repository of build.repositories) expect(grants(repository, 'pull')).toBe(true)
  expect([grants('base/debian', 'push'), grants('counter', 'pull')]).toEqual([false, false])
})

it('it is over after an hour', async () => {
  const { user, password } = await web1()
  clock.advance(3590 * 1000)
  expect((await access.grantsOf(basic(user, password)))('counter', 'pull')).toBe(true)
  clock.advance(20 * 1000)
  await expect(access.grantsOf(basic(user, password))).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
})

it.each([
  ['another machine', async () => basic('machine/web-2', (await web1()).password)],
  ['a user of that name', async () => basic('machine', (await web1()).password)],
  ['another key', async () => basic('machine/web-1', (await web1(Buffer.alloc(32, 'x'))).password)],
  ['a word', async () => basic('machine/web-1', 'right')],
])('it is refused from %s', async (_, authorization) => {
  await expect(access.grantsOf(await authorization())).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
})
