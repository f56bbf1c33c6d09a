import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
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
import { gitCheckoutType } from './git-checkout.ts'
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

it('a text for the shell ends at its first failure', async () => {
  const failing = await command({ run: 'false\ntouch made', cwd: root, creates: join(root, 'made') })
  expect(() => tinyEngine(commandType).apply([failing])).toThrow('exit 1')
  expect(existsSync(join(root, 'made'))).toBe(false)
  expect(commandType.schema.safeParse({ command: 'it', run: 'true' }).success).toBe(false)
})

const git = (...args: string[]): string =>
  execFileSync('git', ['-C', join(root, 'origin'), '-c', 'user.name=a', '-c', 'user.email=a@example.org', ...args], {
    env: { PATH: process.env['PATH'], GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' },
  })
    .toString()
    .trim()

it('a checkout follows its branch, and what is changed in it is put back', async () => {
  mkdirSync(join(root, 'origin'))
  git('init', '-q', '-b', 'main')
  writeFileSync(join(root, 'origin/a'), 'one\n')
  git('add', 'a')
  git('commit', '-q', '-m', 'one')
  git('tag', '-a', '-m', 'first', 'v1')
  const first = git('rev-parse', 'HEAD')
  const path = join(root, 'out/here')
  const checkout = (revision: string) =>
    gitCheckoutType.resolve(
      gitCheckoutType.schema.parse({ 'git-checkout': path, repository: `file://${root}/origin`, revision }),
      testRoom(),
    )
  const engine = tinyEngine(gitCheckoutType)
  const [main, tag, id] = await Promise.all([checkout('main'), checkout('v1'), checkout(first)])
  expect(engine.plan([main])).toEqual([[{ what: 'commit', from: undefined, to: first }]])
  engine.apply([main])
  expect(engine.plan([main])).toEqual([[]])
  expect(engine.plan([tag])).toEqual([[]])
  writeFileSync(join(path, 'a'), 'changed\n')
  expect(engine.plan([main])).toEqual([[{ what: 'files', from: 'changed by somebody', to: 'as committed' }]])
  engine.apply([main])
  expect(readFileSync(join(path, 'a'), 'utf8')).toBe('one\n')
  writeFileSync(join(root, 'origin/a'), 'two\n')
  git('commit', '-q', '-a', '-m', 'two')
  expect(engine.plan([main])).toEqual([[{ what: 'commit', from: first, to: git('rev-parse', 'HEAD') }]])
  engine.apply([main])
  expect(readFileSync(join(path, 'a'), 'utf8')).toBe('two\n')
  engine.apply([id])
  expect(engine.plan([id])).toEqual([[]])
  expect(readFileSync(join(path, 'a'), 'utf8')).toBe('one\n')
  expect(engine.plan([await checkout('nowhere')])).toEqual(['its repository does not answer, or has no such revision'])
})

it('a checkout that is only touched is as it was, and one that was killed in the middle goes on', async () => {
  mkdirSync(join(root, 'origin'))
  git('init', '-q', '-b', 'main')
  writeFileSync(join(root, 'origin/a'), 'one\n')
  git('add', 'a')
  git('commit', '-q', '-m', 'one')
  const path = join(root, 'here')
  const declared = { 'git-checkout': path, repository: `file://${root}/origin`, revision: 'main' }
  const all = [gitCheckoutType.schema.parse(declared)]
  const engine = tinyEngine(gitCheckoutType)
  // git init had just begun.
  mkdirSync(join(path, '.git'), { recursive: true })
  engine.apply(all)
  utimesSync(join(path, 'a'), 1_000_000, 1_000_000)
  expect(engine.plan(all)).toEqual([[]])
  for (const name of ['index', 'HEAD', 'shallow', 'config', 'packed-refs']) {
    writeFileSync(join(path, `.git/${name}.lock`), '')
  }
  writeFileSync(join(root, 'origin/a'), 'two\n')
  git('commit', '-q', '-a', '-m', 'two')
  engine.apply(all)
  expect(readFileSync(join(path, 'a'), 'utf8')).toBe('two\n')
})

it.each(['index', 'HEAD'])(
  'a pipe as .git/%s of a checkout costs that one, and goes with the next run',
  async (name) => {
    mkdirSync(join(root, 'origin'))
    git('init', '-q', '-b', 'main')
    git('commit', '-q', '--allow-empty', '-m', 'one')
    const repository = `file://${root}/origin`
    const [odd, fine] = ['odd', 'fine'].map((folder) =>
      gitCheckoutType.schema.parse({
        'git-checkout': join(root, folder),
        repository,
        revision: git('rev-parse', 'HEAD'),
      }),
    )
    tinyEngine(gitCheckoutType).apply([odd!, fine!])
    rmSync(join(root, 'odd/.git', name))
    execFileSync('mkfifo', [join(root, 'odd/.git', name)])
    // The first of them has a second, the other one as long as it takes.
    const asked = join(root, 'asked')
    const date = sh`date() { echo >>${asked}; if [ "$(wc -l <${asked})" -eq 2 ]; then echo 1039; else echo 1000; fi; }`
    const said = runScript(lines(date, gitCheckoutType.facts([odd!, fine!], undefined))).stdout
    const late = { known: false, why: expect.stringContaining('did not end within 40 s') }
    expect(gitCheckoutType.read(said, [odd!, fine!])).toMatchObject([late, { known: true }])
    const change = { facts: undefined, differences: [], host: debianHost }
    expect(runScript(lines(sh`set -eu`, gitCheckoutType.apply(odd!, change)))).toMatchObject({ code: 0 })
    expect(tinyEngine(gitCheckoutType).plan([odd!])).toEqual([[]])
  },
)

it('a checkout does not take over a folder with files of others', async () => {
  mkdirSync(join(root, 'origin'))
  git('init', '-q', '-b', 'main')
  git('commit', '-q', '--allow-empty', '-m', 'one')
  mkdirSync(join(root, 'mine'))
  writeFileSync(join(root, 'mine/a'), 'kept')
  const desired = gitCheckoutType.schema.parse({
    'git-checkout': join(root, 'mine'),
    repository: `file://${root}/origin`,
    revision: 'main',
  })
  expect(() => tinyEngine(gitCheckoutType).apply([desired])).toThrow('holds other files')
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
