import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { SiteFiles } from '../../../core/index.ts'
import { lines, sh } from '../../shell/script.ts'
import { runScript } from '../../testing/run-script.ts'
import { debianHost, tinyEngine } from '../../testing/converge.ts'
import { testRoom } from '../../testing/resolve-room.ts'
import { archiveType } from './archive.ts'
import { commandType } from './command.ts'
import { npmPackageType } from './npm-package.ts'
import { pipPackageType } from './pip-package.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'larder-work-'))
})
afterEach(() => {
  rmSync(root, { recursive: true, force: true })
})

const command = (more: object) => commandType.resolve(commandType.schema.parse({ command: 'it', ...more }), testRoom())

it('a command runs where its guards say so, and not again', async () => {
  const made = join(root, "made 'it'")
  const engine = tinyEngine(commandType)
  const all = await Promise.all([
    command({ run: ['touch', made], creates: made }),
    command({ run: `echo "$WHO" >>count`, cwd: root, unless: 'grep -q it count', environment: { WHO: 'it' } }),
    command({ run: 'false', 'only-if': ['test', '-e', join(root, 'never')] }),
    command({ run: 'exit 7', 'notified-only': true }),
    command({ run: 'true', unless: ['/nonexistent/program'] }),
  ])
  expect(engine.plan(all)).toEqual([
    [{ what: 'run', from: `${made} is not there`, to: 'done' }],
    [{ what: 'run', from: 'unless does not hold', to: 'done' }],
    [],
    [],
    'what asks whether it is needed cannot be run yet',
  ])
  engine.apply(all.slice(0, 4))
  expect(engine.plan(all.slice(0, 4))).toEqual([[], [], [], []])
  engine.apply(all.slice(0, 4))
  expect(readFileSync(join(root, 'count'), 'utf8')).toBe('it\n')
  expect(runScript(commandType.notified!(all[3])).code).toBe(7)
})

it('a command whose guards could not be asked is asked for again before it runs, and not run where that hangs', async () => {
  const made = join(root, 'made')
  const [needed, done, not, hanging] = await Promise.all([
    command({ run: ['touch', made], unless: '[ -e made ]', cwd: root }),
    command({ run: 'exit 7', unless: 'true' }),
    command({ run: 'exit 7', 'only-if': 'command -v no-such-program' }),
    command({ run: 'exit 7', unless: 'sleep 60' }),
  ])
  const ownTime = await command({ run: 'true', unless: 'timeout 0.1 sleep 9' })
  expect(tinyEngine(commandType).plan([ownTime])).toEqual([[{ what: 'run', from: 'unless does not hold', to: 'done' }]])
  const apply = (desired: Awaited<ReturnType<typeof command>>) =>
    commandType.apply(desired, { facts: undefined, differences: [], host: debianHost })
  for (const one of [needed, done, not]) expect(runScript(lines(sh`set -eu`, apply(one)))).toMatchObject({ code: 0 })
  expect(existsSync(made)).toBe(true)
  const hasten = sh`timeout() { [ "$3" = 30 ] || exit 9; shift 3; command timeout 1 "$@"; }`
  const ended = runScript(lines(sh`set -eu`, hasten, apply(hanging)))
  expect(ended.code).toBe(1)
  expect(ended.stderr).toContain('did not end within 30 s: it was not run')
  expect(tinyEngine(commandType).plan([not])).toEqual([[]])
})

it('guards that hang end together before the look that they are a part of', async () => {
  const all = await Promise.all([1, 2].map(() => command({ run: 'true', unless: 'sleep 60', 'only-if': 'sleep 60' })))
  const { stdout } = runScript(lines(sh`larder_deadline=$(($(date +%s) + 1))`, commandType.facts!(all)))
  const why = expect.stringContaining('did not end within 30 s') as string
  expect(commandType.read(stdout, all, [])).toEqual(all.map(() => ({ known: false, why })))
})

it('a text for the shell ends at its first failure', async () => {
  const failing = await command({ run: 'false\ntouch made', cwd: root, creates: join(root, 'made') })
  expect(() => tinyEngine(commandType).apply([failing])).toThrow('exit 1')
  expect(existsSync(join(root, 'made'))).toBe(false)
  expect(commandType.schema.safeParse({ command: 'it', run: 'true' }).success).toBe(false)
})

it('an archive is unpacked as a whole, and replaced as a whole', async () => {
  mkdirSync(join(root, 'in/app'), { recursive: true })
  const pack = (content: string): Buffer => {
    writeFileSync(join(root, 'in/app', content), content)
    return execFileSync('tar', ['-cz', '-C', join(root, 'in'), 'app'])
  }
  const filesWith = (bytes: Buffer): SiteFiles => ({
    read: async () => bytes,
    list: async () => [],
    entries: async () => [],
  })
  const me = { owner: String(process.getuid?.()), group: String(process.getgid?.()) }
  const path = join(root, 'opt/the app')
  const archive = (bytes: Buffer, more: object = {}) =>
    archiveType.resolve(
      archiveType.schema.parse({ archive: path, source: 'a.tgz', strip: 1, ...me, ...more }),
      testRoom({}, { files: filesWith(bytes) }),
    )
  const engine = tinyEngine(archiveType)
  const first = await archive(pack('one'))
  engine.apply([first])
  expect(engine.plan([first])).toEqual([[]])
  expect(readFileSync(join(path, 'one'), 'utf8')).toBe('one')
  rmSync(join(root, 'in/app/one'))
  const second = await archive(pack('two'))
  engine.apply([second])
  expect(existsSync(join(path, 'one'))).toBe(false)
  expect(readFileSync(join(path, 'two'), 'utf8')).toBe('two')
  expect(() => engine.apply([{ ...first, content: Buffer.from('no archive') }])).toThrow('exit')
  expect(readFileSync(join(path, 'two'), 'utf8')).toBe('two')
  // A run was killed before it had removed what was there before, or while it unpacked another.
  mkdirSync(join(root, 'opt/.the app.larder-x1Y2z3/old'), { recursive: true })
  const left = { what: 'leftovers', from: 'of a run that was killed', to: undefined }
  expect(engine.plan([second])).toEqual([[left]])
  engine.apply([second])
  expect(readdirSync(join(root, 'opt'))).toEqual(['the app'])
  mkdirSync(join(root, 'opt/.the app.larder-new/new'), { recursive: true })
  expect(engine.plan([first])).toEqual([[expect.objectContaining({ what: 'archive' }), left]])
  engine.apply([first])
  expect(readdirSync(join(root, 'opt'))).toEqual(['the app'])
  expect(engine.plan([first])).toEqual([[]])
  await expect(archive(Buffer.from('x'), { sha256: '0'.repeat(64) })).rejects.toThrow('has the SHA-256')
})

it('packages of npm and pip are read without starting either', () => {
  mkdirSync(join(root, 'lib/node_modules/@a/b'), { recursive: true })
  writeFileSync(join(root, 'lib/node_modules/@a/b/package.json'), '{"version":"1.2.3"}')
  const npm = (more: object) => npmPackageType.schema.parse({ prefix: root, ...more })
  expect(
    tinyEngine(npmPackageType).plan([
      npm({ 'npm-package': '@a/b' }),
      npm({ 'npm-package': '@a/b', version: '1.2.4' }),
      npm({ 'npm-package': 'c' }),
      npm({ 'npm-package': '@a/b', state: 'absent' }),
    ]),
  ).toEqual([
    [],
    [{ what: 'version', from: '1.2.3', to: '1.2.4' }],
    [{ what: 'version', from: undefined, to: 'installed' }],
    [{ what: 'version', from: '1.2.3' }],
  ])
  mkdirSync(join(root, 'lib/python3.11/site-packages/Foo_Bar-2.0.dist-info'), { recursive: true })
  const pip = (more: object) => pipPackageType.schema.parse({ venv: root, ...more })
  expect(
    tinyEngine(pipPackageType).plan([pip({ 'pip-package': 'foo.bar', version: '2.0' }), pip({ 'pip-package': 'foo' })]),
  ).toEqual([[], [{ what: 'version', from: undefined, to: 'installed' }]])
})

// PEP 440, Version comparison.
it.each([
  ['2.31', '2.31.0', true],
  ['1.0.0-rc.1', '1.0.0rc1', true],
  ['1.0-ALPHA2', '1.0a2', true],
  ['1.0-1', '1.0.post1', true],
  ['1.0+Ubuntu-1', '1.0+ubuntu.1', true],
  ['2.31', '2.31.1', false],
  ['1.0', '1.0rc1', false],
  ['1.0+1.1', '1.0+11', false],
  ['1.1', '11', false],
])('of pip, version %s and %s: the same is %s', (version, installed, isSame) => {
  const desired = pipPackageType.schema.parse({ 'pip-package': 'a', venv: '/x', version })
  expect(pipPackageType.diff(desired, installed)).toEqual(
    isSame ? [] : [{ what: 'version', from: installed, to: version }],
  )
})
