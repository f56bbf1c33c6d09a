import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const main = join(import.meta.dirname, 'main.ts')
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-cli-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

function larder(...args: string[]) {
  const env = { LARDER_DATA: join(folder, 'data'), NO_COLOR: '' }
  return execa(process.execPath, [main, ...args], { env, reject: false, timeout: 60_000 })
}

async function site(name: string, files: Record<string, string>): Promise<string> {
  const path = join(folder, name)
  await mkdir(path, { recursive: true })
  for (const [file, text] of Object.entries(files)) await writeFile(join(path, file), text)
  return path
}

const upstream = 'upstreams: { own: { format: apt, url: "file:///nonexistent/", allowUnsigned: true } }'

test('--version is that of package.json', async () => {
  const manifest = JSON.parse(await readFile(join(import.meta.dirname, '../../../package.json'), 'utf8')) as {
    version: string
  }
  expect(await larder('--version')).toMatchObject({ exitCode: 0, stdout: manifest.version })
})

describe('wrong usage ends with 2 and says what to do', () => {
  test.each([
    [['mirorr', 'ls'], /Did you mean mirror/],
    [['mirror', 'show'], /missing required argument 'mirror'/],
    [['run', 'show', 'x'], /number from 1 on/],
    [['up', '--listen', 'nowhere'], /HOST:PORT/],
    [['up', '--listen', '127.0.0.1:99999'], /0 to 65535/],
    [['up', '--sync-every', '-1'], /number above 0/],
    [['schema', 'larder.yml'], /Did you mean larder\.yaml/],
    [['check', join('does', 'not', 'exist')], /no folder/],
    [['plan', main], /main\.ts is no folder/],
    [['--url', 'nowhere', 'mirror', 'ls'], /nowhere is no address of http.*\n.*LARDER_URL/],
    [['machine', 'apply', '--limit', ','], /Name machines/],
    [['hook', 'send', main, '--forge', 'github', '--event', 'push'], /holds no JSON.*\n.*payload of a webhook/],
    [['key', 'import', 'base', import.meta.dirname], /cannot be read: EISDIR.*\n.*Give a file/],
    [['up', '--passphrase-file', 'nowhere'], /nowhere cannot be read: ENOENT.*USAGE.*\n.*--passphrase-file/],
    [['up', '--passphrase-file', import.meta.dirname], /cannot be read: EISDIR.*USAGE/],
    [['up', '--passphrase-file', '/dev/null'], /is empty.*USAGE/],
    [['up', '--passphrase-file', ''], /name of a file/],
    [['disk', 'make', join('does', 'not', 'exist'), 'disk'], /no folder does.*USAGE.*\n.*image layout/],
    [['disk', 'make', main, 'disk'], /There is no folder .*main\.ts/],
    [['disk', 'make', import.meta.dirname, 'disk', '--base', 'nowhere'], /There is no folder nowhere/],
    [['disk', 'make', import.meta.dirname, 'not/there/disk'], /no folder .*not\/there/],
    [['--data', '', 'mirror', 'ls'], /--data names no folder/],
    [['--url', '', 'mirror', 'ls'], /"" is no address/],
  ])('%j', async (args, words) => {
    const { exitCode, stderr, stdout } = await larder(...args)
    expect(stderr).toMatch(words)
    expect(stdout).toBe('')
    expect(stderr).not.toMatch(/^\s+at /m)
    expect(exitCode).toBe(2)
  })
})

test.each([
  [['mirorr', 'ls'], /^unknown command 'mirorr'$/, 'Did you mean mirror?'],
  [['mirror', 'show'], /missing required argument 'mirror'/, expect.stringContaining('--help')],
  [['mirror'], /^A command is missing/, expect.stringContaining('--help')],
  [['run', 'ls', '--sate', 'running'], /^unknown option '--sate'$/, 'Did you mean --state?'],
  [['run', 'show', 'x'], /number from 1 on/, expect.anything()],
  [['disk', 'to-ec2', 'x'], /required option/, expect.anything()],
  [[], /^A command is missing/, expect.anything()],
])('with --json, wrong usage is one document: %j', async (args, message, hint) => {
  const { exitCode, stderr, stdout } = await larder('--json', ...args)
  const error = { code: 'USAGE', message: expect.stringMatching(message), hint, context: {} }
  expect([exitCode, JSON.parse(stderr), stdout]).toEqual([2, { error }, ''])
})

test('a variable that is empty is none', async () => {
  const env = { HOME: folder, LARDER_DATA: join(folder, 'data'), LARDER_URL: '', LARDER_PASSPHRASE_FILE: '' }
  const { exitCode, stderr } = await execa(process.execPath, [main, 'mirror', 'ls'], { env })
  expect([exitCode, stderr]).toEqual([0, ''])
})

describe('check', () => {
  test('tells every error of every file and ends with 3', async () => {
    const path = await site('bad', {
      'larder.yaml': `site: lab\n${upstream}\nmirorrs: {}\nmirrors:\n  base: { format: apt, upstreams: [onw], suite: x, architectures: [amd64], packages: p.json }\n`,
      'p.json': '[ "nmap", "bad name!", ]\n',
    })
    const { exitCode, stdout } = await larder('check', '--offline', path)
    expect(exitCode).toBe(3)
    expect(stdout).toMatch(/^larder\.yaml:3:1: .*mirorrs.*did you mean mirrors\?$/m)
    expect(stdout).toMatch(/^larder\.yaml:5:\d+: .*onw.*did you mean own\?$/m)
    expect(stdout).toMatch(/^p\.json:1:\d+: /m)
  })

  test('of a good site ends with 0; with --json it prints one document', async () => {
    const path = await site('good', {
      'larder.yaml': `site: lab\n${upstream}\nmirrors:\n  base: { format: apt, upstreams: [own], suite: x, architectures: [amd64], packages: p.json }\n`,
      'p.json': '["nmap"]\n',
    })
    expect(await larder('check', '--offline', path)).toMatchObject({ exitCode: 0 })
    const { stdout } = await larder('--json', 'check', '--offline', path)
    expect(JSON.parse(stdout)).toEqual({ ok: true, problems: [] })
  })
})

test('whoever reads the output may leave before it comes', async () => {
  const running = larder('schema', 'larder.yaml')
  running.stdout.destroy()
  expect(await running).toMatchObject({ exitCode: 0, stderr: '' })
})

test('schema prints a JSON Schema', async () => {
  const { stdout } = await larder('schema', 'larder.yaml')
  expect(JSON.parse(stdout)).toMatchObject({ $schema: expect.stringContaining('2020-12'), type: 'object' })
})

test('without a controller, commands open the data folder themselves', async () => {
  const { exitCode, stdout } = await larder('--json', 'mirror', 'ls')
  expect([exitCode, JSON.parse(stdout)]).toEqual([0, []])
  const unknown = await larder('--json', 'mirror', 'show', 'base')
  expect(unknown.exitCode).toBe(2)
  expect(JSON.parse(unknown.stderr)).toMatchObject({ error: { code: 'MIRROR_UNKNOWN' } })
})

test.each(['/proc/nope/data', '/dev/null/data'])('a data folder %s that cannot be made is told', async (path) => {
  const { exitCode, stderr } = await larder('--data', path, 'mirror', 'ls')
  expect(stderr).toMatch(/cannot be made.*DATA_UNUSABLE/)
  expect(exitCode).toBe(1)
})

test('a controller that does not answer is told, and not waited for', async () => {
  const { exitCode, stderr } = await larder('--url', 'http://127.0.0.1:1', 'mirror', 'ls')
  expect(stderr).toMatch(/No Larder answers at http:\/\/127\.0\.0\.1:1.*CONTROLLER_UNREACHABLE/)
  expect(exitCode).toBe(1)
})
