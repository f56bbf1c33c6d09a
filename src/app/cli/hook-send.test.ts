import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../core/index.ts'
import { forgeNamed, type ForgeName } from '../../forge/index.ts'

const secret = 'a-secret-of-hooks'
let folder: string
let server: Server
let url: string
let status: number
let received: { path: string | undefined; headers: IncomingHttpHeaders; bytes: Buffer }[]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-hook-send-'))
  await writeFile(join(folder, 'secrets'), `${secret}\nan-older-one\n`)
  await writeFile(join(folder, 'payload.json'), '{"action":"opened","number":7}')
  await writeFile(join(folder, 'broken.json'), '{"action":')
  server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      received.push({ path: request.url, headers: request.headers, bytes: Buffer.concat(parts) })
      response.writeHead(status).end('{"status":"accepted"}')
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/hooks/any`
})
beforeEach(() => {
  status = 202
  received = []
})
afterAll(async () => {
  server.close()
  await rm(folder, { recursive: true, force: true })
})

function send(...args: string[]) {
  const command = [join(import.meta.dirname, 'main.ts'), '--json', 'hook', 'send', ...args]
  return execa(process.execPath, command, { cwd: folder, reject: false, timeout: 120_000, env: { NO_PROXY: '*' } })
}

const payload = { action: 'opened', number: 7 }

test.each<[ForgeName | 'forgejo', string, string, object]>([
  ['github', 'pull_request.closed', 'pull_request', { ...payload, action: 'closed' }],
  ['gitlab', 'Merge Request Hook', 'Merge Request Hook', payload],
  ['gitlab', 'merge_request.merge', 'Merge Request Hook', { ...payload, object_attributes: { action: 'merge' } }],
  ['gitea', 'push', 'push', payload],
  ['forgejo', 'pull_request.closed', 'pull_request', { ...payload, action: 'closed' }],
])('%s, %s: what is sent is what the forge would send, signed by the first of the secrets', async (...row) => {
  const [name, event, told, content] = row
  const forge = forgeNamed(name === 'forgejo' ? 'gitea' : name)
  const options = ['--forge', name, '--event', event, '--to', url, '--secret-file', 'secrets', '--delivery', 'd-1']
  const { exitCode, stdout } = await send('payload.json', ...options)
  expect(exitCode).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ status: 202, deliveryId: 'd-1', answer: '{"status":"accepted"}' })
  expect(received).toHaveLength(1)
  const { path, headers, bytes } = received[0]!
  const delivery = { headers: headers as Record<string, string>, bytes, text: bytes.toString() }
  expect(path).toBe('/hooks/any')
  expect(forge.recognizes(delivery.headers)).toBe(true)
  expect(forge.verify(delivery, [secret], systemClock.now())).toBe(true)
  expect(forge.verify(delivery, ['an-older-one'], systemClock.now())).toBe(false)
  expect(forge.envelope(delivery)).toEqual({ deliveryId: 'd-1', event: told })
  expect(JSON.parse(delivery.text)).toEqual(content)
})

test('a delivery that is refused ends with 1, and says what was answered', async () => {
  status = 401
  const { exitCode, stdout } = await send('payload.json', '--forge', 'github', '--event', 'push', '--to', url, '--secret-file', 'secrets') // prettier-ignore
  expect([exitCode, JSON.parse(stdout)]).toMatchObject([1, { status: 401 }])
})

test.each([
  ['a file that is no JSON', ['broken.json', '--event', 'push', '--secret-file', 'secrets'], 2, 'USAGE'],
  ['a file that is not there', ['none.json', '--event', 'push', '--secret-file', 'secrets'], 2, 'USAGE'],
  ['a secret that is not there', ['payload.json', '--event', 'push', '--secret-file', 'none'], 2, 'USAGE'],
])('%s: nothing is sent', async (_name, args, code, error) => {
  const { exitCode, stdout, stderr } = await send(...args, '--forge', 'github', '--to', url)
  expect([exitCode, `${stdout}${stderr}`]).toEqual([code, expect.stringContaining(error)])
  expect(received).toEqual([])
})
