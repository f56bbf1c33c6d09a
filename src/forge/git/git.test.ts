import { execFileSync } from 'node:child_process'
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { prepareBareRepository } from './bare-repository.ts'
import { openCommit } from './commit-files.ts'
import { fetchRefs } from './remote.ts'
import { isAncestor, listBranches, resolveRef, resolveRefs } from './repository.ts'
import { runGit } from './run-git.ts'

let folder: string
let bare: string
let first: string
let second: string

function git(cwd: string, ...args: string[]): string {
  const names = ['GIT_AUTHOR_NAME', 'GIT_COMMITTER_NAME', 'GIT_AUTHOR_EMAIL', 'GIT_COMMITTER_EMAIL']
  const env = {
    PATH: process.env['PATH'],
    HOME: folder,
    ...Object.fromEntries(names.map((name) => [name, 'a@example.org'])),
  }
  return execFileSync('git', args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-forge-test-'))
  const work = join(folder, 'work')
  await mkdir(join(work, 'lists', 'deep'), { recursive: true })
  git(work, 'init', '-q', '-b', 'main')
  await writeFile(join(work, 'larder.yaml'), 'site: campus\n')
  await writeFile(join(work, 'lists', 'base.json'), '["nmap"]')
  await writeFile(join(work, 'lists', 'deep', 'ümlaut "quoted"\nname'), 'x')
  await writeFile(join(work, 'empty'), '')
  await writeFile(join(work, 'big'), Buffer.alloc(3_000_000, 'ab\n'))
  await symlink('/etc/passwd', join(work, 'passwd'))
  await symlink('lists', join(work, 'linked'))
  git(work, 'add', '-A')
  git(work, 'commit', '-q', '-m', '1')
  git(work, 'update-index', '--add', '--cacheinfo', `160000,${'1'.repeat(40)},module`)
  git(work, 'commit', '-q', '-m', '2')
  first = git(work, 'rev-parse', 'HEAD~1')
  second = git(work, 'rev-parse', 'HEAD')
  bare = join(folder, 'site.git')
  await prepareBareRepository(bare)
  await fetchRefs(bare, { url: work, name: 'upstream' }, ['refs/heads/main'])
  await runGit(['update-ref', 'refs/heads/main', second], { repository: bare })
  await runGit(['update-ref', 'refs/heads/a/topic', first], { repository: bare })
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('the files of a commit', () => {
  test('are listed and read, several at once', async () => {
    using files = await openCommit(bare, second)
    expect(await files.list('')).toEqual([
      'big',
      'empty',
      'larder.yaml',
      'lists/base.json',
      'lists/deep/ümlaut "quoted"\nname',
    ])
    expect(await files.list('lists')).toEqual(['lists/base.json', 'lists/deep/ümlaut "quoted"\nname'])
    expect(await files.list('list')).toEqual([])
    const contents = await Promise.all(
      ['larder.yaml', 'big', 'empty', 'lists/deep/ümlaut "quoted"\nname', 'larder.yaml'].map((path) =>
        files.read(path),
      ),
    )
    expect(contents.map((content) => content?.length)).toEqual([13, 3_000_000, 0, 1, 13])
    expect(contents[0]?.toString()).toBe('site: campus\n')
    expect(contents[1]?.equals(Buffer.alloc(3_000_000, 'ab\n'))).toBe(true)
  })

  test.each(['nothing', 'lists', 'lists/', '../larder.yaml', '/etc/passwd', 'module', ''])(
    '%j is not there',
    async (path) => {
      using files = await openCommit(bare, second)
      expect(await files.read(path)).toBeUndefined()
    },
  )

  test.each(['passwd', 'linked', 'linked/base.json'])('%s: symbolic links are not followed', async (path) => {
    using files = await openCommit(bare, second)
    await expect(files.read(path)).rejects.toMatchObject({ code: 'GIT_FILE_REFUSED', context: { path } })
  })

  test('over the limits are refused', async () => {
    using files = await openCommit(bare, second, {}, { fileBytes: 1000, files: 100 })
    await expect(files.read('big')).rejects.toMatchObject({ code: 'GIT_FILE_REFUSED' })
    await expect(openCommit(bare, second, {}, { fileBytes: 1000, files: 3 })).rejects.toMatchObject({
      code: 'GIT_FILE_REFUSED',
    })
  })

  test('can be read again after the process behind was ended', async () => {
    const files = await openCommit(bare, second)
    await files.read('larder.yaml')
    files.close()
    expect((await files.read('larder.yaml'))?.length).toBe(13)
    const pending = files.read('big')
    files.close()
    await expect(pending).rejects.toMatchObject({ code: 'CANCELLED' })
  })

  test('of what is no commit', async () => {
    await expect(openCommit(bare, '3'.repeat(40))).rejects.toMatchObject({ code: 'GIT_COMMIT_GONE' })
    await expect(openCommit(bare, 'main')).rejects.toMatchObject({ code: 'GIT_REF_REFUSED' })
    await expect(openCommit(bare, '--output=/x')).rejects.toMatchObject({ code: 'GIT_REF_REFUSED' })
  })
})

describe('refs', () => {
  test('are resolved', async () => {
    expect(await resolveRef(bare, 'refs/heads/main')).toBe(second)
    expect(await resolveRef(bare, first)).toBe(first)
    expect(await resolveRef(bare, 'refs/heads/none')).toBeUndefined()
    expect(await resolveRef(bare, '3'.repeat(40))).toBeUndefined()
    await expect(resolveRef(bare, 'main')).rejects.toMatchObject({ code: 'GIT_REF_REFUSED' })
    await expect(resolveRef(join(folder, 'none'), 'refs/heads/main')).rejects.toMatchObject({ code: 'GIT_FAILED' })
  })

  test('are listed', async () => {
    expect(await listBranches(bare)).toEqual([
      { name: 'a/topic', commit: first },
      { name: 'main', commit: second },
    ])
  })

  test('have a history', async () => {
    expect(await isAncestor(bare, first, second)).toBe(true)
    expect(await isAncestor(bare, second, first)).toBe(false)
  })

  test.each(['ext::sh -c touch% /tmp/x', 'http://example.org/x', '-u', '--upload-pack=x', 'relative'])(
    'are not fetched from %s',
    async (url) => {
      await expect(fetchRefs(bare, { url, name: 'r' }, ['refs/heads/main'])).rejects.toMatchObject({
        code: 'GIT_REF_REFUSED',
      })
    },
  )

  test('are found by one question however many are asked for, loose or packed, and not what is absent', async () => {
    const many = join(folder, 'many.git')
    await prepareBareRepository(many)
    const run = (args: readonly string[], input = '') =>
      execFileSync('git', [`--git-dir=${many}`, ...args], { input, encoding: 'utf8' }).trim()
    const tree = run(['mktree'])
    const identity = ['-c', 'user.name=a', '-c', 'user.email=a@example.org']
    const commit = run([...identity, 'commit-tree', '-m', 'x', tree])
    const refs = Array.from({ length: 40 }, (_, index) => `refs/remotes/forge/pull/${index + 1}/head`)
    run(
      ['update-ref', '--stdin'],
      refs
        .slice(0, 20)
        .map((ref) => `create ${ref} ${commit}\n`)
        .join(''),
    )
    run(['pack-refs', '--all'])
    run(
      ['update-ref', '--stdin'],
      refs
        .slice(20, 30)
        .map((ref) => `create ${ref} ${commit}\n`)
        .join(''),
    )
    for (const asked of [refs.slice(10, 25), refs]) {
      const there = asked.filter((ref) => refs.indexOf(ref) < 30)
      expect(await resolveRefs(many, asked)).toEqual(new Map(there.map((ref) => [ref, commit])))
    }
    expect(await resolveRefs(many, [])).toEqual(new Map())
    const odd = [...refs, 'refs/heads/--x..y']
    await expect(resolveRefs(many, odd)).rejects.toMatchObject({ code: 'GIT_REF_REFUSED' })
  })
})

describe('running git', () => {
  test('that does not end is ended', async () => {
    const pipe = join(folder, 'pipe')
    execFileSync('mkfifo', [pipe])
    const endless = ['hash-object', '--no-filters', '--', pipe]
    await expect(runGit(endless, { timeoutMs: 300 })).rejects.toMatchObject({
      code: 'GIT_FAILED',
      message: expect.stringContaining('did not end within 0.3 s'),
    })
    const abort = AbortSignal.timeout(100)
    await expect(runGit(endless, { signal: abort })).rejects.toMatchObject({ code: 'CANCELLED' })
  })

  test('that says too much', async () => {
    const much = runGit(['cat-file', 'blob', `${second}:big`], { repository: bare, maxOutputBytes: 1000 })
    await expect(much).rejects.toMatchObject({ code: 'GIT_FAILED', message: expect.stringContaining('1000 bytes') })
  })

  test('that fails tells what it said', async () => {
    await expect(runGit(['rev-parse', '--verify', 'none'], { repository: bare })).rejects.toMatchObject({
      code: 'GIT_FAILED',
      message: expect.stringContaining('fatal:'),
    })
  })
})

test('a repository is prepared again at every start, its content kept', async () => {
  await prepareBareRepository(bare)
  expect(await listBranches(bare)).toHaveLength(2)
  expect((await readdir(join(bare, 'hooks'))).sort()).toEqual(['post-receive', 'pre-receive'])
  expect((await stat(join(bare, 'hooks', 'pre-receive'))).mode & 0o111).toBe(0o111)
})

test('settings of a repository: ours count, others stay, and what is as it should be is not written', async () => {
  const own = join(folder, 'settings.git')
  await prepareBareRepository(own)
  const setting = (key: string): string => git(own, 'config', '--get', key)
  expect([setting('receive.fsckObjects'), setting('core.bare')]).toEqual(['true', 'true'])
  const written = await readFile(join(own, 'config'), 'utf8')
  await prepareBareRepository(own)
  expect(await readFile(join(own, 'config'), 'utf8')).toBe(written)
  await appendFile(join(own, 'config'), '[receive]\n\tfsckObjects = false\n[user]\n\tname = Somebody\n')
  await prepareBareRepository(own, { maxPushBytes: 1000 })
  expect([setting('receive.fsckObjects'), setting('user.name'), setting('receive.maxInputSize')]).toEqual([
    'true',
    'Somebody',
    '1000',
  ])
})
