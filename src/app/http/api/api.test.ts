import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startServer, type TestServer } from '../testing/start-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer({ limits: { logPollMs: 5 } })
})
afterAll(() => server[Symbol.asyncDispose]())

describe('reading', () => {
  test.each([
    ['/api/v1/mirrors', 'base'],
    ['/api/v1/mirrors/base', 'upstreams'],
    ['/api/v1/mirrors/base/snapshots', 'run 7'],
    ['/api/v1/mirrors/base/packages', 'nmap_7.93'],
    ['/api/v1/mirrors/base/packages?snapshot=3', 'nmap_7.93'],
    ['/api/v1/mirrors/base/diff?from=1&to=3', 'added'],
    ['/api/v1/mirrors/base/why/libssl3', 'libssl3'],
    ['/api/v1/runs', '"id":7'],
    ['/api/v1/runs?limit=5&before=100&state=failed', '"id":7'],
    ['/api/v1/runs/7', 'problems'],
    ['/api/v1/mirrors/base/keys', 'AAAA'],
    ['/api/v1/site', 'campus'],
    ['/api/v1/network/leases', '"address":"192.0.2.20","mac":"02:00:00:00:00:01"'],
    ['/api/v1/services', '"versions":["1.4.0"]'],
    ['/api/v1/services/counter', '"sessions":2'],
  ])('%s', async (path, part) => {
    const response = await server.fetch(path)
    expect(response.status).toBe(200)
    expect(await response.text()).toContain(part)
  })

  test.each([
    ['/api/v1/mirrors/other', 404, 'MIRROR_UNKNOWN'],
    ['/api/v1/mirrors/base/packages?snapshot=9', 404, 'SNAPSHOT_UNKNOWN'],
    ['/api/v1/mirrors/base/packages?snapshot=0x3', 400, 'USAGE'],
    ['/api/v1/mirrors/base/packages?snapshots=3', 400, 'USAGE'],
    ['/api/v1/mirrors/-rf/packages', 400, 'USAGE'],
    ['/api/v1/mirrors/base/diff?from=1', 400, 'USAGE'],
    ['/api/v1/runs?limit=0', 400, 'USAGE'],
    ['/api/v1/runs?state=odd', 400, 'USAGE'],
    ['/api/v1/runs/8', 404, 'RUN_UNKNOWN'],
    ['/api/v1/runs/8/log?follow=1', 404, 'RUN_UNKNOWN'],
    ['/api/v1/services/other', 404, 'FLEET_SERVICE_UNKNOWN'],
    ['/api/v1/nothing', 404, 'NOT_FOUND'],
    ['/preview/7/dists', 404, 'NOT_FOUND'],
  ])('%s is refused with %i %s', async (path, status, code) => {
    const response = await server.fetch(path)
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ error: { code, message: expect.any(String), context: {} } })
  })

  test('what nobody foresaw tells an id and no more', async () => {
    server.controller.fault = new Error('secret internals')
    const response = await server.fetch('/api/v1/mirrors')
    server.controller.fault = undefined
    expect(response.status).toBe(500)
    const text = await response.text()
    expect(text).not.toContain('secret internals')
    expect(JSON.parse(text)).toMatchObject({ error: { code: 'INTERNAL', context: { id: expect.any(String) } } })
  })
})

describe('writing', () => {
  test.each([
    ['/api/v1/mirrors/base/promote', { snapshot: 2 }, 200, 'promote base 2'],
    ['/api/v1/mirrors/base/rollback', undefined, 200, 'rollback base'],
    ['/api/v1/mirrors/base/verify', undefined, 200, 'verify base'],
    ['/api/v1/sync', undefined, 202, 'sync'],
    ['/api/v1/runs/7/retry', undefined, 200, 'retry 7'],
    ['/api/v1/previews/7/remove', undefined, 200, 'remove previews of 7'],
    ['/api/v1/mirrors/base/export', { folder: '/srv/stick' }, 200, 'export base /srv/stick'],
    ['/api/v1/mirrors/base/keys/rotate', undefined, 200, 'rotate base'],
    ['/api/v1/mirrors/base/keys/import', { armored: 'a key' }, 200, 'import base'],
    ['/api/v1/mirrors/base/own/remove', { name: 'tool' }, 200, 'remove tool from base'],
    ['/api/v1/images/build', undefined, 202, 'build images'],
    ['/api/v1/images/rotate-key', undefined, 200, 'rotate the key of images'],
    ['/api/v1/images/team%2Fcounter/verify', { version: '1.4.0' }, 200, 'verify team/counter 1.4.0'],
    ['/api/v1/images/team%2Fcounter/remove', { version: '1.4.0' }, 200, 'remove team/counter 1.4.0'],
    ['/api/v1/machines/plan', {}, 200, 'plan machines all'],
    ['/api/v1/machines/plan', { machines: ['web-1'] }, 200, 'plan machines web-1'],
    ['/api/v1/machines/apply', { machines: ['web-1', 'db'] }, 202, 'apply machines web-1 db'],
    ['/api/v1/machines/web-1/trust', { fingerprint: 'SHA256:abc' }, 200, 'trust web-1 SHA256:abc'],
    ['/api/v1/services/counter/restart', {}, 202, 'restart service counter'],
    ['/api/v1/gc', undefined, 200, 'gc'],
    ['/api/v1/doctor', { fix: true, deep: false }, 200, 'doctor fix=true deep=false'],
    ['/api/v1/doctor', {}, 200, 'doctor fix=false deep=false'],
  ])('%s', async (path, body, status, action) => {
    const response = await server.act(path, body)
    expect([response.status, server.controller.actions.at(-1)]).toEqual([status, action])
  })

  test('a package file is handed on as it comes', async () => {
    const body = Buffer.alloc(300_000, 1)
    const headers = { authorization: 'Bearer correct-horse-battery-staple', 'content-type': 'application/octet-stream' }
    const answer = await server.fetch('/api/v1/mirrors/base/own?label=tool.deb', { method: 'POST', headers, body })
    expect([answer.status, await answer.json()]).toMatchObject([201, { name: 'own', sizeBytes: 300_000 }])
    expect(server.controller.actions.at(-1)).toBe('add tool.deb to base')
  })

  test.each([
    ['/api/v1/runs/7/cancel', undefined, 409, 'RUN_STATE'],
    ['/api/v1/images/team%2Fcounter/remove', {}, 400, 'USAGE'],
    ['/api/v1/machines/web-1/trust', {}, 400, 'USAGE'],
    ['/api/v1/mirrors/other/rollback', undefined, 404, 'MIRROR_UNKNOWN'],
    ['/api/v1/mirrors/base/promote', { snapshot: '2' }, 400, 'USAGE'],
    ['/api/v1/mirrors/base/promote', { snapshot: 2, force: true }, 400, 'USAGE'],
    ['/api/v1/mirrors/base/promote', undefined, 400, 'USAGE'],
    ['/api/v1/mirrors/base/export', { folder: 'stick' }, 400, 'USAGE'],
    ['/api/v1/doctor', { fix: 'yes' }, 400, 'USAGE'],
    ['/api/v1/mirrors/base/own/remove', {}, 400, 'USAGE'],
    ['/api/v1/mirrors/base/export', { folder: '/srv/../etc' }, 400, 'USAGE'],
  ])('%s %j is refused with %i %s', async (path, body, status, code) => {
    const response = await server.act(path, body)
    expect([response.status, await response.json()]).toMatchObject([status, { error: { code } }])
  })

  const writes = [
    '/api/v1/mirrors/base/promote',
    '/api/v1/mirrors/base/rollback',
    '/api/v1/mirrors/base/verify',
    '/api/v1/sync',
    '/api/v1/runs/7/retry',
    '/api/v1/runs/7/cancel',
    '/api/v1/previews/7/remove',
    '/api/v1/mirrors/base/export',
    '/api/v1/mirrors/base/keys/rotate',
    '/api/v1/mirrors/base/keys/import',
    '/api/v1/mirrors/base/own',
    '/api/v1/mirrors/base/own/remove',
    '/api/v1/images/build',
    '/api/v1/images/rotate-key',
    '/api/v1/images/team%2Fcounter/verify',
    '/api/v1/images/team%2Fcounter/remove',
    '/api/v1/machines/plan',
    '/api/v1/machines/apply',
    '/api/v1/machines/web-1/key',
    '/api/v1/machines/web-1/trust',
    '/api/v1/services/counter/restart',
    '/api/v1/plan',
    '/api/v1/gc',
    '/api/v1/doctor',
  ]
  test.each(writes)('%s needs the token', async (path) => {
    const before = server.controller.actions.length
    for (const authorization of [undefined, 'Bearer wrong', 'Bearer ', 'Basic Og==', 'correct-horse-battery-staple']) {
      const headers: Record<string, string> = authorization === undefined ? {} : { authorization }
      const response = await server.fetch(path, { method: 'POST', headers })
      expect([response.status, await response.json()]).toMatchObject([401, { error: { code: 'UNAUTHORIZED' } }])
    }
    expect(server.controller.actions).toHaveLength(before)
  })

  test('every POST of the description is in the list above', async () => {
    const { paths } = (await (await server.fetch('/api/v1/openapi.json')).json()) as {
      paths: Record<string, { post?: { security?: unknown } }>
    }
    const posts = Object.entries(paths).filter(([, methods]) => methods.post)
    expect(posts).toHaveLength(writes.length)
    for (const [, { post }] of posts) expect(post?.security).toEqual([{ token: [] }])
  })
})

test('too many writes from one address are refused, and reading goes on', async () => {
  await using limited = await startServer({ limits: { writesPerMinute: 3 } })
  const statuses: number[] = []
  for (let i = 0; i < 4; i++) statuses.push((await limited.act('/api/v1/sync')).status)
  expect(statuses).toEqual([202, 202, 202, 429])
  const refused = await limited.act('/api/v1/sync')
  expect(await refused.json()).toMatchObject({ error: { code: 'RATE_LIMITED' } })
  expect((await limited.fetch('/api/v1/mirrors')).status).toBe(200)
})

test('an export is asked for on the machine itself', async () => {
  await using behind = await startServer({ trustedProxies: ['127.0.0.1'] })
  const response = await behind.fetch('/api/v1/mirrors/base/export', {
    method: 'POST',
    headers: {
      authorization: 'Bearer correct-horse-battery-staple',
      'content-type': 'application/json',
      'x-forwarded-for': '192.168.1.7',
    },
    body: JSON.stringify({ folder: '/srv/stick' }),
  })
  expect([response.status, behind.controller.actions]).toEqual([400, []])
})

test('the token may be given as its digest', async () => {
  const { digestOf } = await import('../../../core/index.ts')
  await using hashed = await startServer({ token: digestOf('correct-horse-battery-staple') })
  expect((await hashed.act('/api/v1/sync')).status).toBe(202)
})

test('the description is OpenAPI 3.1 and describes parameters, answers and errors', async () => {
  const response = await server.fetch('/api/v1/openapi.json')
  const description = (await response.json()) as { paths: object; components: { schemas: object } }
  expect(description).toMatchObject({
    openapi: '3.1.0',
    paths: {
      '/api/v1/mirrors/{mirror}/packages': {
        get: {
          parameters: expect.arrayContaining([
            expect.objectContaining({ name: 'mirror', in: 'path', required: true }),
            expect.objectContaining({ name: 'snapshot', in: 'query' }),
          ]),
        },
      },
    },
  })
  expect(Object.keys(description.paths)).toHaveLength(46)
  expect(Object.keys(description.components.schemas)).toEqual(
    expect.arrayContaining(['Mirror', 'Run', 'Error', 'Package']),
  )
  expect(JSON.stringify(description)).toContain('#/components/schemas/Error')
})

describe('the log of a run', () => {
  const line = (number: number) => ({ number, at: '2026-11-20T08:00:00.000Z', message: `line ${number}` })

  test('as JSON', async () => {
    server.controller.logs.set(7, [line(1), line(2)])
    expect(await (await server.fetch('/api/v1/runs/7/log?after=1')).json()).toEqual([line(2)])
  })

  test('followed to its end', async () => {
    server.controller.runStates.set(9, 'running')
    server.controller.logs.set(9, [line(1)])
    const response = await server.fetch('/api/v1/runs/9/log?follow=1')
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    const readUntil = async (part: string) => {
      while (!text.includes(part)) {
        const { value, done } = await reader.read()
        if (done) throw new Error(`ended before ${part}: ${text}`)
        text += value
      }
    }
    await readUntil('line 1')
    server.controller.logs.set(9, [line(1), line(2)])
    await readUntil('line 2')
    server.controller.logs.set(9, [line(1), line(2), line(3)])
    server.controller.runStates.set(9, 'succeeded')
    await readUntil('event: end')
    expect((await reader.read()).done).toBe(true)
    expect(text.match(/^id: .*$/gm)).toEqual(['id: 1', 'id: 2', 'id: 3'])
    expect(text).toContain('event: state\ndata: {"state":"running"}\n\n')
  })

  test('followed on from where a client was cut off', async () => {
    server.controller.runStates.set(10, 'succeeded')
    server.controller.logs.set(10, [line(1), line(2)])
    const response = await server.fetch('/api/v1/runs/10/log?follow=1', { headers: { 'last-event-id': '1' } })
    expect((await response.text()).match(/^id: .*$/gm)).toEqual(['id: 2'])
  })

  test('as many followers as the limit allows; closing the server ends them', async () => {
    const limited = await startServer({ limits: { logFollowers: 1, logPollMs: 5 } })
    limited.controller.runStates.set(9, 'running')
    const first = await limited.fetch('/api/v1/runs/9/log?follow=1')
    const second = await limited.fetch('/api/v1/runs/9/log?follow=1')
    expect(second.status).toBe(503)
    await limited[Symbol.asyncDispose]()
    expect(await first.text()).toContain('running')
  })
})
