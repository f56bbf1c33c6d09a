import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { digestOf } from '../../../core/index.ts'
import { sealedAt } from '../testing/sealed-at.ts'
import { startServer, type TestServer } from '../testing/start-server.ts'

const small = Buffer.from('0123456789')
const large = randomBytes(3 * 1024 * 1024 + 17)
const etag = `"${digestOf(small)}"`
const date = sealedAt.toUTCString()
const earlier = new Date(sealedAt.getTime() - 60_000).toUTCString()
const later = new Date(sealedAt.getTime() + 60_000).toUTCString()

let folder: string
let server: TestServer
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-files-test-'))
  await writeFile(join(folder, 'large'), large)
  await writeFile(join(folder, 'torn'), large)
  server = await startServer()
  server.controller.publish('dists/bookworm/InRelease', small)
  server.controller.publish('dists/empty', Buffer.alloc(0))
  server.controller.publish('pool/a/small.deb', small, { stable: true })
  server.controller.publish('pool/a/g++_1:2~3.deb', small, { stable: true })
  server.controller.publish('pool/a/large.deb', large, { stable: true, localPath: join(folder, 'large') })
  server.controller.publish('pool/a/parts.deb', large, { stable: true })
  server.controller.publish('pool/a/torn.deb', large, { stable: true, localPath: join(folder, 'torn') })
  server.controller.publish('pool/a/gone.deb', large, { stable: true, localPath: join(folder, 'gone') })
  server.controller.publish('pool/<b>&"\'.deb', small, { stable: true })
  await truncate(join(folder, 'torn'), 2_000_000)
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const inRelease = '/apt/base/dists/bookworm/InRelease'
const stable = '/apt/base/pool/a/small.deb'

describe('headers', () => {
  test.each([
    [inRelease, 'text/plain; charset=utf-8', 'no-cache'],
    [stable, 'application/vnd.debian.binary-package', 'public, max-age=31536000, immutable'],
  ])('of %s', async (path, type, cacheControl) => {
    for (const method of ['GET', 'HEAD']) {
      const response = await server.fetch(path, { method })
      expect(response.status).toBe(200)
      expect(Object.fromEntries(response.headers)).toMatchObject({
        'content-type': type,
        'cache-control': cacheControl,
        'content-length': '10',
        'accept-ranges': 'bytes',
        'last-modified': date,
        'x-content-type-options': 'nosniff',
        etag,
      })
      expect(response.headers.has('content-encoding')).toBe(false)
      expect(await response.text()).toBe(method === 'GET' ? '0123456789' : '')
    }
  })

  test('escapes in the address are understood', async () => {
    for (const path of ['/apt/base/pool/a/g%2b%2b_1%3a2~3.deb', '/apt/base/pool/a/g++_1:2~3.deb?x=1']) {
      expect(await (await server.fetch(path)).text()).toBe('0123456789')
    }
  })
})

describe('ranges', () => {
  test.each([
    [{ range: 'bytes=2-5' }, 206, '2345', 'bytes 2-5/10'],
    [{ range: 'bytes=7-' }, 206, '789', 'bytes 7-9/10'],
    [{ range: 'bytes=-3' }, 206, '789', 'bytes 7-9/10'],
    [{ range: 'bytes=0-99' }, 206, '0123456789', 'bytes 0-9/10'],
    [{ range: 'bytes=10-' }, 416, '', 'bytes */10'],
    [{ range: 'bytes=0-1,4-5' }, 200, '0123456789', null],
    [{ range: 'nonsense' }, 200, '0123456789', null],
    [{ range: 'bytes=2-5', 'if-range': etag }, 206, '2345', 'bytes 2-5/10'],
    [{ range: 'bytes=2-5', 'if-range': date }, 206, '2345', 'bytes 2-5/10'],
    [{ range: 'bytes=2-5', 'if-range': `W/${etag}` }, 200, '0123456789', null],
    [{ range: 'bytes=2-5', 'if-range': '"other"' }, 200, '0123456789', null],
    [{ range: 'bytes=2-5', 'if-range': later }, 200, '0123456789', null],
    [{ range: 'bytes=2-5', 'if-range': earlier }, 200, '0123456789', null],
    [{ range: 'bytes=2-5', 'if-range': 'nonsense' }, 200, '0123456789', null],
    [{ range: 'bytes=10-', 'if-range': '"other"' }, 200, '0123456789', null],
  ])('%j is %i', async (headers, status, body, contentRange) => {
    const response = await server.fetch(inRelease, { headers })
    expect([response.status, await response.text(), response.headers.get('content-range')]).toEqual([
      status,
      body,
      contentRange,
    ])
  })

  test('mean nothing to HEAD', async () => {
    const response = await server.fetch(inRelease, { method: 'HEAD', headers: { range: 'bytes=2-5' } })
    expect([response.status, response.headers.get('content-length')]).toEqual([200, '10'])
  })

  test('of an empty file', async () => {
    expect((await server.fetch('/apt/base/dists/empty')).status).toBe(200)
    expect((await server.fetch('/apt/base/dists/empty', { headers: { range: 'bytes=0-' } })).status).toBe(416)
  })

  test.each(['large', 'parts'])('of a file of many chunks: %s', async (name) => {
    await fc.assert(
      fc.asyncProperty(fc.nat(large.length - 1), fc.nat(large.length * 2), async (start, length) => {
        const headers = { range: `bytes=${start}-${start + length}` }
        const response = await server.fetch(`/apt/base/pool/a/${name}.deb`, { headers })
        const body = Buffer.from(await response.arrayBuffer())
        expect(response.status).toBe(206)
        expect(body.equals(large.subarray(start, start + length + 1))).toBe(true)
      }),
      { numRuns: 15 },
    )
  })

  test('of any kind: the answer is whole, the part it says it is, or 416', async () => {
    const header = fc.oneof(
      fc.stringMatching(/^bytes=[0-9]{0,3}-[0-9]{0,3}$/),
      fc.stringMatching(/^[ -~]{0,40}$/).map((text) => text.trim()),
      fc.stringMatching(/^bytes=[0-9,-]{0,20}$/),
    )
    await fc.assert(
      fc.asyncProperty(header, async (range) => {
        const response = await server.fetch(inRelease, { headers: { range } })
        const body = await response.text()
        const [, first, last] = /^bytes (\d+)-(\d+)\/10$/.exec(response.headers.get('content-range') ?? '') ?? []
        if (response.status === 206) expect(body).toBe('0123456789'.slice(Number(first), Number(last) + 1))
        else if (response.status === 200) expect(body).toBe('0123456789')
        else expect([response.status, body]).toEqual([416, ''])
      }),
      { numRuns: 300 },
    )
  })
})

describe('conditions', () => {
  test.each([
    [inRelease, { 'if-none-match': etag }, 304],
    [inRelease, { 'if-none-match': `"x", W/${etag}` }, 304],
    [inRelease, { 'if-none-match': '*' }, 304],
    [inRelease, { 'if-none-match': '"x"' }, 200],
    [inRelease, { 'if-none-match': '"x"', 'if-modified-since': date }, 200],
    [inRelease, { 'if-modified-since': date }, 304],
    [inRelease, { 'if-modified-since': earlier }, 200],
    // After a rollback what is served may be older than what the client has, and is not the same.
    [inRelease, { 'if-modified-since': later }, 200],
    [stable, { 'if-modified-since': later }, 304],
    [inRelease, { 'if-modified-since': 'nonsense' }, 200],
    [inRelease, { 'if-match': etag }, 200],
    [inRelease, { 'if-match': `W/${etag}` }, 412],
    [inRelease, { 'if-match': '"x"' }, 412],
    [inRelease, { 'if-unmodified-since': earlier }, 412],
    [inRelease, { 'if-unmodified-since': later }, 200],
    [inRelease, { 'if-none-match': etag, range: 'bytes=0-1' }, 304],
  ])('%s %j is %i', async (path, headers, status) => {
    const response = await server.fetch(path, { headers })
    expect(response.status).toBe(status)
    expect(response.headers.get('etag')).toBe(etag)
    expect(await response.text()).toBe(status === 200 ? '0123456789' : '')
  })
})

describe('what is not there', () => {
  test.each([
    '/apt/base/nothing',
    '/apt/other/dists/bookworm/InRelease',
    '/apt/base/%zz',
    '/apt/base/nothing/',
    '/rpm/base/dists/bookworm/InRelease',
  ])('%s', async (path) => {
    expect((await server.fetch(path)).status).toBe(404)
  })

  test.each(['/apt/base/../../../../etc/passwd', '/apt/base/%2e%2e/base/dists/bookworm/InRelease'])(
    '%s, which a browser would tidy up, sent as it is',
    async (path) => {
      const { stdout } = await promisify(execFile)('curl', [
        ...['-s', '-o', '/dev/null', '-w', '%{http_code}', '--path-as-is'],
        server.url + path,
      ])
      expect(stdout).toBe('404')
    },
  )

  test('other methods are refused, and the connection goes on', async () => {
    const response = await server.fetch(inRelease, { method: 'PUT', body: 'x' })
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  })
})

describe('folders', () => {
  test('are listed for people, with everything escaped', async () => {
    const page = await (await server.fetch('/apt/base/pool/')).text()
    expect(page).toContain('<a href="./a/">a/</a>')
    expect(page).toContain('<a href="./%3Cb%3E%26%22&#39;.deb">&lt;b&gt;&amp;&quot;&#39;.deb</a>')
    expect(page).not.toContain('<b>')
  })

  test('without the slash lead to the address with it', async () => {
    const response = await server.fetch('/apt/base/pool')
    expect([response.status, response.headers.get('location')]).toEqual([301, '/apt/base/pool/'])
    expect((await server.fetch('/apt/base')).headers.get('location')).toBe('/apt/base/')
  })

  test('of mirrors', async () => {
    const page = await (await server.fetch('/apt/')).text()
    expect(page).toContain('<a href="./base/">base/</a>')
  })
})

describe('damage', () => {
  test('a file that ends too early ends the connection', async () => {
    const response = await server.fetch('/apt/base/pool/a/torn.deb')
    await expect(response.arrayBuffer()).rejects.toThrow()
  })

  test('a file that is gone is an error, not an empty answer', async () => {
    expect((await server.fetch('/apt/base/pool/a/gone.deb')).status).toBe(500)
  })
})

describe('connections', () => {
  test('requests that are sent without waiting are answered in order', async () => {
    const socket = connect(server.port, '127.0.0.1')
    const request = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`
    socket.write(
      request('/apt/base/pool/a/large.deb') + request(stable) + request('/apt/base/nothing', 'Connection: close\r\n'),
    )
    const received: Buffer[] = []
    for await (const chunk of socket) received.push(chunk as Buffer)
    const all = Buffer.concat(received)
    const bodyStart = all.indexOf('\r\n\r\n') + 4
    expect(all.subarray(bodyStart, bodyStart + large.length).equals(large)).toBe(true)
    const rest = all.subarray(bodyStart + large.length).toString('latin1')
    expect(rest).toMatch(/^HTTP\/1.1 200 OK[^]*0123456789HTTP\/1.1 404 /)
  })

  test('a client that goes away in the middle harms no other', async () => {
    for (let i = 0; i < 20; i++) {
      const socket = connect(server.port, '127.0.0.1')
      socket.write('GET /apt/base/pool/a/large.deb HTTP/1.1\r\nHost: x\r\n\r\n')
      await new Promise((resolve) => socket.once('data', resolve))
      socket.destroy()
    }
    const bodies = await Promise.all(
      Array.from({ length: 40 }, async () => (await server.fetch('/apt/base/pool/a/large.deb')).arrayBuffer()),
    )
    for (const body of bodies) expect(Buffer.from(body).equals(large)).toBe(true)
  })

  test('a client that takes nothing is given up', async () => {
    await using impatient = await startServer({ limits: { stallMs: 50 } })
    const huge = join(folder, 'huge')
    await writeFile(huge, '')
    await truncate(huge, 512 * 1024 * 1024)
    impatient.controller.files.set('apt/base/huge', {
      ...server.controller.files.get('apt/base/pool/a/large.deb')!,
      entry: { path: 'huge', sizeBytes: 512 * 1024 * 1024, digest: digestOf('huge'), stable: true },
      localPath: huge,
    })
    const socket = connect(impatient.port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write('GET /apt/base/huge HTTP/1.1\r\nHost: x\r\n\r\n')
    await new Promise((resolve) => socket.once('readable', resolve))
    await expect
      .poll(async () => (await impatient.fetch('/metrics')).text(), { timeout: 10_000 })
      .toMatch(/larder_published_requests_total\{format="apt",status="200"\} 1/)
    socket.destroy()
  })
})

test('curl resumes a download that was cut off', async () => {
  const target = join(folder, 'resumed')
  await writeFile(target, large.subarray(0, 1_234_567))
  await promisify(execFile)('curl', ['-fsS', '-C', '-', '-o', target, `${server.url}/apt/base/pool/a/large.deb`])
  expect((await readFile(target)).equals(large)).toBe(true)
})
