import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { prepareBareRepository } from './bare-repository.ts'
import { openCommit } from './commit-files.ts'
import { fetchRefs, listRemoteRefs, localRef, mergeTree } from './remote.ts'
import { resolveRef } from './repository.ts'

let folder: string
let work: string
let bare: string
const remote = () => ({ url: `file://${work}`, name: 'forge' })

function git(...args: string[]): string {
  const identity = { GIT_AUTHOR_NAME: 'a', GIT_COMMITTER_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@example.org' }
  const env = { PATH: process.env['PATH'], HOME: folder, GIT_COMMITTER_EMAIL: 'a@example.org', ...identity }
  return execFileSync('git', args, { cwd: work, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
}

async function commit(files: Record<string, string>): Promise<string> {
  for (const [path, text] of Object.entries(files)) await writeFile(join(work, path), text)
  git('add', '-A')
  git('commit', '-q', '-m', 'change')
  return git('rev-parse', 'HEAD')
}

let base: string
let moved: string
let proposed: string
let clashing: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-remote-test-'))
  work = join(folder, 'work')
  await mkdir(work)
  git('init', '-q', '-b', 'main')
  base = await commit({ 'larder.yaml': 'site: campus\n', list: 'one\ntwo\nthree\nfour\nfive\n' })
  git('checkout', '-q', '-b', 'topic')
  proposed = await commit({ list: 'one\ntwo\nthree\nfour\nfive\nsix\n' })
  git('checkout', '-q', '-b', 'clash', base)
  clashing = await commit({ list: 'ONE\ntwo\nthree\nfour\nfive\n' })
  git('checkout', '-q', 'main')
  moved = await commit({ list: 'zero\ntwo\nthree\nfour\nfive\n', other: 'x' })
  git('update-ref', 'refs/pull/7/head', proposed)
  git('update-ref', 'refs/pull/8/head', clashing)
  git('branch', '-D', 'topic')
  bare = join(folder, 'site.git')
  await prepareBareRepository(bare)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('refs are listed by pattern, without a fetch', async () => {
  expect(await listRemoteRefs(remote(), ['refs/heads/*'])).toEqual([
    { ref: 'refs/heads/clash', commit: clashing },
    { ref: 'refs/heads/main', commit: moved },
  ])
  expect(await listRemoteRefs(remote(), ['refs/pull/*/head'])).toHaveLength(2)
  expect(await resolveRef(bare, moved)).toBeUndefined()
})

test('several refs come in one exchange, and what is gone is left out', async () => {
  const refs = ['refs/heads/main', 'refs/pull/7/head', 'refs/pull/8/head', 'refs/heads/gone']
  const found = await fetchRefs(bare, remote(), refs)
  expect(Object.fromEntries(found)).toEqual({
    'refs/heads/main': moved,
    'refs/pull/7/head': proposed,
    'refs/pull/8/head': clashing,
  })
  expect(await resolveRef(bare, localRef(remote(), 'refs/pull/7/head'))).toBe(proposed)
  expect(await fetchRefs(bare, remote(), ['refs/heads/gone'])).toEqual(new Map())
})

test.each(['refs/heads/-x', 'refs/heads/../x', 'refs/heads/a b', '--upload-pack=id', 'refs/heads/\u0001'])(
  'the ref %j',
  async (ref) => {
    const before = await listRemoteRefs(remote(), ['refs/heads/*'])
    if (ref === 'refs/heads/-x') expect(await fetchRefs(bare, remote(), [ref])).toEqual(new Map())
    else await expect(fetchRefs(bare, remote(), [ref])).rejects.toMatchObject({ code: 'GIT_REF_REFUSED' })
    expect(await listRemoteRefs(remote(), ['refs/heads/*'])).toEqual(before)
  },
)

test.each(['ext::sh -c id', '-uid', 'http://example.org/x.git', 'git://example.org/x', 'relative'])(
  'the address %j is refused',
  async (url) => {
    await expect(listRemoteRefs({ url }, [])).rejects.toMatchObject({ code: 'GIT_REF_REFUSED' })
    await expect(fetchRefs(bare, { url, name: 'forge' }, ['refs/heads/main'])).rejects.toMatchObject({
      code: 'GIT_REF_REFUSED',
    })
  },
)

describe('a merge', () => {
  test('has what both sides changed, and touches no branch', async () => {
    const merged = await mergeTree(bare, moved, proposed)
    if (!('tree' in merged)) throw new Error('it should merge')
    using files = await openCommit(bare, merged.tree)
    expect(String(await files.read('list'))).toBe('zero\ntwo\nthree\nfour\nfive\nsix\n')
    expect(await files.list('')).toEqual(['larder.yaml', 'list', 'other'])
  })

  test('tells of the paths that both sides changed', async () => {
    expect(await mergeTree(bare, moved, clashing)).toEqual({ conflicts: ['list'] })
  })

  test('without a common history is a conflict', async () => {
    git('checkout', '-q', '--orphan', 'alien')
    const alien = await commit({ list: 'x' })
    await fetchRefs(bare, remote(), ['refs/heads/alien'])
    expect(await mergeTree(bare, moved, alien)).toEqual({ conflicts: [] })
  })
})

test('a server that leads elsewhere is not followed: whoever is there would be told the login', async () => {
  const asked: string[] = []
  const elsewhere = createServer((request, response) => {
    asked.push(request.url ?? '')
    response.writeHead(404).end()
  })
  const forge = createServer((request, response) => {
    const { port } = elsewhere.address() as AddressInfo
    response.writeHead(302, { location: `http://127.0.0.1:${port}${request.url ?? ''}` }).end()
  })
  await Promise.all([elsewhere, forge].map(async (server) => once(server.listen(0, '127.0.0.1'), 'listening')))
  try {
    const { port } = forge.address() as AddressInfo
    const login = () => Promise.resolve({ user: 'u', password: 'p' })
    const remote = { url: `http://127.0.0.1:${port}/site.git`, name: 'forge', login }
    await expect(listRemoteRefs(remote, [])).rejects.toMatchObject({ code: 'GIT_FAILED' })
    await expect(fetchRefs(bare, remote, ['refs/heads/main'])).rejects.toMatchObject({ code: 'GIT_FAILED' })
    expect(asked).toEqual([])
  } finally {
    for (const server of [elsewhere, forge]) server.close()
  }
})
