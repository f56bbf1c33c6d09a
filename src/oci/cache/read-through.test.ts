import { createHash } from 'node:crypto'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createLog, LarderError } from '../../core/index.ts'
import type { FetchRequest } from '../../fetch/index.ts'
import { openMemoryStore, type MemoryStore } from '../../store/testing/index.ts'
import { mediaTypes } from '../media-type.ts'
import { parseDigest, parseRepositoryName, type OciDigest } from '../reference.ts'
import { createRegistry, type Registry } from '../registry/registry.ts'
import type { OriginSend } from './origin.ts'
import { createRegistryCache, type CachedRegistry, type RegistryCache } from './registry-cache.ts'

const minuteMs = 60_000
const url = 'https://registry.example.org'
const name = parseRepositoryName('hub/team/app')
const digestOf = (bytes: Buffer): OciDigest => parseDigest(`sha256:${createHash('sha256').update(bytes).digest('hex')}`)

let room: MemoryStore
let plain: Registry
let cache: RegistryCache
/** What the other registry answers, by method and path, and what it was asked. */
let answers: Map<string, { status?: number; headers?: Record<string, string>; bytes?: Buffer }>
let asked: string[]
let isAway: boolean

beforeEach(async () => {
  room = await openMemoryStore()
  plain = createRegistry(room)
  answers = new Map()
  asked = []
  isAway = false
  cache = open({})
})
afterEach(async () => {
  await cache.close()
  await plain.close()
  await room[Symbol.asyncDispose]()
})

const send: OriginSend = async ({ method, url: address, headers }) => {
  asked.push(`${method} ${address}${headers['authorization'] === undefined ? '' : ` as ${headers['authorization']}`}`)
  if (isAway) throw new LarderError('FORGE_UNREACHABLE', { message: 'It does not answer.' })
  const answer = answers.get(`${method} ${address}`) ?? answers.get(address) ?? { status: 404 }
  return { status: answer.status ?? 200, headers: answer.headers ?? {}, bytes: answer.bytes ?? Buffer.alloc(0) }
}

/** As the fetcher does it: into the store, under the lease, if it is what was promised. */
async function fetchBlob({ urls, expected = {}, lease, authorization = '' }: FetchRequest) {
  asked.push(`fetch ${urls[0]!} ${authorization}`.trim())
  const upload = await room.store.openUpload(lease, urls[0]!)
  await upload.append(answers.get(urls[0]!)?.bytes ?? Buffer.alloc(0))
  return { kind: 'fetched' as const, ...(await upload.commit(expected)), url: urls[0]!, validators: {} }
}

function open(changed: Partial<CachedRegistry>): RegistryCache {
  const log = createLog({ level: 'error', destination: process.stderr, clock: room.clock })
  const cached = [{ prefix: 'hub', url, keepMs: 30 * 24 * 60 * minuteMs, tagAgeMs: 5 * minuteMs, ...changed }]
  return createRegistryCache({ ...room, registry: plain, fetcher: { fetch: fetchBlob }, log, send, cached })
}

/** Puts an image into the other registry. */
function publish(content: string, tag: string, at = `${url}/v2/team/app`): { digest: OciDigest; layer: OciDigest } {
  const layer = Buffer.from(content)
  const config = Buffer.from('{}')
  const of = (bytes: Buffer) => ({ mediaType: 'application/octet-stream', digest: digestOf(bytes), size: bytes.length })
  const manifest = { schemaVersion: 2, mediaType: mediaTypes.manifest, config: of(config), layers: [of(layer)] }
  const bytes = Buffer.from(JSON.stringify(manifest))
  const digest = digestOf(bytes)
  for (const blob of [layer, config]) answers.set(`${at}/blobs/${digestOf(blob)}`, { bytes: blob })
  const headers = { 'content-type': mediaTypes.manifest, 'docker-content-digest': digest }
  for (const reference of [tag, digest]) answers.set(`${at}/manifests/${reference}`, { headers, bytes })
  return { digest, layer: digestOf(layer) }
}

const pull = (tag: string) => cache.registry.manifest(name, { tag })
const blobText = async (digest: OciDigest) => {
  const blob = await cache.registry.blob(name, digest)
  return blob && text(await blob.open())
}

it('asks once for what it then has, and answers with the same bytes', async () => {
  const { digest, layer } = publish('one', '1')
  expect(await pull('1')).toMatchObject({ digest, mediaType: mediaTypes.manifest })
  expect(digestOf(Buffer.from(await cache.registry.manifestContent(name, digest)))).toBe(digest)
  expect(await blobText(layer)).toBe('one')
  const before = asked.length
  expect(await pull('1')).toMatchObject({ digest })
  expect(await cache.registry.manifest(name, { digest })).toMatchObject({ digest })
  expect(await blobText(layer)).toBe('one')
  expect(asked.slice(before)).toEqual([])
})

it('what several want at once is asked for once', async () => {
  const { layer } = publish('one', '1')
  await Promise.all([pull('1'), pull('1'), pull('1')])
  expect(asked.filter((line) => line.startsWith('HEAD'))).toHaveLength(1)
  expect(await Promise.all([blobText(layer), blobText(layer)])).toEqual(['one', 'one'])
  expect(asked.filter((line) => line.startsWith('fetch'))).toHaveLength(1)
})

it('asks again what a tag means when its time is over, and fetches what has changed only', async () => {
  const first = publish('one', 'latest')
  await pull('latest')
  room.clock.advance(6 * minuteMs)
  expect(await pull('latest')).toMatchObject({ digest: first.digest })
  expect(asked.filter((line) => line.startsWith('GET'))).toHaveLength(1)
  const second = publish('two', 'latest')
  expect(await pull('latest')).toMatchObject({ digest: first.digest })
  room.clock.advance(6 * minuteMs)
  expect(await pull('latest')).toMatchObject({ digest: second.digest })
  expect(await cache.registry.tags(name, {})).toMatchObject({ items: ['latest'] })
})

it('serves what it has while the other is away, and forgets a tag that is gone there', async () => {
  const { digest, layer } = publish('one', '1')
  const { layer: neverPulled } = publish('other', '2')
  await pull('1')
  await blobText(layer)
  isAway = true
  room.clock.advance(6 * minuteMs)
  expect(await pull('1')).toMatchObject({ digest })
  expect(await blobText(layer)).toBe('one')
  await expect(blobText(neverPulled)).rejects.toMatchObject({ code: 'OCI_ORIGIN_UNAVAILABLE' })
  await expect(pull('2')).rejects.toMatchObject({ code: 'OCI_ORIGIN_UNAVAILABLE' })
  const before = asked.length
  expect(await pull('1')).toMatchObject({ digest })
  expect(asked.slice(before)).toEqual([])
  isAway = false
  room.clock.advance(minuteMs)
  answers.delete(`${url}/v2/team/app/manifests/1`)
  expect(await pull('1')).toBeUndefined()
  expect(await pull('1')).toBeUndefined()
})

it.each([
  ['a manifest that is not what its digest says', 'OCI_ORIGIN_WRONG'],
  ['a manifest that is none', 'OCI_ORIGIN_WRONG'],
])('refuses %s', async (what, code) => {
  const { digest } = publish('one', '1')
  const bytes = Buffer.from('{"schemaVersion":2,"layers":"none"}')
  if (what.endsWith('none')) {
    answers.set(`${url}/v2/team/app/manifests/1`, { headers: { 'content-type': mediaTypes.manifest }, bytes })
  } else answers.set(`${url}/v2/team/app/manifests/${digest}`, { bytes })
  await expect(pull('1')).rejects.toMatchObject({ code })
  expect(await plain.manifest(name, { digest })).toBeUndefined()
  expect(await plain.tags(name, {})).toBeUndefined()
})

it('refuses a blob that is not what its digest says, or not as long as its manifest says', async () => {
  const { layer } = publish('one', '1')
  await pull('1')
  for (const bytes of [Buffer.from('two'), Buffer.from('one and more')]) {
    answers.set(`${url}/v2/team/app/blobs/${layer}`, { bytes })
    await expect(blobText(layer)).rejects.toMatchObject({ code: 'OCI_ORIGIN_WRONG' })
  }
  expect(await plain.blob(name, layer)).toBeUndefined()
})

it('gives nobody what the store has of others, unless the other registry has it', async () => {
  const secret = Buffer.from('of another repository')
  const other = parseRepositoryName('private')
  const id = await plain.beginUpload(other)
  await plain.finishUpload(other, id, digestOf(secret), { body: [secret] as unknown as AsyncIterable<Buffer> })
  expect(await blobText(digestOf(secret))).toBeUndefined()
})

it('gets a token for each repository, tells its password to that registry alone, and to no unsafe address', async () => {
  cache = open({ login: { user: 'ci', password: 'secret' } })
  const { digest } = publish('one', '1')
  const challenge = `Bearer realm="https://auth.example.org/token",service="the registry"`
  const [head, get] = [`HEAD ${url}/v2/team/app/manifests/1`, `GET ${url}/v2/team/app/manifests/${digest}`]
  answers.set(head, { status: 401, headers: { 'www-authenticate': challenge } })
  const token = 'https://auth.example.org/token?service=the+registry&scope=repository%3Ateam%2Fapp%3Apull'
  answers.set(token, { bytes: Buffer.from('{"token":"t1","expires_in":300}') })
  answers.set(get, { status: 307, headers: { location: 'https://cdn.example.org/m' } })
  answers.set('https://cdn.example.org/m', answers.get(`${url}/v2/team/app/manifests/${digest}`)!)
  // Until it is let in.
  await expect(pull('1')).rejects.toMatchObject({ code: 'OCI_ORIGIN_UNAVAILABLE' })
  answers.delete(head)
  expect(await pull('1')).toMatchObject({ digest })
  const basic = `Basic ${Buffer.from('ci:secret').toString('base64')}`
  expect(asked).toEqual([
    head,
    `GET ${token} as ${basic}`,
    `${head} as Bearer t1`,
    `${head} as Bearer t1`,
    `${get} as Bearer t1`,
    'GET https://cdn.example.org/m',
  ])
  answers.set(`HEAD ${url}/v2/team/b/manifests/1`, {
    status: 401,
    headers: { 'www-authenticate': 'Bearer realm="http://auth.example.org/token"' },
  })
  const unsafe = cache.registry.manifest(parseRepositoryName('hub/team/b'), { tag: '1' })
  await expect(unsafe).rejects.toMatchObject({ code: 'OCI_ORIGIN_WRONG' })
})

it('forgets what nobody pulls for its time, and gc takes its bytes', async () => {
  const old = publish('old', '1')
  const used = publish('used', '2')
  for (const [tag, { layer }] of [
    ['1', old],
    ['2', used],
  ] as const) {
    // prettier-ignore
    await pull(tag)
    await blobText(layer)
  }
  room.clock.advance(20 * 24 * 60 * minuteMs)
  expect([await cache.expire(), await plain.tidy()]).toEqual([0, { uploads: 0, manifests: 0, blobs: 0 }])
  await pull('2')
  room.clock.advance(15 * 24 * 60 * minuteMs)
  expect(await cache.expire()).toBe(1)
  // As whatever has lost its tag.
  room.clock.advance(25 * 60 * minuteMs)
  expect([await cache.expire(), await plain.tidy()]).toEqual([0, { uploads: 0, manifests: 1, blobs: 1 }])
  expect(await plain.manifest(name, { digest: old.digest })).toBeUndefined()
  expect(await plain.blob(name, used.layer)).toBeDefined()
})

it('takes no pushes, and leaves all other names alone', async () => {
  const own = parseRepositoryName('hubble/app')
  const bytes = Buffer.from('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}')
  await expect(cache.registry.beginUpload(name)).rejects.toMatchObject({ code: 'OCI_CACHE_READ_ONLY' })
  await expect(cache.registry.mountBlob(name, digestOf(bytes), own)).rejects.toMatchObject({
    code: 'OCI_CACHE_READ_ONLY',
  })
  await expect(cache.registry.putManifest(name, { tag: '1' }, { bytes })).rejects.toMatchObject({
    code: 'OCI_CACHE_READ_ONLY',
  })
  await cache.registry.putManifest(own, { tag: '1' }, { bytes })
  expect(await cache.registry.manifest(own, { tag: '1' })).toBeDefined()
  expect(asked).toEqual([])
})

it('a tag that is deleted here is asked for anew; one that was pushed before stays', async () => {
  const { digest } = publish('one', '1')
  await pull('1')
  await cache.registry.removeManifest(name, { tag: '1' })
  expect(await pull('1')).toMatchObject({ digest })
  expect(asked.filter((line) => line.startsWith('HEAD'))).toHaveLength(2)
  const bytes = Buffer.from('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}')
  await plain.putManifest(name, { tag: 'ours' }, { bytes })
  publish('theirs', 'ours')
  expect(await pull('ours')).toMatchObject({ digest: digestOf(bytes) })
})
