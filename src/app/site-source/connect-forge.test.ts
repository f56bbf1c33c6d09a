import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { KnownSecrets, systemClock } from '../../core/index.ts'
import { accessTo } from '../../forge/index.ts'
import { fetchSend } from '../../forge/testing/fetch-send.ts'
import { startStandIn } from '../../forge/testing/stand-in-forge.ts'
import { controllerSchema } from '../config/controller-config.ts'
import { connectForge } from './connect-forge.ts'
import type { ConnectedForge } from './connected-forge.ts'

let root: string
let secrets: KnownSecrets
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'larder-connect-'))
  secrets = new KnownSecrets()
  await writeFile(join(root, 'token'), 'a-token-of-ours\n')
})
afterEach(() => rm(root, { recursive: true, force: true }))

function connect(forge: object): Promise<ConnectedForge> {
  const config = controllerSchema.parse({ forge }).forge!
  return connectForge({ config, root, send: fetchSend, clock: systemClock, secrets })
}

const loginOf = async ({ remote }: ConnectedForge): Promise<string | undefined> => {
  const { environment } = await accessTo(remote)
  const [, basic] = /Basic (.*)$/.exec(environment['GIT_CONFIG_VALUE_0'] ?? '') ?? []
  return basic === undefined ? undefined : Buffer.from(basic, 'base64').toString()
}

test.each([
  ['git', 'https://git.example.org/site.git', 'git:a-token-of-ours'],
  ['git', 'https://robot@git.example.org/site.git', 'robot:a-token-of-ours'],
  ['git', 'https://robot:of-the-address@git.example.org/site.git', 'robot:of-the-address'],
  ['github', 'https://git.example.org/campus/site.git', 'x-access-token:a-token-of-ours'],
  ['gitlab', 'https://git.example.org/campus/site.git', 'oauth2:a-token-of-ours'],
  ['gitea', 'https://git.example.org/campus/site.git', 'larder:a-token-of-ours'],
  ['github', 'ssh://git@git.example.org/campus/site.git', undefined],
])('%s at %s signs in as %s', async (type, url, login) => {
  const connected = await connect({ type, url, tokenFile: 'token', repository: 'campus/site' })
  expect(await loginOf(connected)).toBe(login)
  expect(secrets.mask('it says: a-token-of-ours')).toBe('it says: [redacted]')
  if (url.includes('of-the-address')) expect(secrets.mask('pw of-the-address')).toBe('pw [redacted]')
})

test('a key of an App, and tokens that it was given, are known as secrets', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  await writeFile(join(root, 'key.pem'), privateKey)
  await using forge = await startStandIn('github', { app: { id: '7', installation: '8', publicKey } })
  const app = { id: 7, installation: 8, keyFile: 'key.pem' }
  const connected = await connect({ ...forge.config, url: 'https://git.example.org/campus/site.git', app })
  const [user, token = ''] = (await loginOf(connected))?.split(':') ?? []
  expect([user, token.length > 8]).toEqual(['x-access-token', true])
  expect(secrets.mask(`got ${token}, ${Buffer.from(token).toString('base64')}`)).not.toContain(token)
  const lines = privateKey.split('\n').filter((line) => line.length > 60)
  const masked = secrets.mask(JSON.stringify({ error: `cannot use ${privateKey}` }))
  expect(lines.filter((line) => masked.includes(line))).toEqual([])
})

test('a file that is not there is named', async () => {
  const connecting = connect({ type: 'git', url: '/srv/site.git', tokenFile: 'none' })
  await expect(connecting).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining(join(root, 'none')) as string,
  })
})
