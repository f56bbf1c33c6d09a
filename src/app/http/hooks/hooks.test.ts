import { createHmac } from 'node:crypto'
import { request, type ClientRequest } from 'node:http'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { forgeNamed } from '../../../forge/index.ts'
import { startServer, type TestServer } from '../testing/start-server.ts'

const secret = 'old-secret'
const commit = 'a'.repeat(40)
const payload = { ref: 'refs/heads/main', after: commit, repository: { full_name: 'campus/site' } }

let server: TestServer
let secrets: string[]
beforeAll(async () => {
  server = await startServer({
    hooks: { forge: forgeNamed('github'), secrets: () => secrets },
    limits: { refusedHooksPerMinute: 100_000, hookBytes: 100_000 },
  })
})
afterAll(() => server[Symbol.asyncDispose]())
beforeEach(() => {
  secrets = ['new-secret', secret]
  server.controller.accepted.length = 0
})

function sign(body: string | Uint8Array, key = secret): string {
  return `sha256=${createHmac('sha256', key).update(body).digest('hex')}`
}

function deliver(body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}): Promise<Response> {
  return server.fetch('/hooks/github', {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/json',
      'x-github-event': 'push',
      'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958',
      'x-hub-signature-256': sign(body),
      ...headers,
    },
  })
}

test('a signed delivery is kept as it came, once', async () => {
  // Spacing is part of what was signed.
  const body = JSON.stringify(payload, undefined, 3) + '\n'
  const first = await deliver(body)
  expect([first.status, await first.json()]).toEqual([202, { status: 'accepted', id: 1 }])
  const again = await deliver(body)
  expect([again.status, await again.json()]).toEqual([200, { status: 'duplicate', id: 1 }])
  expect(server.controller.accepted).toEqual([
    {
      forge: 'github',
      repository: 'campus/site',
      deliveryId: '72d3162e-cc78-11e3-81ab-4c9367dc0958',
      event: 'push',
      body,
      meaning: { kind: 'push', branch: 'main', commit },
    },
  ])
})

test('a form carries the same JSON', async () => {
  const form = new URLSearchParams({ payload: JSON.stringify(payload) }).toString()
  const response = await deliver(form, { 'content-type': 'application/x-www-form-urlencoded' })
  expect(response.status).toBe(202)
  expect(server.controller.accepted[0]?.body).toBe(JSON.stringify(payload))
})

test('either secret of a rotation counts, as long as it is configured', async () => {
  const body = JSON.stringify(payload)
  expect((await deliver(body, { 'x-hub-signature-256': sign(body, 'new-secret') })).status).toBe(202)
  secrets = ['new-secret']
  expect((await deliver(body)).status).toBe(401)
})

const text = JSON.stringify(payload)
test.each([
  ['no signature', text, { 'x-hub-signature-256': '' }, 401, 'HOOK_SIGNATURE_BAD'],
  ['an empty digest', text, { 'x-hub-signature-256': 'sha256=' }, 401, 'HOOK_SIGNATURE_BAD'],
  ['a signature that was cut off', text, { 'x-hub-signature-256': sign(text).slice(0, -1) }, 401, 'HOOK_SIGNATURE_BAD'],
  [
    'a signature of half the length',
    text,
    { 'x-hub-signature-256': sign(text).slice(0, 39) },
    401,
    'HOOK_SIGNATURE_BAD',
  ],
  ['SHA-1', text, { 'x-hub-signature-256': 'sha1=' + 'a'.repeat(40) }, 401, 'HOOK_SIGNATURE_BAD'],
  ['another secret', text, { 'x-hub-signature-256': sign(text, 'x') }, 401, 'HOOK_SIGNATURE_BAD'],
  ['an empty secret', text, { 'x-hub-signature-256': sign(text, '') }, 401, 'HOOK_SIGNATURE_BAD'],
  ['a changed body', text + ' ', { 'x-hub-signature-256': sign(text) }, 401, 'HOOK_SIGNATURE_BAD'],
  ['no delivery id', text, { 'x-github-delivery': '' }, 400, 'HOOK_MALFORMED'],
  ['an odd event', text, { 'x-github-event': '../x' }, 400, 'HOOK_MALFORMED'],
  ['no JSON', 'nonsense', {}, 400, 'HOOK_MALFORMED'],
  ['no push', '{}', {}, 400, 'HOOK_MALFORMED'],
  ['no field payload', 'a=b', { 'content-type': 'application/x-www-form-urlencoded' }, 400, 'HOOK_MALFORMED'],
  ['too much', 'x'.repeat(100_001), {}, 413, 'HOOK_TOO_LARGE'],
  ['Gitea', text, { 'x-gitea-event': 'push' }, 400, 'HOOK_MALFORMED'],
  ['Forgejo', text, { 'x-forgejo-event': 'push' }, 400, 'HOOK_MALFORMED'],
])('%s is refused', async (_name, body, headers, status, code) => {
  const response = await deliver(body, headers)
  expect([response.status, await response.json()]).toMatchObject([status, { error: { code } }])
  expect(server.controller.accepted).toEqual([])
})

test('bytes that are no UTF-8 are refused', async () => {
  const response = await deliver(Uint8Array.from([0x22, 0xff, 0x22]))
  expect([response.status, await response.json()]).toMatchObject([400, { error: { code: 'HOOK_MALFORMED' } }])
})

test.each([[[]], [['']]])('without a secret (%j) nothing is believed', async (none) => {
  secrets = none
  const response = await deliver(text, { 'x-hub-signature-256': sign(text, '') })
  expect([response.status, await response.json()]).toMatchObject([503, { error: { code: 'HOOK_SECRET_MISSING' } }])
})

test('a delivery that could not be kept is not acknowledged', async () => {
  const keep = server.controller.acceptDelivery
  server.controller.acceptDelivery = () => Promise.reject(new Error('disk'))
  const response = await deliver(text)
  server.controller.acceptDelivery = keep
  expect(response.status).toBe(500)
})

test('a forge that the site is not at', async () => {
  expect((await server.fetch('/hooks/gitlab', { method: 'POST', body: '{}' })).status).toBe(404)
})

test('whatever is delivered, signed or not, is answered, and only signed events are kept', async () => {
  const body = fc.oneof(
    fc.json(),
    fc.string(),
    fc.json().map((json) => `{"repository":{"full_name":"a/b"},"ref":${json},"after":${json},"action":${json}}`),
  )
  const event = fc.constantFrom('push', 'pull_request', 'ping', 'issues', 'constructor')
  await fc.assert(
    fc.asyncProperty(body, event, fc.boolean(), async (content, name, signed) => {
      server.controller.accepted.length = 0
      const response = await deliver(content, {
        'x-github-event': name,
        'x-hub-signature-256': signed ? sign(content) : sign(content, 'wrong'),
      })
      expect(signed ? [202, 400] : [401]).toContain(response.status)
      expect(server.controller.accepted).toHaveLength(response.status === 202 ? 1 : 0)
    }),
    { numRuns: 200 },
  )
})

test('whoever is refused too often waits; whoever signs never does', async () => {
  await using limited = await startServer({
    hooks: { forge: forgeNamed('github'), secrets: () => [secret] },
    limits: { refusedHooksPerMinute: 2 },
  })
  const send = async (signature: string, id: number): Promise<number> => {
    const headers = { 'x-github-event': 'push', 'x-github-delivery': `d-${id}`, 'x-hub-signature-256': signature }
    return (await limited.fetch('/hooks/github', { method: 'POST', body: text, headers })).status
  }
  const good: number[] = []
  for (let id = 0; id < 5; id++) good.push(await send(sign(text), id))
  expect(good).toEqual([202, 202, 202, 202, 202])
  const bad: number[] = []
  for (let id = 5; id < 8; id++) bad.push(await send(sign(text, 'a guess'), id))
  expect(bad).toEqual([401, 401, 429])
  expect(await send(sign(text), 9)).toBe(429)
})

test('what says that it is too large is refused before it is sent', async () => {
  const answer = await new Promise<number>((resolve, reject) => {
    const { hostname, port } = new URL(server.url)
    const asked = request({
      hostname,
      port,
      path: '/hooks/github',
      method: 'POST',
      headers: { 'content-length': 100 * 1024 * 1024, 'x-github-event': 'push' },
    })
    asked.on('response', (response) => {
      resolve(response.statusCode ?? 0)
      asked.destroy()
    })
    asked.on('error', reject)
    asked.flushHeaders()
  })
  expect(answer).toBe(413)
})

/** Sends a part of a body whose length nobody has told, and what becomes of that. */
function sendPart(sizeBytes: number, then: (asked: ClientRequest) => void): Promise<number> {
  return new Promise((resolve) => {
    const { hostname, port } = new URL(server.url)
    const asked = request({
      hostname,
      port,
      path: '/hooks/github',
      method: 'POST',
      headers: { 'x-github-event': 'push' },
    })
    asked.on('response', (response) => resolve(response.statusCode ?? 0))
    asked.on('error', () => resolve(0))
    asked.write('x'.repeat(sizeBytes), () => then(asked))
  })
}

test('what does not say that it is too large is refused as soon as it is', async () => {
  // It goes on: an answer that waited for the end would never come.
  expect(await sendPart(200_000, () => undefined)).toBe(413)
})

test('whoever goes away in the middle leaves nothing behind', async () => {
  expect(await sendPart(50_000, (asked) => asked.destroy())).toBe(0)
  expect((await deliver(text)).status).toBe(202)
  expect(server.controller.accepted).toHaveLength(1)
})

test.each(['/hooks/', '/hooks/github/x', '/hooks/a%2fb'])('there is nothing at %s', async (path) => {
  expect((await server.fetch(path, { method: 'POST', body: text })).status).toBe(404)
})

test('a delivery with a query is one; nothing is there to be read', async () => {
  const headers = { 'x-github-event': 'push', 'x-github-delivery': 'q-1', 'x-hub-signature-256': sign(text) }
  expect((await server.fetch('/hooks/github?x=1', { method: 'POST', body: text, headers })).status).toBe(202)
  expect((await server.fetch('/hooks/github')).status).toBe(404)
})
