import { afterAll, beforeAll, expect, test } from 'vitest'
import { startServer, type TestServer } from './testing/start-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server[Symbol.asyncDispose]())

test('an image with slashes in its name has a badge, which forges ask for again', async () => {
  const badge = await server.fetch('/badge/team/counter.svg')
  expect(badge.headers.get('content-type')).toBe('image/svg+xml; charset=utf-8')
  expect(badge.headers.get('cache-control')).toContain('no-cache')
  expect(await badge.text()).toContain('1.4.0')
  const etag = badge.headers.get('etag') ?? ''
  const again = await server.fetch('/badge/team/counter.svg', { headers: { 'if-none-match': etag } })
  expect([again.status, await again.text()]).toEqual([304, ''])
})

test('shields is told the same', async () => {
  const answer = await server.fetch('/badge/team/counter.json')
  expect(await answer.json()).toMatchObject({ schemaVersion: 1, label: 'build', message: '1.4.0' })
})

test('an image that there is not is unknown, and no error', async () => {
  const answer = await server.fetch('/badge/other.json')
  expect([answer.status, await answer.json()]).toMatchObject([200, { message: 'unknown' }])
})

test.each(['/badge/counter.png', '/badge/.svg', '/badge/'])('%s is no badge', async (path) => {
  expect((await server.fetch(path)).status).toBe(404)
})

test('what images are signed with is there for everybody', async () => {
  expect(await (await server.fetch('/keys/images.pub')).text()).toContain('BEGIN PUBLIC KEY')
})
