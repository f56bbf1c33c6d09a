import { createHash, randomBytes } from 'node:crypto'
import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startOpenRegistry, type OpenRegistry } from './support/open-registry.ts'
import { sha256Of, type RegistryAnswer } from './support/registry-client.ts'
import { waitFor } from './support/wait-for-run.ts'

let registry: OpenRegistry
beforeAll(async () => {
  registry = await startOpenRegistry()
})
afterAll(() => registry[Symbol.asyncDispose]())

const ask = (...args: Parameters<OpenRegistry['client']['ask']>): Promise<RegistryAnswer> =>
  registry.client.ask(...args)
const uploads = '/v2/team/app/blobs/uploads/'
const blobPath = (digest: string, repository = 'team/app'): string => `/v2/${repository}/blobs/${digest}`

/** Begins one; answers its location. */
async function begin(): Promise<string> {
  const answer = await ask('POST', uploads)
  expect(answer.status).toBe(202)
  expect(answer.headers).toMatchObject({ range: '0-0', 'content-length': '0' })
  return answer.headers.location!
}

async function expectPullable(digest: string, bytes: Buffer, repository?: string): Promise<void> {
  const { status, body, headers } = await ask('GET', blobPath(digest, repository))
  expect(status).toBe(200)
  expect(headers).toMatchObject({ 'docker-content-digest': digest, 'content-length': String(bytes.length) })
  expect(body.equals(bytes)).toBe(true)
}

function inPieces(bytes: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  )
}

describe('pushing a blob', () => {
  const ways: Record<string, (bytes: Buffer, digest: string) => Promise<RegistryAnswer>> = {
    'POST alone': (body, digest) => ask('POST', `${uploads}?digest=${digest}`, { body }),
    'POST, then PUT': async (body, digest) => ask('PUT', `${await begin()}?digest=${digest}`, { body }),
    'POST, PATCH without a range, PUT': async (body, digest) => {
      const location = await begin()
      const patched = await ask('PATCH', location, { body })
      expect(patched).toMatchObject({ status: 202, headers: { range: `0-${body.length - 1}` } })
      return ask('PUT', `${patched.headers.location!}?digest=${digest}`)
    },
    'POST, PATCH as a stream of unknown length, PUT': async (body, digest) => {
      async function* stream() {
        for (const piece of inPieces(body, 30_000)) yield piece
      }
      const { headers } = await ask('PATCH', await begin(), { body: stream() })
      expect(headers['range']).toBe(`0-${body.length - 1}`)
      return ask('PUT', `${headers.location!}?digest=${digest}`, { headers: { 'content-length': '0' } })
    },
    'in chunks with ranges, the last one by PUT': async (body, digest) => {
      let location = await begin()
      const pieces = inPieces(body, 33_333)
      let offset = 0
      for (const [index, piece] of pieces.entries()) {
        const range = { 'content-range': `${offset}-${offset + piece.length - 1}` }
        offset += piece.length
        if (index === pieces.length - 1) {
          return ask('PUT', `${location}?digest=${digest}`, { headers: range, body: piece })
        }
        const patched = await ask('PATCH', location, { headers: range, body: piece })
        expect(patched).toMatchObject({ status: 202, headers: { range: `0-${offset - 1}` } })
        location = patched.headers.location!
      }
      throw new Error('there was no last piece')
    },
    'PUT with a query that the location had already': async (body, digest) =>
      ask('PUT', `${await begin()}?state=abc&digest=${encodeURIComponent(digest)}`, { body }),
  }

  it.each(Object.entries(ways))('%s', async (_, push) => {
    const bytes = randomBytes(100_000)
    const digest = sha256Of(bytes)
    expect((await ask('HEAD', blobPath(digest))).status).toBe(404)
    const answer = await push(bytes, digest)
    expect(answer.status).toBe(201)
    expect(answer.headers).toMatchObject({ 'docker-content-digest': digest, location: blobPath(digest) })
    await expectPullable(digest, bytes)
  })

  it('takes sha512, and the empty blob', async () => {
    const bytes = randomBytes(5000)
    const digest = `sha512:${createHash('sha512').update(bytes).digest('hex')}`
    expect((await ask('POST', `${uploads}?digest=${digest}`, { body: bytes })).status).toBe(201)
    await expectPullable(digest, bytes)
    const empty = sha256Of('')
    expect((await ask('POST', `${uploads}?digest=${empty}`, { body: Buffer.alloc(0) })).status).toBe(201)
    await expectPullable(empty, Buffer.alloc(0))
    expect((await ask('PUT', `${await begin()}?digest=${empty}`)).status).toBe(201)
  })

  it('pushing what is there already is as good as the first time', async () => {
    const bytes = randomBytes(100)
    for (const repository of ['team/app', 'team/app', 'other']) {
      const digest = await registry.client.pushBlob(repository, bytes)
      await expectPullable(digest, bytes, repository)
    }
  })
})

describe('an upload', () => {
  it('tells where it is; what comes out of order is 416, and it can go on', async () => {
    const bytes = randomBytes(1000)
    const digest = sha256Of(bytes)
    const location = await begin()
    const status = () => ask('GET', location)
    expect(await status()).toMatchObject({ status: 204, headers: { range: '0-0', location } })
    const part = (start: number, end: number) => ({
      headers: { 'content-range': `${start}-${end - 1}` },
      body: bytes.subarray(start, end),
    })
    expect((await ask('PATCH', location, part(0, 300))).status).toBe(202)
    for (const [start, end] of [
      [301, 600],
      [200, 600],
      [0, 300],
      [999, 1000],
    ] as const) {
      const refused = await ask('PATCH', location, part(start, end))
      expect(refused).toMatchObject({ status: 416, headers: { range: '0-299', location } })
      expect(await status()).toMatchObject({ status: 204, headers: { range: '0-299' } })
    }
    const closing = `${location}?digest=${digest}`
    expect(await ask('PUT', closing, part(400, 1000))).toMatchObject({ status: 416, headers: { range: '0-299' } })
    expect(await status()).toMatchObject({ status: 204, headers: { range: '0-299' } })
    expect((await ask('PUT', closing, part(300, 1000))).status).toBe(201)
    expect(await status()).toMatchObject({ status: 404 })
    await expectPullable(digest, bytes)
  })

  it.each([
    ['5-4', 416, 'BLOB_UPLOAD_INVALID'],
    ['x-y', 416, 'BLOB_UPLOAD_INVALID'],
    ['0-', 416, 'BLOB_UPLOAD_INVALID'],
    ['0-9', 400, 'SIZE_INVALID'],
    ['0-3', 400, 'SIZE_INVALID'],
  ])('Content-Range %s of five bytes is %i', async (range, status, code) => {
    const answer = await ask('PATCH', await begin(), {
      headers: { 'content-range': range },
      body: Buffer.from('12345'),
    })
    expect(answer.status).toBe(status)
    expect(answer.errorCode()).toBe(code)
  })

  it('can be cancelled', async () => {
    const location = await begin()
    await ask('PATCH', location, { body: Buffer.from('x') })
    expect((await ask('DELETE', location)).status).toBe(204)
    for (const method of ['GET', 'PATCH', 'PUT', 'DELETE']) {
      const answer = await ask(method, `${location}?digest=${sha256Of('x')}`, { body: Buffer.alloc(0) })
      expect([answer.status, answer.errorCode()]).toEqual([404, 'BLOB_UPLOAD_UNKNOWN'])
    }
  })

  it('of another repository is not there', async () => {
    const location = (await begin()).replace('team/app', 'team/other')
    expect((await ask('GET', location)).errorCode()).toBe('BLOB_UPLOAD_UNKNOWN')
  })

  it.each([
    ['by PUT', async (body: Buffer, wrong: string) => ask('PUT', `${await begin()}?digest=${wrong}`, { body })],
    ['by POST', async (body: Buffer, wrong: string) => ask('POST', `${uploads}?digest=${wrong}`, { body })],
  ])('with the wrong digest %s is 400, and nothing is there', async (_, push) => {
    const wrong = sha256Of(randomBytes(8))
    const answer = await push(randomBytes(100), wrong)
    expect([answer.status, answer.errorCode()]).toEqual([400, 'DIGEST_INVALID'])
    expect((await ask('GET', blobPath(wrong))).errorCode()).toBe('BLOB_UNKNOWN')
  })

  it.each(['', '?digest=', '?digest=sha256:12', '?digest=md5:d41d8cd98f00b204e9800998ecf8427e', '?digest=../../etc'])(
    'closed by PUT%s is 400',
    async (query) => {
      const answer = await ask('PUT', `${await begin()}${query}`, { body: Buffer.from('x') })
      expect([answer.status, answer.errorCode()]).toEqual([400, 'DIGEST_INVALID'])
    },
  )

  it('keeps what came before the connection broke', async () => {
    const bytes = randomBytes(200_000)
    const location = await begin()
    const cut = request(`${registry.url}${location}`, { method: 'PATCH', headers: { 'content-length': bytes.length } })
    cut.on('error', () => undefined)
    cut.write(bytes.subarray(0, 150_000))
    // Until all that was sent has arrived, there is nothing to break off.
    const held = await waitFor('what was sent', async () => {
      const { headers } = await ask('GET', location)
      return headers['range'] === '0-149999' ? 150_000 : undefined
    })
    const closed = new Promise((resolve) => cut.once('close', resolve))
    cut.destroy()
    await closed
    const headers = { 'content-range': `${held}-${bytes.length - 1}` }
    const answer = await ask('PUT', `${location}?digest=${sha256Of(bytes)}`, { headers, body: bytes.subarray(held) })
    expect(answer.status).toBe(201)
    await expectPullable(sha256Of(bytes), bytes)
  })
})

describe('mounting', () => {
  it('makes a blob of another repository one of this', async () => {
    const bytes = randomBytes(100)
    const digest = await registry.client.pushBlob('source/app', bytes)
    const answer = await ask('POST', `/v2/target/app/blobs/uploads/?mount=${digest}&from=source/app`)
    expect(answer).toMatchObject({
      status: 201,
      headers: { location: blobPath(digest, 'target/app'), 'docker-content-digest': digest },
    })
    await expectPullable(digest, bytes, 'target/app')
    expect((await ask('DELETE', blobPath(digest, 'source/app'))).status).toBe(202)
    await expectPullable(digest, bytes, 'target/app')
  })

  it.each(['sha256', 'sha512'])('without from takes a blob by %s from whoever has it', async (algorithm) => {
    const bytes = randomBytes(100)
    const digest = `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`
    await ask('POST', `/v2/source/app/blobs/uploads/?digest=${digest}`, { body: bytes })
    const answer = await ask('POST', `/v2/target/app/blobs/uploads/?mount=${digest}`)
    expect(answer).toMatchObject({ status: 201, headers: { 'docker-content-digest': digest } })
    await expectPullable(digest, bytes, 'target/app')
  })

  it.each([
    ['a blob that is not there', 'from=source/app'],
    ['from a repository that is not there', 'from=nowhere'],
    ['from what is no name', 'from=..%2F..%2Fetc'],
    ['a blob that nobody has, from anywhere,', ''],
  ])('%s begins an upload', async (_, from) => {
    const bytes = randomBytes(50)
    const answer = await ask('POST', `/v2/target/app/blobs/uploads/?mount=${sha256Of(bytes)}&${from}`)
    expect(answer.status).toBe(202)
    const done = await ask('PUT', `${answer.headers.location!}?digest=${sha256Of(bytes)}`, { body: bytes })
    expect(done.status).toBe(201)
  })
})
