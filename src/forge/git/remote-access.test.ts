import { expect, test } from 'vitest'
import { accessTo } from './remote-access.ts'

const header = (user: string, password: string) =>
  `Authorization: Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

test('a login is in the environment, for its host alone, and never in the address', async () => {
  const login = () => Promise.resolve({ user: 'x-access-token', password: 'secret' })
  expect(await accessTo({ url: 'https://git.example.org/campus/site.git', login })).toEqual({
    address: 'https://git.example.org/campus/site.git',
    environment: {
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'http.https://git.example.org/.extraHeader',
      GIT_CONFIG_VALUE_0: header('x-access-token', 'secret'),
    },
  })
})

test('one that is written in the address is taken out of it', async () => {
  const { address, environment } = await accessTo({ url: 'https://al%20ice:p%40ss@git.example.org/site.git' })
  expect(address).toBe('https://git.example.org/site.git')
  expect(environment['GIT_CONFIG_VALUE_0']).toBe(header('al ice', 'p@ss'))
})

test.each(['/srv/site.git', 'file:///srv/site.git', 'ssh://git@git.example.org/site.git'])(
  '%s is reached without one',
  async (url) => {
    const login = () => Promise.reject(new Error('nobody should ask'))
    expect(await accessTo({ url, login })).toEqual({ address: url, environment: {} })
  },
)

test('http is for this machine alone', async () => {
  expect((await accessTo({ url: 'http://127.0.0.1:3000/site.git' })).environment).toEqual({
    GIT_ALLOW_PROTOCOL: 'file:http:https:ssh',
  })
  for (const url of ['http://example.org/x', 'http://127.0.0.1.example.org/x', 'ext::sh -c id', '-u/x', 'git://x/y']) {
    await expect(accessTo({ url })).rejects.toMatchObject({ code: 'GIT_REF_REFUSED' })
  }
})
