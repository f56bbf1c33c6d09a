import { mkdtemp, rm } from 'node:fs/promises'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../core/index.ts'
import { dataFolderAt } from './data-folder.ts'
import { openLarder, type Larder } from './open-larder.ts'
import { commitSite } from './testing/commit-site.ts'

let folder: string
let larder: Larder
/** Takes connections and never says a word. */
let silent: Server
const sockets = new Set<Socket>()

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-open-'))
  silent = createServer((socket) => sockets.add(socket.on('error', () => {})))
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const dataFolder = dataFolderAt(folder, {})
  larder = await openLarder({ dataFolder, clock: systemClock, logLevel: 'error', environment: {} })
})
afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  silent.close()
  await rm(folder, { recursive: true, force: true })
})

test('closes at once while a push and a run wait for an upstream that never answers', async () => {
  const { port } = silent.address() as AddressInfo
  const commit = await commitSite(dataFolderAt(folder, {}).siteRepository, {
    'larder.yaml': `site: lab
upstreams:
  debian: {format: apt, url: "http://127.0.0.1:${port}/", allowUnsigned: true}
mirrors:
  base: {format: apt, upstreams: [debian], suite: stable, architectures: [amd64], packages: packages.json}
`,
    'packages.json': '["nmap"]',
  })
  const push = { updates: [{ ref: 'refs/heads/main', before: '0'.repeat(40), after: commit }], environment: {} }
  const connected = once(silent, 'connection')
  const lines: string[] = []
  const checked = larder.controller.checkPush(push, (line) => lines.push(line))
  await Promise.race([connected, checked.then(() => Promise.reject(new Error(lines.join('\n'))))])
  await larder.context.runs.create({ branch: 'main', commit, goal: 'apply', origin: 'test' })
  larder.context.runner.wake()
  await expect.poll(async () => (await larder.context.runs.get(1)).state).toBe('running')
  await larder.close()
  // The files are valid: what the upstream has is for the run to find out, at the next start.
  expect(await checked).toEqual({ accepted: true })
}, 20_000)
