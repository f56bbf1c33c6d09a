import { execFile, execFileSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startServer, type TestServer } from '../testing/start-server.ts'
import { hereDocument, quoteWord } from './shell-text.ts'

let server: TestServer
let script: string
beforeAll(async () => {
  server = await startServer()
  script = await (await server.fetch('/setup/base')).text()
})
afterAll(() => server[Symbol.asyncDispose]())

test('the source alone, and the key', async () => {
  const source = await server.fetch('/setup/base.sources')
  expect(await source.text()).toContain(`URIs: ${server.url}/apt/base\n`)
  const key = await server.fetch('/keys/base.asc')
  expect(key.headers.get('content-type')).toBe('application/pgp-keys')
  expect(await key.text()).toContain('BEGIN PGP PUBLIC KEY BLOCK')
})

test.each([
  '/setup/other',
  '/setup/other.sources',
  '/setup/..%2fx',
  '/setup/%24(id)',
  '/keys/base',
  '/keys/other.asc',
  '/keys/.asc',
])('%s names no mirror', async (path) => {
  const response = await server.fetch(path)
  expect([response.status, await response.json()]).toMatchObject([404, { error: { code: 'MIRROR_UNKNOWN' } }])
})

describe('the script', () => {
  let root: string
  let apt: string
  let programs: string
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "larder setup' "))
    apt = join(root, 'etc', 'apt')
    programs = join(root, 'bin')
    await mkdir(join(apt, 'sources.list.d'), { recursive: true })
    await mkdir(programs)
    await writeFile(join(apt, 'sources.list'), 'deb http://example.org/debian bookworm main\n')
    await writeFile(join(apt, 'sources.list.d', 'other.list'), 'deb http://example.org/x bookworm main\n')
    await writeFile(join(apt, 'sources.list.d', 'larder-second.sources'), 'Types: deb\n')
    await program('apt-get', 'printf "%s|" "$@" >>"$LARDER_ROOT/calls"; echo >>"$LARDER_ROOT/calls"')
    await program('id', 'echo 0')
  })
  afterEach(() => rm(root, { recursive: true, force: true }))

  async function program(name: string, body: string): Promise<void> {
    await writeFile(join(programs, name), `#!/bin/sh\n${body}\n`)
    await chmod(join(programs, name), 0o755)
  }

  async function run(environment: Record<string, string> = {}): Promise<{ code: number; said: string }> {
    const child = promisify(execFile)('sh', ['-s'], {
      env: { PATH: programs + delimiter + process.env['PATH']!, LARDER_ROOT: root, ...environment },
    })
    child.child.stdin?.end(script)
    try {
      const { stdout } = await child
      return { code: 0, said: stdout }
    } catch (error) {
      const { code, stderr } = error as { code: number; stderr: string }
      return { code, said: stderr }
    }
  }

  const list = async (): Promise<string[]> => (await readdir(apt, { recursive: true })).sort()
  const source = (): Promise<string> => readFile(join(apt, 'sources.list.d', 'larder-base.sources'), 'utf8')

  test('writes the source as it is, and reads that source only', async () => {
    expect(await run()).toMatchObject({ code: 0, said: expect.stringContaining('now a client of the mirror base') })
    expect(await source()).toBe(await (await server.fetch('/setup/base.sources')).text())
    const calls = await readFile(join(root, 'calls'), 'utf8')
    expect(calls.trim().split('\n')).toHaveLength(1)
    expect(calls).toContain(`|Dir::Etc::sourcelist=${apt}/sources.list.d/larder-base.sources|`)
    expect(calls).toContain('|Dir::Etc::sourceparts=/dev/null|')
    expect(await list()).toEqual([
      'sources.list',
      'sources.list.d',
      'sources.list.d/larder-base.sources',
      'sources.list.d/larder-second.sources',
      'sources.list.d/other.list',
    ])
  })

  test('moves other sources aside when asked, and brings them back', async () => {
    const before = await list()
    expect((await run({ LARDER_ONLY: '1' })).code).toBe(0)
    expect(await list()).toEqual([
      'larder-aside',
      'larder-aside/sources.list',
      'larder-aside/sources.list.d',
      'larder-aside/sources.list.d/other.list',
      'sources.list.d',
      'sources.list.d/larder-base.sources',
      'sources.list.d/larder-second.sources',
    ])
    expect((await run({ LARDER_ONLY: '1' })).code).toBe(0)
    expect((await run({ LARDER_UNDO: '1' })).code).toBe(0)
    expect(await list()).toEqual(before)
    expect((await run({ LARDER_UNDO: '1' })).code).toBe(0)
  })

  test('overwrites nothing that was moved aside before', async () => {
    await run({ LARDER_ONLY: '1' })
    await writeFile(join(apt, 'sources.list'), 'new\n')
    expect(await run({ LARDER_ONLY: '1' })).toMatchObject({
      code: 1,
      said: expect.stringContaining('is there already'),
    })
    expect(await readFile(join(apt, 'larder-aside', 'sources.list'), 'utf8')).toContain('example.org')
  })

  test('leaves the other sources when the mirror cannot be read', async () => {
    await program('apt-get', 'exit 100')
    expect(await run({ LARDER_ONLY: '1' })).toMatchObject({ code: 1, said: expect.stringContaining('could not read') })
    expect(await list()).toContain('sources.list')
  })

  test('does nothing without root', async () => {
    await program('id', 'echo 1000')
    expect(await run()).toMatchObject({ code: 1, said: expect.stringContaining('must run as root') })
    expect(await list()).not.toContain('sources.list.d/larder-base.sources')
  })

  test('cut off anywhere, does nothing', async () => {
    const before = await list()
    const whole = script
    try {
      for (let at = 0; at < whole.length - 10; at += 211) {
        script = whole.slice(0, at)
        await run()
      }
    } finally {
      script = whole
    }
    expect(await list()).toEqual(before)
  })
})

test('any word survives quoting, any text the here-document', () => {
  const text = fc.string({ unit: fc.constantFrom('a', "'", '"', '$(id)', '`', '\\', '\n', ' ', 'END_OF_FILE', '\n_') })
  fc.assert(
    fc.property(text, (value) => {
      const lines = value.replace(/\n*$/, '')
      const program = `printf '%s' ${quoteWord(value)}; printf '|'; cat ${hereDocument(value)}\n`
      expect(execFileSync('sh', ['-c', program], { encoding: 'utf8' })).toBe(`${value}|${lines}\n`)
    }),
    { numRuns: 40 },
  )
})
