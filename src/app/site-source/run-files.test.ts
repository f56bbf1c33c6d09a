import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createStandInRepository, type StandInRepository } from '../../forge/testing/stand-in-repository.ts'
import { openRunFiles } from './run-files.ts'

let folder: string
let repository: StandInRepository
let base: string
const [one, other] = ['1'.repeat(40), '2'.repeat(40)]
const gitmodules = '[submodule "lists"]\n\tpath = lists\n\turl = ../lists\n'
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-run-files-'))
  repository = await createStandInRepository(join(folder, 'site.git'))
  base = await repository.commit(undefined, { a: '1', '.gitmodules': gitmodules, lists: { commit: one } }, 'main')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

type Changes = Parameters<StandInRepository['commit']>[1]

async function open(changes: Changes, trust: 'trusted' | 'untrusted', submodules = true): Promise<string | undefined> {
  const commit = await repository.commit(base, changes, 'change')
  let opened: string | undefined
  await openRunFiles(
    { commit, baseCommit: base, pullRequest: 7, trust },
    {
      repository: repository.folder,
      submodules,
      openCommit: (id) => {
        opened = id
        return Promise.resolve(undefined as never)
      },
    },
  )
  return opened
}

test.each<[string, Changes]>([
  ['another commit', { lists: { commit: other } }],
  ['another address', { '.gitmodules': gitmodules.replace('lists\n', 'secret\n') }],
  ['one more', { more: { commit: one } }],
  ['none', { lists: null }],
])('submodules: %s is for a maintainer to vouch for', async (_name, changes) => {
  await expect(open(changes, 'untrusted')).rejects.toMatchObject({ code: 'FORK_NEEDS_APPROVAL' })
  expect(await open(changes, 'trusted')).toMatch(/^[0-9a-f]{40}$/)
  // Where they are not read, nothing is fetched for them.
  expect(await open(changes, 'untrusted', false)).toMatch(/^[0-9a-f]{40}$/)
})

test('other files are for anybody to propose', async () => {
  expect(await open({ a: '2', b: '3' }, 'untrusted')).toMatch(/^[0-9a-f]{40}$/)
})
