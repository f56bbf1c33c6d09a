import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startOpenRegistry, type OpenRegistry } from './support/open-registry.ts'
import { createRegistryClient, imageType, type RegistryClient, sha256Of } from './support/registry-client.ts'
import { openWorkspace, type Workspace } from './support/workspace.ts'

let workspace: Workspace
let registry: OpenRegistry
let admin: RegistryClient
const clients: RegistryClient[] = []

beforeAll(async () => {
  workspace = await openWorkspace()
  const configFile = workspace.path('controller.yaml')
  await writeFile(
    configFile,
    `registry:
  anonymousPull: false
  users:
    - { name: ci, pull: [base/*], push: [counter, team/*/app] }
    - { name: reader }
`,
  )
  registry = await startOpenRegistry({ openRegistry: false, configFile })
  admin = as('admin', registry.token)
  for (const name of ['counter', 'base/debian', 'team/a/app', 'team/a/other']) await admin.pushImage(name, '1', name)
})
afterAll(async () => {
  for (const client of clients) client.close()
  await registry[Symbol.asyncDispose]()
  await workspace[Symbol.asyncDispose]()
})

function as(user: string, password: string): RegistryClient {
  return speaking(`Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`)
}

function speaking(authorization?: string): RegistryClient {
  const client = createRegistryClient(registry.url, authorization === undefined ? {} : { authorization })
  clients.push(client)
  return client
}

const passwordFile = (user: string) => join(registry.folder, `registry-${user}`)
const user = async (name: string) => as(name, (await readFile(passwordFile(name), 'utf8')).trim())
const statusOf = async (client: RegistryClient, method: string, path: string) =>
  (await client.ask(method, `/v2/${path}`)).status

it('passwords are made at the first start, for their owner alone', async () => {
  const { mode } = await stat(passwordFile('ci'))
  expect(mode & 0o777).toBe(0o600)
  expect((await readFile(passwordFile('ci'), 'utf8')).trim().length).toBeGreaterThanOrEqual(32)
})

it.each([
  ['GET', 'counter/manifests/1', 200],
  ['GET', 'base/debian/manifests/1', 200],
  ['GET', 'team/a/app/manifests/1', 200],
  ['GET', 'team/a/other/manifests/1', 401],
  ['GET', 'team/a/other/tags/list', 401],
  ['GET', `team/a/other/referrers/${sha256Of('x')}`, 401],
  ['GET', 'nowhere/manifests/1', 401],
  ['POST', 'counter/blobs/uploads/', 202],
  ['POST', 'team/b/c/app/blobs/uploads/', 202],
  ['POST', 'base/debian/blobs/uploads/', 401],
  ['DELETE', 'base/debian/manifests/1', 401],
  ['DELETE', `counter/manifests/${sha256Of('x')}`, 404],
])('who may push to some and pull from others: %s %s is %i', async (method, path, status) => {
  expect(await statusOf(await user('ci'), method, path)).toBe(status)
})

it('who has no say pulls everything and changes nothing; who is nobody gets a challenge for just what was asked', async () => {
  const reader = await user('reader')
  expect(await statusOf(reader, 'GET', 'team/a/other/manifests/1')).toBe(200)
  expect(await statusOf(reader, 'DELETE', 'counter/manifests/1')).toBe(401)
  const { status, headers, errorCode } = await speaking().ask('POST', '/v2/counter/blobs/uploads/')
  expect([status, errorCode()]).toEqual([401, 'UNAUTHORIZED'])
  expect(headers['www-authenticate']).toMatch(/^Bearer realm="[^"]+\/v2\/token",service="larder",scope="repository:counter:pull,push"$/) // prettier-ignore
  expect(await statusOf(as('ci', 'wrong'), 'GET', 'counter/manifests/1')).toBe(401)
})

it('a token allows what was asked for and may be had, and is over after a while', async () => {
  const scopes = ['repository:counter:pull', 'repository:team/a/other:pull,push', 'repository:base/debian:pull,push']
  const query = scopes.map((scope) => `scope=${encodeURIComponent(scope)}`).join('&')
  const { token } = (await (await user('ci')).ask('GET', `/v2/token?service=larder&${query}`)).json<{ token: string }>()
  const bearer = speaking(`Bearer ${token}`)
  expect(await statusOf(bearer, 'GET', 'counter/manifests/1')).toBe(200)
  expect(await statusOf(bearer, 'POST', 'counter/blobs/uploads/')).toBe(401)
  expect(await statusOf(bearer, 'GET', 'base/debian/manifests/1')).toBe(200)
  expect(await statusOf(bearer, 'POST', 'base/debian/blobs/uploads/')).toBe(401)
  expect(await statusOf(bearer, 'GET', 'team/a/other/manifests/1')).toBe(401)
  expect(await statusOf(speaking(`Bearer ${token.slice(0, -4)}AAAA`), 'GET', 'counter/manifests/1')).toBe(401)
  registry.clockOffsetMs = 16 * 60_000
  try {
    expect(await statusOf(bearer, 'GET', 'counter/manifests/1')).toBe(401)
  } finally {
    registry.clockOffsetMs = 0
  }
})

it('no blob is mounted that could not be pulled, whether its repository is named or not', async () => {
  const secret = await admin.pushBlob('team/a/other', Buffer.from('for few'))
  const shared = await admin.pushBlob('base/debian', Buffer.from('for all'))
  const ci = await user('ci')
  const mount = (digest: string, from = '') => statusOf(ci, 'POST', `counter/blobs/uploads/?mount=${digest}${from}`)
  expect([await mount(secret), await mount(secret, '&from=team/a/other')]).toEqual([202, 202])
  expect(await statusOf(ci, 'HEAD', `counter/blobs/${secret}`)).toBe(404)
  expect([await mount(shared), await mount(shared, '&from=base/debian')]).toEqual([201, 201])
})

it('the catalog names what may be pulled', async () => {
  const answer = await (await user('ci')).ask('GET', '/v2/_catalog')
  expect(answer.json()).toEqual({ repositories: ['base/debian', 'counter', 'team/a/app'] })
})

it('a manifest of a blob that was only seen elsewhere is refused', async () => {
  const { config, layer, manifest } = await admin.pushImage('team/a/other', '2', 'seen by digest')
  const ci = await user('ci')
  const headers = { 'content-type': imageType }
  const put = await ci.ask('PUT', '/v2/counter/manifests/2', { headers, body: Buffer.from(JSON.stringify(manifest)) })
  expect([put.status, put.errorCode()]).toEqual([400, 'MANIFEST_BLOB_UNKNOWN'])
  for (const blob of [config, layer]) expect(await statusOf(ci, 'GET', `counter/blobs/${blob}`)).toBe(404)
})

const evil = [
  '..',
  '../etc',
  'team/../../etc',
  'team/..',
  './team',
  'team//app',
  '/team',
  'team/',
  'team/%2e%2e/app',
  '..%2f..%2fetc',
  'team%5c..%5capp',
  'team/app%00',
  'Team/app',
  'team/a b',
  'team/%ff',
  'a'.repeat(256),
]

it.each(evil)('%j is the name of no repository, and nothing is touched', async (name) => {
  const before = await readdir(registry.folder, { recursive: true })
  const path = name.replaceAll(' ', '%20')
  const digest = sha256Of('x')
  const asked: [string, string, Buffer?][] = [
    ['GET', 'tags/list'],
    ['GET', `blobs/${digest}`],
    ['DELETE', `blobs/${digest}`],
    ['POST', 'blobs/uploads/'],
    ['POST', `blobs/uploads/?digest=${digest}`, Buffer.from('x')],
    ['PUT', 'manifests/1', Buffer.from('{}')],
  ]
  for (const [method, rest, body] of asked) {
    const { status } = await admin.ask(method, `/v2/${path}/${rest}`, body === undefined ? {} : { body })
    expect([400, 404], `${method} ${rest}`).toContain(status)
  }
  expect(await readdir(registry.folder, { recursive: true })).toEqual(before)
})
