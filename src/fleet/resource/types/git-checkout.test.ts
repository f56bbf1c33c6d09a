import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { lines, sh } from '../../shell/script.ts'
import { runScript } from '../../testing/run-script.ts'
import { debianHost, tinyEngine } from '../../testing/converge.ts'
import { testRoom } from '../../testing/resolve-room.ts'
import { gitCheckoutType } from './git-checkout.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'larder-checkout-'))
})
afterEach(() => {
  rmSync(root, { recursive: true, force: true })
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

type Checkout = ReturnType<typeof gitCheckoutType.schema.parse>

/** Two checkouts of one repository. */
function oddAndFine(): [odd: Checkout, fine: Checkout] {
  mkdirSync(join(root, 'origin'))
  git('init', '-q', '-b', 'main')
  writeFileSync(join(root, 'origin/a'), 'one\n')
  git('add', 'a')
  git('commit', '-q', '-m', 'one')
  const repository = `file://${root}/origin`
  const revision = git('rev-parse', 'HEAD')
  const parsed = (folder: string) =>
    gitCheckoutType.schema.parse({ 'git-checkout': join(root, folder), repository, revision })
  const both: [Checkout, Checkout] = [parsed('odd'), parsed('fine')]
  tinyEngine(gitCheckoutType).apply(both)
  return both
}

it.each([
  '.git/index',
  '.git/HEAD',
  '.git/refs/tags/deep/one',
  '.git/objects/info/alternates',
  '.gitattributes',
  '.gitmodules',
])('a pipe as %s of a checkout holds nobody up, and goes with the next run', (name) => {
  const [odd, fine] = oddAndFine()
  const pipe = join(root, 'odd', name)
  rmSync(pipe, { force: true })
  mkdirSync(dirname(pipe), { recursive: true })
  execFileSync('mkfifo', [pipe])
  // Its attributes are asked for.
  utimesSync(join(root, 'odd/a'), 1_000_000, 1_000_000)
  const [differences, others] = tinyEngine(gitCheckoutType).plan([odd, fine])
  expect(differences).toMatchObject([{ what: 'commit' }, { what: 'files', from: 'changed by somebody' }])
  expect(others).toEqual([])
  const change = { facts: undefined, differences: [], host: debianHost }
  expect(runScript(lines(sh`set -eu`, gitCheckoutType.apply(odd, change)))).toMatchObject({ code: 0 })
  expect(existsSync(pipe) && statSync(pipe).isFIFO()).toBe(false)
  expect(tinyEngine(gitCheckoutType).plan([odd])).toEqual([[]])
})

it('a checkout goes on where others have a folder in it that they let nobody look into', () => {
  const [odd] = oddAndFine()
  writeFileSync(join(root, 'odd/a'), 'changed\n')
  const forbidden = sh`find() { command find "$@" || return; [ "$1" != . ] || { echo "find: './tmp': Permission denied" >&2; return 1; }; }`
  const change = { facts: undefined, differences: [], host: debianHost }
  expect(runScript(lines(sh`set -eu`, forbidden, gitCheckoutType.apply(odd, change)))).toMatchObject({
    code: 0,
    stderr: '',
  })
  expect(readFileSync(join(root, 'odd/a'), 'utf8')).toBe('one\n')
})

it('a checkout that git never comes to an end with costs that one alone, and says so', () => {
  const [odd, fine] = oddAndFine()
  const pipe = join(root, 'pipe')
  execFileSync('mkfifo', [pipe])
  appendFileSync(join(root, 'odd/.git/config'), `[include]\n\tpath = ${pipe}\n`)
  // The first of them has a second, the other one as long as it takes.
  const asked = join(root, 'asked')
  const date = sh`date() { echo >>${asked}; if [ "$(wc -l <${asked})" -eq 2 ]; then echo 1039; else echo 1000; fi; }`
  const said = runScript(lines(date, gitCheckoutType.facts!([odd, fine]))).stdout
  const late = { known: false, why: expect.stringContaining('did not end within 40 s') }
  expect(gitCheckoutType.read(said, [odd, fine], [])).toMatchObject([late, { known: true }])
  const change = { facts: undefined, differences: [], host: debianHost }
  // A minute is over sooner.
  const soon = sh`timeout() { shift 3; command timeout -k 1 1 "$@"; }`
  const ended = runScript(lines(sh`set -eu`, soon, gitCheckoutType.apply(odd, change)))
  expect(ended).toMatchObject({ code: 124, stderr: expect.stringContaining('does not come to an end') })
})

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
