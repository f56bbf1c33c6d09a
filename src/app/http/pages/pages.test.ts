import { createHash } from 'node:crypto'
import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isHost } from '../base-url.ts'
import { startServer, type TestServer } from '../testing/start-server.ts'
import { html } from './html.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server[Symbol.asyncDispose]())

describe('the status page', () => {
  test('says what there is and how to use it, everything escaped', async () => {
    const page = await (await server.fetch('/')).text()
    expect(page).toContain('<h1>campus</h1>')
    expect(page).toContain('base@3')
    expect(page).toContain(`curl -fsS ${server.url}/setup/base | sudo sh`)
    expect(page).toContain('&lt;b&gt;evil&lt;/b&gt;')
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
    expect(page).not.toMatch(/<script|<b>evil|undefined/)
  })

  test('lets its own style be applied and nothing else', async () => {
    const response = await server.fetch('/')
    const [, style = ''] = /<style>([^]*)<\/style>/.exec(await response.text()) ?? []
    const policy = response.headers.get('content-security-policy')
    expect(policy).toContain(`'sha256-${createHash('sha256').update(style).digest('base64')}'`)
    expect(policy).toContain("default-src 'none'")
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    expect(response.headers.has('strict-transport-security')).toBe(false)
  })

  test('tells what is wrong', async () => {
    server.controller.ready = false
    const page = await (await server.fetch('/')).text()
    server.controller.ready = true
    expect(page).toContain('not ready: the disk is full')
  })
})

test('every value of a template is escaped', () => {
  expect(html`<p title="${'"\'<&>'}">${[1, html`<b>${'<'}</b>`, undefined, false]}</p>`.text).toBe(
    '<p title="&quot;&#39;&lt;&amp;&gt;">1<b>&lt;</b></p>',
  )
})

describe('probes', () => {
  test('alive and ready', async () => {
    expect((await server.fetch('/healthz')).status).toBe(200)
    expect(await (await server.fetch('/readyz')).json()).toEqual({ ready: true, reasons: [] })
  })

  test('alive and not ready', async () => {
    server.controller.ready = false
    const [alive, ready] = [await server.fetch('/healthz'), await server.fetch('/readyz')]
    server.controller.ready = true
    expect([alive.status, ready.status, await ready.json()]).toEqual([
      200,
      503,
      { ready: false, reasons: ['the disk is full'] },
    ])
  })
})

test('metrics count what was served, and ask the controller for the rest', async () => {
  server.controller.publish('x', Buffer.from('12345'))
  await (await server.fetch('/apt/base/x')).text()
  await (await server.fetch('/healthz')).text()
  const text = await (await server.fetch('/metrics')).text()
  expect(text).toMatch(/^larder_published_bytes_total\{format="apt"\} 5$/m)
  expect(text).toMatch(/^larder_published_requests_total\{format="apt",status="200"\} 1$/m)
  expect(text).toMatch(/^larder_http_requests_total\{route="\/healthz",method="GET",status="200"\} \d+$/m)
  expect(text).toMatch(/^larder_ready 1$/m)
  expect(text).toMatch(/^larder_mirror_packages\{mirror="base"\} 12$/m)
  expect(text).toMatch(/^larder_publication_age_seconds\{mirror="base"\} \d/m)
  expect(text).toMatch(/^larder_runs\{state="failed"\} 1$/m)
})

describe('our own address', () => {
  const setupAt = (host: string, more: Record<string, string> = {}, at = server): Promise<[number, string]> =>
    new Promise((resolve, reject) => {
      const headers = { host, ...more }
      request({ port: at.port, host: '127.0.0.1', path: '/setup/base.sources', headers }, (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (part: string) => (text += part))
        response.on('end', () => {
          resolve([response.statusCode ?? 0, text])
        })
      })
        .on('error', reject)
        .end()
    })

  test('is the one that was asked', async () => {
    expect(await setupAt('Mirror.example.org:8080')).toEqual([
      200,
      expect.stringContaining('URIs: http://mirror.example.org:8080/apt/base\n'),
    ])
  })

  test.each(["x';touch /x;'", 'x y', 'x/y', 'a@b', '$(id)', 'x:99999'])('is never %j', async (host) => {
    expect((await setupAt(host))[0]).toBe(400)
  })

  test('is what a proxy says only when the proxy is trusted', async () => {
    const forwarded = { 'x-forwarded-host': 'public.example.org', 'x-forwarded-proto': 'https' }
    expect((await setupAt('inner', forwarded))[1]).toContain('URIs: http://inner/apt')
    await using behind = await startServer({ trustedProxies: ['127.0.0.1'] })
    expect((await setupAt('inner', forwarded, behind))[1]).toContain('URIs: https://public.example.org/apt')
  })

  test('may be configured', async () => {
    await using configured = await startServer({ publicUrl: 'https://larder.example.org/' })
    expect((await setupAt('inner', {}, configured))[1]).toContain('URIs: https://larder.example.org/apt/base')
  })

  test.each([
    ['localhost', true],
    ['[::1]:8080', true],
    ['10.0.0.1:1', true],
    ['', false],
    [':80', false],
    ['[::1', false],
  ])('%j: %s', (host, valid) => {
    expect(isHost(host)).toBe(valid)
  })
})

test('an address that is in use is said to be', async () => {
  const { createServer } = await import('../server.ts')
  const { silentLog } = await import('../../../core/index.ts')
  const second = await createServer({ controller: server.controller, token: 'x', log: silentLog })
  await expect(second.listen({ host: '127.0.0.1', port: server.port })).rejects.toMatchObject({
    code: 'ADDRESS_UNUSABLE',
  })
  await second.close()
})
