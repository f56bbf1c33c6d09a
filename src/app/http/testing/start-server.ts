import { silentLog } from '../../../core/index.ts'
import type { HttpOptions } from '../options.ts'
import { createServer } from '../server.ts'
import { FakeController } from './fake-controller.ts'

export const adminToken = 'correct-horse-battery-staple'

export interface TestServer extends AsyncDisposable {
  controller: FakeController
  url: string
  port: number
  fetch(path: string, init?: RequestInit): Promise<Response>
  /** POST with the admin token. */
  act(path: string, body?: unknown): Promise<Response>
}

/** A real server on loopback over a fake controller. */
export async function startServer(options: Partial<HttpOptions> = {}): Promise<TestServer> {
  const controller = new FakeController()
  const server = await createServer({ controller, token: adminToken, log: silentLog, ...options })
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 })
  const url = `http://127.0.0.1:${port}`
  const send = (path: string, init?: RequestInit): Promise<Response> =>
    fetch(url + path, { redirect: 'manual', ...init })
  return {
    controller,
    url,
    port,
    fetch: send,
    act: (path, body) =>
      send(path, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${adminToken}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    [Symbol.asyncDispose]: () => server.close(),
  }
}
