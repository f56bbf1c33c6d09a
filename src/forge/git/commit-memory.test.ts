import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openCommit } from './commit-files.ts'
import { createCommitMemory } from './commit-memory.ts'
import { resolveRef } from './repository.ts'

const run = promisify(execFile)
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-commit-memory-'))
  await git('init', '--quiet', '--initial-branch=main')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function git(...args: string[]): Promise<string> {
  const identity = ['-c', 'user.name=Test', '-c', 'user.email=test@example.org']
  return (await run('git', [...identity, ...args], { cwd: folder })).stdout.trim()
}

async function commit(files: Record<string, string>): Promise<string> {
  for (const [path, text] of Object.entries(files)) await writeFile(join(folder, path), text)
  await git('add', '.')
  await git('commit', '--quiet', '--message', 'change')
  return git('rev-parse', 'HEAD')
}

it('answers from memory what was read before, even when the repository is gone', async () => {
  const first = await commit({ 'larder.yaml': 'site: one\n', other: 'x' })
  const open = createCommitMemory((commit, environment) => openCommit(join(folder, '.git'), commit, environment))
  const before = await open(first)
  expect(String(await before.read('larder.yaml'))).toBe('site: one\n')
  expect(await before.read('absent')).toBeUndefined()
  expect(await before.list('')).toEqual(['larder.yaml', 'other'])
  before.close()

  await rm(join(folder, '.git'), { recursive: true })
  const again = await open(first)
  expect(String(await again.read('larder.yaml'))).toBe('site: one\n')
  expect(await again.read('absent')).toBeUndefined()
  expect(await again.list('')).toEqual(['larder.yaml', 'other'])
  await expect(again.read('other')).rejects.toMatchObject({ code: 'GIT_FAILED' })
  again.close()
})

it('keeps commits apart, and reads again what it has forgotten', async () => {
  const commits: string[] = []
  for (let index = 0; index < 6; index++) commits.push(await commit({ 'larder.yaml': `site: s${index}\n` }))
  const open = createCommitMemory((commit, environment) => openCommit(join(folder, '.git'), commit, environment))
  for (const round of [1, 2]) {
    for (const [index, id] of commits.entries()) {
      const files = await open(id)
      expect([round, String(await files.read('larder.yaml'))]).toEqual([round, `site: s${index}\n`])
      files.close()
    }
  }
})

it('refuses an unknown commit at once', async () => {
  await commit({ 'larder.yaml': 'site: one\n' })
  await expect(
    createCommitMemory((commit, environment) => openCommit(join(folder, '.git'), commit, environment))('3'.repeat(40)),
  ).rejects.toMatchObject({ code: 'GIT_COMMIT_GONE' })
})

it('finds a ref that is a file of its own, and one that is packed', async () => {
  const repository = join(folder, '.git')
  expect(await resolveRef(repository, 'refs/heads/main')).toBeUndefined()
  const first = await commit({ 'larder.yaml': 'site: one\n' })
  expect(await resolveRef(repository, 'refs/heads/main')).toBe(first)
  await git('pack-refs', '--all')
  expect(await resolveRef(repository, 'refs/heads/main')).toBe(first)
  const second = await commit({ 'larder.yaml': 'site: two\n' })
  expect(await resolveRef(repository, 'refs/heads/main')).toBe(second)
  await git('symbolic-ref', 'refs/heads/alias', 'refs/heads/main')
  expect(await resolveRef(repository, 'refs/heads/alias')).toBe(second)
})
