import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startOpenRegistry, type OpenRegistry } from './support/open-registry.ts'
import {
  configType,
  imageType,
  indexType,
  layerType,
  sha256Of,
  type PushedImage,
  type RegistryAnswer,
} from './support/registry-client.ts'

let registry: OpenRegistry
let image: PushedImage
beforeAll(async () => {
  registry = await startOpenRegistry()
  image = await registry.client.pushImage('team/app', 'v1', 'first')
})
afterAll(() => registry[Symbol.asyncDispose]())

const ask = (...args: Parameters<OpenRegistry['client']['ask']>): Promise<RegistryAnswer> =>
  registry.client.ask(...args)
const manifestPath = (reference: string, repository = 'team/app'): string => `/v2/${repository}/manifests/${reference}`
const put = (reference: string, body: Buffer | string, type: string | undefined = imageType) =>
  ask('PUT', manifestPath(reference), {
    headers: type === '' ? {} : { 'content-type': type },
    body: Buffer.from(body),
  })

describe('a manifest', () => {
  it.each(['GET', 'HEAD'])('%s by tag and by digest tells digest, type and length', async (method) => {
    for (const reference of ['v1', image.digest]) {
      const answer = await ask(method, manifestPath(reference))
      expect(answer.status).toBe(200)
      expect(answer.headers).toMatchObject({
        'docker-content-digest': image.digest,
        'content-type': imageType,
        'content-length': String(image.sizeBytes),
      })
      expect(answer.body.toString()).toBe(method === 'HEAD' ? '' : JSON.stringify(image.manifest))
    }
  })

  it.each([
    'application/json',
    `${indexType}, ${imageType}`,
    '*/*',
    'text/html;q=0.1,application/vnd.docker.distribution.manifest.v2+json',
  ])('is what it is, whatever is accepted: %s', async (accept) => {
    const answer = await ask('GET', manifestPath('v1'), { headers: { accept } })
    expect(answer).toMatchObject({ status: 200, headers: { 'content-type': imageType } })
  })

  it('keeps the exact bytes, and the type without parameters', async () => {
    const odd =
      Buffer.from(`\n {"layers": [ ],"config":${JSON.stringify((image.manifest as { config: object }).config)},
      "schemaVersion" :2, "more": {"é": "\\u00e9"}}\t\n`)
    const pushed = await put('odd', odd, `${imageType}; charset=utf-8`)
    expect(pushed).toMatchObject({ status: 201, headers: { 'docker-content-digest': sha256Of(odd) } })
    expect(pushed.headers.location).toBe(manifestPath(sha256Of(odd)))
    const pulled = await ask('GET', manifestPath('odd'))
    expect(pulled.body.equals(odd)).toBe(true)
    expect(pulled.headers['content-type']).toBe(imageType)
  })

  it.each(['application/vnd.docker.distribution.manifest.v2+json', 'application/vnd.oci.image.manifest.v1+json'])(
    'of type %s',
    async (mediaType) => {
      const manifest = { ...image.manifest, mediaType }
      const digest = await registry.client.pushManifest('team/app', 'typed', manifest)
      for (const reference of ['typed', digest]) {
        expect((await ask('HEAD', manifestPath(reference))).headers['content-type']).toBe(mediaType)
      }
    },
  )

  it('by sha512', async () => {
    const bytes = Buffer.from(JSON.stringify({ ...image.manifest, annotations: { by: 'sha512' } }))
    const digest = `sha512:${createHash('sha512').update(bytes).digest('hex')}`
    expect((await put(digest, bytes)).headers['docker-content-digest']).toBe(digest)
    expect((await ask('GET', manifestPath(digest))).body.equals(bytes)).toBe(true)
  })

  it('that names no layers, or layers that lie elsewhere', async () => {
    const base = { ...image.manifest, layers: [] }
    expect((await put('empty', JSON.stringify(base))).status).toBe(201)
    const foreign = { mediaType: layerType, digest: sha256Of('far'), size: 3, urls: ['http://files.example.org/far'] }
    expect((await put('foreign', JSON.stringify({ ...base, layers: [foreign] }))).status).toBe(201)
  })

  it('an index of indexes, whose digests stay pullable when the tag has gone', async () => {
    const descriptor = { mediaType: imageType, digest: image.digest, size: image.sizeBytes }
    const inner = { schemaVersion: 2, mediaType: indexType, manifests: [descriptor] }
    const innerDigest = await registry.client.pushManifest('team/app', 'inner', inner)
    const entry = { mediaType: indexType, digest: innerDigest, size: JSON.stringify(inner).length }
    const outer = { schemaVersion: 2, mediaType: indexType, manifests: [entry] }
    const outerDigest = await registry.client.pushManifest('team/app', 'outer', outer)
    expect((await ask('DELETE', manifestPath('outer'))).status).toBe(202)
    expect((await ask('GET', manifestPath('outer'))).errorCode()).toBe('MANIFEST_UNKNOWN')
    expect((await ask('GET', manifestPath(outerDigest))).status).toBe(200)
  })

  it('a tag moves; what it named stays pullable by digest', async () => {
    const before = await registry.client.pushImage('team/app', 'moving', 'old')
    const after = await registry.client.pushImage('team/app', 'moving', 'new')
    expect((await ask('HEAD', manifestPath('moving'))).headers['docker-content-digest']).toBe(after.digest)
    expect((await ask('GET', manifestPath(before.digest))).status).toBe(200)
  })

  it.each([
    ['no JSON', '{', 400, 'MANIFEST_INVALID'],
    ['no object', '[]', 400, 'MANIFEST_INVALID'],
    ['no manifest', '{}', 400, 'MANIFEST_INVALID'],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 400, 'MANIFEST_INVALID'],
  ])('that is %s is %s', async (_, body, status, code) => {
    const answer = await put('bad', body)
    expect([answer.status, answer.errorCode()]).toEqual([status, code])
    expect((await ask('GET', manifestPath('bad'))).status).toBe(404)
  })

  it('whose blobs are not there is 400, and is not there', async () => {
    const layer = { mediaType: layerType, digest: sha256Of('missing'), size: 7 }
    const answer = await put('bad', JSON.stringify({ ...image.manifest, layers: [layer] }))
    expect([answer.status, answer.errorCode()]).toEqual([400, 'MANIFEST_BLOB_UNKNOWN'])
    // Of another repository is not there either.
    const other = await ask('PUT', manifestPath('v1', 'team/none'), {
      headers: { 'content-type': imageType },
      body: Buffer.from(JSON.stringify(image.manifest)),
    })
    expect([other.status, other.errorCode()]).toEqual([400, 'MANIFEST_BLOB_UNKNOWN'])
  })

  it('under a digest that is not its own is 400', async () => {
    const answer = await put(sha256Of('other'), JSON.stringify(image.manifest))
    expect([answer.status, answer.errorCode()]).toEqual([400, 'DIGEST_INVALID'])
  })

  it('that says another length of a blob, or of an image, than that has is 400, and is not there', async () => {
    const { layers } = image.manifest as { layers: { size: number }[] }
    const longer = layers.map((layer) => ({ ...layer, size: layer.size + 1 }))
    const answer = await put('bad', JSON.stringify({ ...image.manifest, layers: longer }))
    expect([answer.status, answer.errorCode()]).toEqual([400, 'MANIFEST_INVALID'])
    const entry = { mediaType: imageType, digest: image.digest, size: image.sizeBytes - 1 }
    const index = JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests: [entry] })
    const refused = await put('bad', index, indexType)
    expect([refused.status, refused.errorCode()]).toEqual([400, 'MANIFEST_INVALID'])
    expect((await ask('GET', manifestPath('bad'))).status).toBe(404)
  })

  it('of 4 MiB is taken, and of more 413', async () => {
    const sized = (bytes: number) => {
      const empty = JSON.stringify({ ...image.manifest, annotations: { fill: '' } }).length
      return JSON.stringify({ ...image.manifest, annotations: { fill: 'x'.repeat(bytes - empty) } })
    }
    expect((await put('large', sized(4_194_304))).status).toBe(201)
    expect((await ask('GET', manifestPath('large'))).body).toHaveLength(4_194_304)
    const answer = await put('larger', sized(4_194_305))
    expect([answer.status, answer.errorCode()]).toEqual([413, 'SIZE_INVALID'])
    expect((await ask('GET', manifestPath('v1'))).status).toBe(200)
  })

  it('with If-None-Match is 304 when it is that', async () => {
    const headers = { 'if-none-match': `"${image.digest}"` }
    expect(await ask('GET', manifestPath('v1'), { headers })).toMatchObject({ status: 304, body: Buffer.alloc(0) })
  })
})

describe('a blob', () => {
  const bytes = randomBytes(3_000_000)
  const digest = sha256Of(bytes)
  const path = `/v2/team/app/blobs/${digest}`
  beforeAll(async () => {
    await registry.client.pushBlob('team/app', bytes)
  })

  it('HEAD tells its length, and no more', async () => {
    const answer = await ask('HEAD', path)
    expect(answer).toMatchObject({ status: 200, body: Buffer.alloc(0) })
    expect(answer.headers).toMatchObject({
      'docker-content-digest': digest,
      'content-length': '3000000',
      'accept-ranges': 'bytes',
    })
  })

  it.each([
    ['bytes=0-0', 0, 1],
    ['bytes=1000000-1999999', 1_000_000, 2_000_000],
    ['bytes=2999990-', 2_999_990, 3_000_000],
    ['bytes=-10', 2_999_990, 3_000_000],
    ['bytes=2999990-9999999', 2_999_990, 3_000_000],
  ])('Range %s', async (range, start, end) => {
    const answer = await ask('GET', path, { headers: { range } })
    expect(answer.status).toBe(206)
    expect(answer.headers).toMatchObject({
      'content-range': `bytes ${start}-${end - 1}/3000000`,
      'content-length': String(end - start),
      'docker-content-digest': digest,
    })
    expect(answer.body.equals(bytes.subarray(start, end))).toBe(true)
  })

  it('several ranges give each of their bytes', async () => {
    const answer = await ask('GET', path, { headers: { range: 'bytes=0-9,100-109' } })
    expect(answer.status).toBe(200)
    expect(answer.body.equals(bytes)).toBe(true)
  })

  it('a range beyond its end is 416 and tells the length', async () => {
    const answer = await ask('GET', path, { headers: { range: 'bytes=3000000-' } })
    expect(answer).toMatchObject({ status: 416, headers: { 'content-range': 'bytes */3000000' } })
  })

  it('If-Range of something else gives the whole', async () => {
    const answer = await ask('GET', path, { headers: { range: 'bytes=0-9', 'if-range': '"sha256:other"' } })
    expect([answer.status, answer.body.length]).toEqual([200, 3_000_000])
  })
})

describe('deleting', () => {
  it('a tag keeps the manifest; a digest takes every tag on it', async () => {
    const { digest } = await registry.client.pushImage('team/del', 'a', 'delete me')
    const { manifest } = await registry.client.pushImage('team/del', 'b', 'delete me')
    await registry.client.pushManifest('team/del', 'c', manifest)
    expect((await ask('DELETE', manifestPath('a', 'team/del'))).status).toBe(202)
    expect((await ask('GET', manifestPath('a', 'team/del'))).status).toBe(404)
    expect((await ask('GET', manifestPath(digest, 'team/del'))).status).toBe(200)
    expect((await ask('DELETE', manifestPath(digest, 'team/del'))).status).toBe(202)
    for (const reference of ['b', 'c', digest]) {
      expect((await ask('GET', manifestPath(reference, 'team/del'))).errorCode()).toBe('MANIFEST_UNKNOWN')
      expect((await ask('DELETE', manifestPath(reference, 'team/del'))).status).toBe(404)
    }
  })

  it('a blob that a manifest names is refused; afterwards it goes', async () => {
    const { digest, layer, config } = await registry.client.pushImage('team/gone', 'v1', 'gone')
    const blob = (one: string) => `/v2/team/gone/blobs/${one}`
    const refused = await ask('DELETE', blob(layer))
    expect([refused.status, refused.errorCode()]).toEqual([405, 'UNSUPPORTED'])
    expect((await ask('DELETE', manifestPath(digest, 'team/gone'))).status).toBe(202)
    for (const one of [layer, config]) {
      expect((await ask('DELETE', blob(one))).status).toBe(202)
      expect((await ask('GET', blob(one))).errorCode()).toBe('BLOB_UNKNOWN')
      expect((await ask('DELETE', blob(one))).errorCode()).toBe('BLOB_UNKNOWN')
    }
    // Pushed again it is there again, and says so in time.
    await registry.client.pushImage('team/gone', 'v1', 'gone')
    expect((await ask('HEAD', blob(layer))).status).toBe(200)
  })

  it('the config of an artifact counts as its type', async () => {
    const config = { mediaType: configType, digest: image.config, size: 16 }
    expect((image.manifest as { config: object }).config).toEqual(config)
  })
})
