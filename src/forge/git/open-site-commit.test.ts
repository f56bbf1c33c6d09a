import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { SiteFiles } from '../../core/index.ts'
import { prepareBareRepository } from './bare-repository.ts'
import { parseLfsPointer, withLfs, type BytesSend } from './lfs.ts'
import { createSiteCommitOpener } from './open-site-commit.ts'
import { dropSubmoduleRefs } from './submodule-links.ts'
import { collectObjects, dropRefs, fetchRefs, mergeTree } from './remote.ts'
import { resolveRef } from './repository.ts'

let folder: string

const gitIn = (path: string, ...args: string[]): string => {
  const identity = ['-c', 'user.name=a', '-c', 'user.email=a@example.org', '-c', 'protocol.file.allow=always']
  const env = { PATH: process.env['PATH'], HOME: folder }
  return execFileSync('git', [...identity, ...args], {
    cwd: path,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim()
}

async function makeRepository(name: string, files: Record<string, string>): Promise<string> {
  const path = join(folder, name)
  await mkdir(path, { recursive: true })
  gitIn(path, 'init', '-q', '-b', 'main')
  gitIn(path, 'config', 'uploadpack.allowFilter', 'true')
  await commitTo(path, files)
  return path
}

async function commitTo(path: string, files: Record<string, string>): Promise<string> {
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, file)), { recursive: true })
    await writeFile(join(path, file), text)
  }
  gitIn(path, 'add', '-A')
  gitIn(path, 'commit', '-q', '-m', 'change')
  return gitIn(path, 'rev-parse', 'HEAD')
}

async function bareRepository(name: string): Promise<string> {
  const path = join(folder, name)
  await prepareBareRepository(path)
  return path
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-elsewhere-test-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('a blobless fetch leaves contents where they are until they are read', async () => {
  const work = await makeRepository('blobless', { list: 'nmap\n', large: 'x'.repeat(100_000) })
  const base = gitIn(work, 'rev-parse', 'HEAD')
  const head = await commitTo(work, { list: 'nmap\nnginx\n' })
  gitIn(work, 'reset', '-q', '--hard', base)
  const moved = await commitTo(work, { other: 'y' })
  gitIn(work, 'update-ref', 'refs/pull/1/head', head)
  const repository = await bareRepository('blobless.git')
  const remote = { url: `file://${work}`, name: 'forge', isBlobless: true }
  await fetchRefs(repository, remote, ['refs/heads/main', 'refs/pull/1/head'])
  const missing = (): number =>
    gitIn(repository, 'rev-list', '--objects', '--missing=print', '--all').match(/^\?/gm)?.length ?? 0
  const before = missing()
  expect(before).toBeGreaterThan(2)
  const open = createSiteCommitOpener({ repository, remote, lfs: undefined, submodules: false })
  const files = await open(moved)
  expect(String(await files.read('list'))).toBe('nmap\n')
  expect(await files.list('')).toEqual(['large', 'list', 'other'])
  files.close()
  expect(missing()).toBe(before - 1)
  const merged = await mergeTree(repository, moved, head)
  if (!('tree' in merged)) throw new Error('it should merge')
  const both = await open(merged.tree)
  expect(String(await both.read('list'))).toBe('nmap\nnginx\n')
  both.close()
})

test('refs of pull requests that are over go, and what only they had', async () => {
  const work = await makeRepository('dropped', { list: 'a' })
  gitIn(work, 'update-ref', 'refs/pull/7/head', 'HEAD')
  const repository = await bareRepository('dropped.git')
  const remote = { url: `file://${work}`, name: 'forge' }
  await fetchRefs(repository, remote, ['refs/heads/main', 'refs/pull/7/head'])
  await dropRefs(repository, remote, ['refs/pull/7/head', 'refs/pull/8/head'])
  expect(await resolveRef(repository, 'refs/remotes/forge/pull/7/head')).toBeUndefined()
  await collectObjects(repository)
  expect(await resolveRef(repository, 'refs/remotes/forge/heads/main')).toBe(gitIn(work, 'rev-parse', 'HEAD'))
})

describe('submodules', () => {
  const openWith = async (name: string, prepare: (work: string) => Promise<void>) => {
    const work = await makeRepository(`${name}/site`, { 'larder.yaml': 'site: x\n' })
    await prepare(work)
    const commit = gitIn(work, 'rev-parse', 'HEAD')
    const repository = await bareRepository(`${name}.git`)
    const remote = { url: `file://${work}`, name: 'forge' }
    await fetchRefs(repository, remote, ['refs/heads/main'])
    return createSiteCommitOpener({ repository, remote, lfs: undefined, submodules: true })(commit)
  }
  const link = async (work: string, url: string, commit: string): Promise<void> => {
    await writeFile(join(work, '.gitmodules'), `[submodule "lists"]\n\tpath = lists\n\turl = ${url}\n`)
    gitIn(work, 'add', '.gitmodules')
    gitIn(work, 'update-index', '--add', '--cacheinfo', `160000,${commit},lists`)
    gitIn(work, 'commit', '-q', '-m', 'submodule')
  }

  test('beside the site are read below their path', async () => {
    const files = await openWith('beside', async (work) => {
      const lists = await makeRepository('beside/lists', { 'base.json': '["nmap"]', 'deep/x': 'y' })
      const old = gitIn(lists, 'rev-parse', 'HEAD')
      await commitTo(lists, { 'base.json': '["nginx"]' })
      await link(work, '../lists', old)
    })
    expect(await files.list('')).toEqual(['.gitmodules', 'larder.yaml', 'lists/base.json', 'lists/deep/x'])
    expect(await files.list('lists/deep')).toEqual(['lists/deep/x'])
    expect(String(await files.read('lists/base.json'))).toBe('["nmap"]')
    expect(await files.read('lists/none')).toBeUndefined()
    files.close()
  })

  test('commits of those that no branch or pull request has any more are forgotten', async () => {
    const deep = await makeRepository('kept/deep', { x: 'deep' })
    const lists = await makeRepository('kept/lists', { x: 'old' })
    await link(lists, '../deep', gitIn(deep, 'rev-parse', 'HEAD'))
    const ofMain = gitIn(lists, 'rev-parse', 'HEAD')
    const ofPull = await commitTo(lists, { x: 'new' })
    const work = await makeRepository('kept/site', { 'larder.yaml': 'site: x\n' })
    await link(work, '../lists', ofMain)
    const main = gitIn(work, 'rev-parse', 'HEAD')
    await link(work, '../lists', ofPull)
    const pull = gitIn(work, 'rev-parse', 'HEAD')
    gitIn(work, 'update-ref', 'refs/pull/7/head', pull)
    gitIn(work, 'reset', '-q', '--hard', main)
    const repository = await bareRepository('kept.git')
    const remote = { url: `file://${work}`, name: 'forge' }
    await fetchRefs(repository, remote, ['refs/heads/main', 'refs/pull/7/head'])
    const open = createSiteCommitOpener({ repository, remote, lfs: undefined, submodules: true })
    expect(String(await (await open(main)).read('lists/lists/x'))).toBe('deep')
    expect(String(await (await open(pull)).read('lists/x'))).toBe('new')
    const kept = (): string[] => gitIn(repository, 'for-each-ref', '--format=%(refname)', 'refs/submodules').split('\n')
    expect(kept()).toHaveLength(3)
    expect(await dropSubmoduleRefs(repository)).toBe(0)
    await dropRefs(repository, remote, ['refs/pull/7/head'])
    expect(await dropSubmoduleRefs(repository)).toBe(1)
    const left = [ofMain, gitIn(deep, 'rev-parse', 'HEAD')].map((id) => `refs/submodules/${id}`)
    expect(kept()).toEqual(left.sort())
    // What is asked for once more is fetched once more.
    expect(String(await (await open(pull)).read('lists/x'))).toBe('new')
  })

  test('a server that is away passes; a repository that is not there does not', async () => {
    const away = openWith('away', async (work) => {
      const lists = await makeRepository('away/lists', { x: 'y' })
      await link(work, '../lists', '1'.repeat(40))
      await rm(lists, { recursive: true })
    })
    await expect(away).rejects.toMatchObject({ code: 'GIT_SUBMODULE_REFUSED' })
    const repository = await bareRepository('closed.git')
    const work = await makeRepository('closed/site', { 'larder.yaml': 'site: x\n' })
    await link(work, '../lists.git', '1'.repeat(40))
    await fetchRefs(repository, { url: `file://${work}`, name: 'forge' }, ['refs/heads/main'])
    // Nobody listens there.
    const remote = { url: 'http://127.0.0.1:9/site.git', name: 'forge' }
    const open = createSiteCommitOpener({ repository, remote, lfs: undefined, submodules: true })
    await expect(open(gitIn(work, 'rev-parse', 'HEAD'))).rejects.toMatchObject({ code: 'FORGE_UNREACHABLE' })
  })

  test('a symbolic link in one is not followed either', async () => {
    const files = await openWith('linked', async (work) => {
      const lists = await makeRepository('linked/lists', { x: 'y' })
      await symlink('/etc/passwd', join(lists, 'passwd'))
      await link(work, '../lists', await commitTo(lists, {}))
    })
    await expect(files.read('lists/passwd')).rejects.toMatchObject({ code: 'GIT_FILE_REFUSED' })
  })

  test.each([
    ['elsewhere', 'https://attacker.example.org/x.git'],
    ['above', '../../../../../etc'],
    ['command', 'ext::sh -c id'],
    ['dash', '-uid'],
    ['absolute', 'file:///etc'],
  ])('%s: %s is refused', async (name, url) => {
    const opening = openWith(`refused-${name}`, (work) => link(work, url, '1'.repeat(40)))
    await expect(opening).rejects.toMatchObject({ code: 'GIT_SUBMODULE_REFUSED' })
  })
})

describe('Git LFS', () => {
  const content = Buffer.from('["nmap"]\n')
  const oid = createHash('sha256').update(content).digest('hex')
  const pointer = (size = content.length, id = oid) =>
    Buffer.from(`version https://git-lfs.github.com/spec/v1\noid sha256:${id}\nsize ${size}\n`)
  const server =
    (answer: object, bytes = content): BytesSend =>
    (asked) =>
      Promise.resolve(
        asked.method === 'POST'
          ? { status: 200, bytes: Buffer.from(JSON.stringify(answer)) }
          : { status: asked.headers['x-key'] === 'k' ? 200 : 403, bytes },
      )
  const download = { href: 'https://files.example.org/1', header: { 'x-key': 'k' } }
  const found = { objects: [{ oid, actions: { download } }] }
  const filesWith = (bytes: Buffer): SiteFiles => ({
    read: () => Promise.resolve(bytes),
    list: () => Promise.resolve([]),
    entries: () => Promise.resolve([]),
  })
  const readWith = (send: BytesSend, bytes = pointer()) =>
    withLfs(filesWith(bytes), {
      url: 'https://git.example.org/campus/site',
      login: () => Promise.resolve({ user: 'u', password: 'p' }),
      send,
    }).read('list.json')

  test('a pointer is read as the file that it stands for', async () => {
    const asked: Parameters<BytesSend>[0][] = []
    const got = await readWith((request, limits) => {
      asked.push(request)
      return server(found)(request, limits)
    })
    expect(got).toEqual(content)
    expect(asked.map(({ url }) => url)).toEqual([
      'https://git.example.org/campus/site.git/info/lfs/objects/batch',
      'https://files.example.org/1',
    ])
    // What signs in at the forge is not told to where the files are.
    expect(asked.map(({ headers }) => headers['authorization'])).toEqual(['Basic dTpw', undefined])
  })

  test.each([
    ['other bytes', server(found, Buffer.from('["nmaq"]\n')), pointer()],
    ['too few bytes', server(found, Buffer.from('[')), pointer()],
    ['a file that is not there', server({ objects: [{ oid, error: { code: 404, message: 'Not found' } }] }), pointer()],
    ['no answer that is one', server({}), pointer()],
    [
      'an address that is none of the web',
      server({ objects: [{ oid, actions: { download: { href: 'file:///etc/passwd' } } }] }),
      pointer(),
    ],
  ])('%s: refused', async (_name, send, bytes) => {
    await expect(readWith(send, bytes)).rejects.toMatchObject({ code: 'GIT_LFS_FAILED' })
  })

  test('a repository that is not reached over HTTP', async () => {
    const never: BytesSend = () => Promise.reject(new Error('nobody should ask'))
    for (const url of ['ssh://git@git.example.org/site.git', 'file:///srv/site.git', '/srv/site.git']) {
      const reading = withLfs(filesWith(pointer()), { url, send: never }).read('list.json')
      await expect(reading).rejects.toMatchObject({ code: 'GIT_LFS_FAILED' })
    }
  })

  test('a file that is too large is not fetched', async () => {
    const never: BytesSend = () => Promise.reject(new Error('nobody should ask'))
    await expect(readWith(never, pointer(17 * 1024 * 1024))).rejects.toMatchObject({ code: 'GIT_FILE_REFUSED' })
  })

  test.each(['', 'version https://git-lfs.github.com/spec/v1\n', `oid sha256:${oid}\nsize 1\n`, 'x'.repeat(2000)])(
    '%j is no pointer',
    (text) => {
      expect(parseLfsPointer(Buffer.from(text))).toBeUndefined()
    },
  )
})
