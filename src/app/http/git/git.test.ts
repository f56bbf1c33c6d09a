import { execFile, spawn } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { LarderError } from '../../../core/index.ts'
import { listBranches, openCommit, resolveRef } from '../../../forge/index.ts'
import { git, gitEnvironment } from '../testing/run-git.ts'
import { adminToken, startServer, type TestServer } from '../testing/start-server.ts'

let folder: string
let bare: string
let server: TestServer
let origin: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-git-test-'))
  // Push gates of nobody else are to be seen.
  vi.stubEnv('TMPDIR', folder)
  bare = join(folder, 'data folder', 'site.git')
  await mkdir(join(folder, 'data folder'))
  server = await startServer({ siteRepository: { path: bare } })
  origin = `http://admin:${adminToken}@127.0.0.1:${server.port}/git/site.git`
})
afterEach(async () => {
  await server[Symbol.asyncDispose]()
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true, force: true })
})

async function cloneWith(name: string, files: Record<string, string>): Promise<string> {
  const clone = join(folder, name)
  await git(folder, 'clone', '-q', `${server.url}/git/site.git`, name)
  await git(clone, 'remote', 'set-url', 'origin', origin)
  for (const [path, content] of Object.entries(files)) await writeFile(join(clone, path), content)
  await git(clone, 'add', '-A')
  await git(clone, 'commit', '-q', '-m', 'change')
  return clone
}

test('a push is checked in its quarantine, told about, and reported once its refs have moved', async () => {
  let seen: string | undefined
  server.controller.onPush = async (push, tell) => {
    const files = await openCommit(bare, push.updates[0]!.after, push.environment)
    seen = (await files.read('packages.json'))?.toString()
    files.close()
    tell('mirror base: +10 packages\nsecond line')
    tell('\u001b[31mred\u0007')
    return { accepted: true }
  }
  const clone = await cloneWith('a', { 'packages.json': '["nmap"]' })
  const push = await git(clone, 'push', 'origin', 'HEAD:main')
  expect(push.said).toMatch(/^remote: mirror base: \+10 packages *$/m)
  expect(push.said).toMatch(/^remote: second line *$/m)
  expect(push.said).toMatch(/^remote: \?\[31mred\? *$/m)
  expect(push.said).toMatch(/^remote: run 8 was queued *$/m)
  expect([push.code, seen]).toEqual([0, '["nmap"]'])
  const head = (await git(clone, 'rev-parse', 'HEAD')).out
  expect(await listBranches(bare)).toEqual([{ name: 'main', commit: head }])
  const updates = [{ ref: 'refs/heads/main', before: '0'.repeat(40), after: head }]
  expect(server.controller.pushes).toEqual([
    {
      moment: 'check',
      push: { updates, environment: expect.objectContaining({ GIT_QUARANTINE_PATH: expect.any(String) }) },
    },
    { moment: 'pushed', push: { updates, environment: {} } },
  ])
  // The next one sees it.
  const other = await cloneWith('b', { README: 'x' })
  expect(await readFile(join(other, 'packages.json'), 'utf8')).toBe('["nmap"]')
})

test('a push that is refused leaves nothing', async () => {
  server.controller.onPush = (_push, tell) => {
    tell('packages.json:1:2: no such package "nmpa": did you mean nmap?')
    return Promise.resolve({ accepted: false })
  }
  const clone = await cloneWith('a', { 'packages.json': '["nmpa"]' })
  const push = await git(clone, 'push', 'origin', 'HEAD:main')
  expect(push.code).not.toBe(0)
  expect(push.said).toMatch(/remote: packages.json:1:2: no such package "nmpa": did you mean nmap\?/)
  expect(push.said).toContain('pre-receive hook declined')
  expect(await listBranches(bare)).toEqual([])
  const head = (await git(clone, 'rev-parse', 'HEAD')).out
  expect(await resolveRef(bare, head)).toBeUndefined()
  expect(server.controller.pushes.map(({ moment }) => moment)).toEqual(['check'])
})

test.each([
  [
    'foreseen',
    new LarderError('SITE_INVALID', { message: 'All is wrong.', hint: 'Mend it.' }),
    /All is wrong. \(SITE_INVALID\)[^]*Mend it/,
  ],
  ['not foreseen', new TypeError('secret'), /Larder failed over this push/],
])('a check that fails, %s, refuses the push', async (_name, failure, said) => {
  server.controller.onPush = () => Promise.reject(failure)
  const push = await git(await cloneWith('a', { f: '1' }), 'push', 'origin', 'HEAD:main')
  expect(push.said).toMatch(said)
  expect(push.said).not.toContain('secret')
  expect(await listBranches(bare)).toEqual([])
})

test('large pushes arrive whole', async () => {
  const content = randomBytes(3_000_000).toString('base64')
  const clone = await cloneWith('a', { big: content })
  expect((await git(clone, 'push', 'origin', 'HEAD:main')).code).toBe(0)
  await git(folder, 'clone', '-q', `${server.url}/git/site.git`, 'b')
  expect(await readFile(join(folder, 'b', 'big'), 'utf8')).toBe(content)
})

test('what git compresses is understood', async () => {
  const clone = await cloneWith('a', { f: '1' })
  await git(clone, 'push', '-q', 'origin', 'HEAD:main')
  const response = await server.fetch('/git/site.git/git-upload-pack', {
    method: 'POST',
    headers: {
      'content-type': 'application/x-git-upload-pack-request',
      'content-encoding': 'gzip',
      'git-protocol': 'version=2',
    },
    body: gzipSync('0014command=ls-refs\n0000'),
  })
  expect(response.headers.get('content-type')).toBe('application/x-git-upload-pack-result')
  expect(await response.text()).toContain('refs/heads/main')
})

describe('rules that hold for every push', () => {
  let clone: string
  beforeEach(async () => {
    clone = await cloneWith('a', { f: '1' })
    await git(clone, 'push', '-q', 'origin', 'HEAD:main')
  })

  test.each([
    ['rewriting main', ['--force', 'HEAD:main'], /main cannot be rewritten/],
    ['deleting main', [':main'], /main cannot be deleted|refusing to delete|deletion of the current branch/],
    ['refs that are neither branch nor tag', ['HEAD:refs/notes/x'], /neither a branch nor a tag/],
  ])('%s is refused', async (_name, args, said) => {
    await git(clone, 'commit', '-q', '--amend', '-m', 'other')
    const push = await git(clone, 'push', 'origin', ...args)
    expect(push.said).toMatch(said)
    expect(push.code).not.toBe(0)
  })

  test('a topic branch may be rewritten and deleted', async () => {
    await git(clone, 'push', '-q', 'origin', 'HEAD:topic')
    await git(clone, 'commit', '-q', '--amend', '-m', 'other')
    expect((await git(clone, 'push', '--force', 'origin', 'HEAD:topic')).code).toBe(0)
    expect((await git(clone, 'push', 'origin', ':topic')).code).toBe(0)
    expect(await listBranches(bare)).toHaveLength(1)
  })
})

test('without the token nothing can be pushed', async () => {
  const clone = await cloneWith('a', { f: '1' })
  for (const address of [`${server.url}/git/site.git`, origin.replace(adminToken, 'wrong')]) {
    const push = await git(clone, 'push', address, 'HEAD:main')
    expect(push.code).not.toBe(0)
    expect(push.said).toMatch(/could not read Username|Authentication failed/)
  }
  const direct = await server.fetch('/git/site.git/git-receive-pack', { method: 'POST', body: '0000' })
  expect(direct.status).toBe(401)
  expect(direct.headers.get('www-authenticate')).toMatch(/^Basic /)
  expect(server.controller.pushes).toEqual([])
})

test.each([
  '/git/site.git/HEAD',
  '/git/site.git/config',
  '/git/site.git/objects/info/packs',
  '/git/site.git/../../etc/passwd',
  '/git/other.git/info/refs?service=git-upload-pack',
])('%s is not shown', async (path) => {
  expect((await server.fetch(path)).status).toBe(404)
})

test('the dumb protocol is not spoken', async () => {
  expect((await server.fetch('/git/site.git/info/refs')).status).toBe(400)
  expect((await server.fetch('/git/site.git/info/refs?service=git-upload-archive')).status).toBe(400)
})

test('a push past the controller is refused in so many words', async () => {
  const clone = await cloneWith('a', { f: '1' })
  const push = await git(clone, 'push', bare, 'HEAD:main')
  expect(push.said).toMatch(/remote: This repository takes pushes only through a running Larder/)
  expect(await listBranches(bare)).toEqual([])
})

test('a hook without the key of a push that is under way is refused', async () => {
  server.controller.onPush = async (_push, tell) => {
    tell('checked')
    return { accepted: true }
  }
  const clone = await cloneWith('a', { f: '1' })
  await git(clone, 'push', '-q', 'origin', 'HEAD:topic')
  const gates = (await readdir(tmpdir())).filter((name) => name.startsWith('larder-push-'))
  const hook = new URL('../../../forge/git/push-hook.cjs', import.meta.url).pathname
  const forged = {
    ...gitEnvironment,
    LARDER_NODE: process.execPath,
    LARDER_PUSH_HOOK: hook,
    LARDER_PUSH_KEY: '0'.repeat(32),
  }
  expect(gates).toHaveLength(1)
  for (const gate of gates) {
    const forgedPush = promisify(execFile)('git', ['push', bare, 'HEAD:main'], {
      cwd: clone,
      env: { ...forged, LARDER_PUSH_GATE: join(tmpdir(), gate, 'gate') },
    })
    await expect(forgedPush).rejects.toMatchObject({
      stderr: expect.stringMatching(/did not come through Larder|cannot be asked/),
    })
  }
  expect((await listBranches(bare)).map(({ name }) => name)).toEqual(['topic'])
})

test('a client that goes away takes its processes with it', async () => {
  const entered = Promise.withResolvers<undefined>()
  const leave = Promise.withResolvers<{ accepted: boolean }>()
  server.controller.onPush = () => {
    entered.resolve(undefined)
    return leave.promise
  }
  const clone = await cloneWith('a', { f: '1' })
  const child = spawn('git', ['push', 'origin', 'HEAD:main'], { cwd: clone, env: gitEnvironment, detached: true })
  await entered.promise
  expect(await processesIn(bare)).not.toEqual([])
  process.kill(-child.pid!, 'SIGKILL')
  await expect.poll(() => processesIn(bare), { timeout: 10_000 }).toEqual([])
  leave.resolve({ accepted: true })
  expect(await listBranches(bare)).toEqual([])
})

test('refs that moved though the hook was not heard are reported all the same', async () => {
  const clone = await cloneWith('a', { f: '1' })
  // A post-receive that never gets to speak.
  await writeFile(join(bare, 'hooks', 'post-receive'), '#!/bin/sh\nexit 0\n')
  await chmod(join(bare, 'hooks', 'post-receive'), 0o755)
  await git(clone, 'push', '-q', 'origin', 'HEAD:main')
  await expect.poll(() => server.controller.pushes.map(({ moment }) => moment)).toEqual(['check', 'pushed'])
})

test('clones and pushes over the limit are told to come back', async () => {
  await using busy = await startServer({ siteRepository: { path: bare }, limits: { gitProcesses: 0 } })
  const response = await busy.fetch('/git/site.git/info/refs?service=git-upload-pack')
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5'])
})

test('strangers whose clones never end keep nobody with the token from pushing', async () => {
  await using busy = await startServer({
    siteRepository: { path: bare },
    limits: { gitProcesses: 1, closeGraceMs: 100 },
  })
  const endless = connect(busy.port, '127.0.0.1')
  endless.on('error', () => {})
  const type = 'Content-Type: application/x-git-upload-pack-request'
  const head = ['POST /git/site.git/git-upload-pack HTTP/1.1', 'Host: a', type, 'Transfer-Encoding: chunked', '', '']
  endless.write(head.join('\r\n'))
  const read = async () => (await busy.fetch('/git/site.git/info/refs?service=git-upload-pack')).status
  await expect.poll(async () => [await read(), await read(), await read()]).toEqual([503, 503, 503])
  const headers = { authorization: `Bearer ${adminToken}` }
  const write = await busy.fetch('/git/site.git/info/refs?service=git-receive-pack', { headers })
  expect(write.status).toBe(200)
  endless.destroy()
})

/** Process ids whose working directory or environment is that of the repository. Linux. */
async function processesIn(path: string): Promise<string[]> {
  const found: string[] = []
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const text = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
    if (text.includes(`GIT_PROJECT_ROOT=${path}`)) found.push(pid)
  }
  return found
}
