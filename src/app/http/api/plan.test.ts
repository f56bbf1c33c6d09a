import { afterAll, beforeAll, expect, test } from 'vitest'
import { adminToken, startServer, type TestServer } from '../testing/start-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer({})
})
afterAll(() => server[Symbol.asyncDispose]())

const content = Buffer.from('text').toString('base64')

async function ask(files: unknown, headers: Record<string, string>): Promise<{ status: number; answer: unknown }> {
  const all = { 'content-type': 'application/json', ...headers }
  const response = await server.fetch('/api/v1/plan', {
    method: 'POST',
    headers: all,
    body: JSON.stringify({ files }),
  })
  return { status: response.status, answer: await response.json() }
}
const admin = { authorization: `Bearer ${adminToken}` }

test('files are planned as the site, and nobody else may ask for it', async () => {
  const files = [
    { path: 'a', kind: 'file', content },
    { path: 'b/c', kind: 'executable', content },
  ]
  expect(await ask(files, {})).toMatchObject({ status: 401 })
  expect(await ask(files, admin)).toEqual({
    status: 200,
    answer: {
      changes: [{ subject: 'mirror base', action: 'update', summary: '1 file', detail: 'text' }],
      log: ['planned file a, executable b/c'],
    },
  })
})

test.each(['/etc/passwd', '../x', 'a/../../x', 'a//b', './a', '', 'a\0b', 'a/'])(
  'the path %j is refused',
  async (path) => {
    expect(await ask([{ path, kind: 'file', content }], admin)).toMatchObject({ status: 400 })
  },
)

test('what is no base64, or no kind of file, is refused', async () => {
  expect(await ask([{ path: 'a', kind: 'file', content: '%' }], admin)).toMatchObject({ status: 400 })
  expect(await ask([{ path: 'a', kind: 'device', content }], admin)).toMatchObject({ status: 400 })
})
