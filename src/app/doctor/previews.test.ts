import { execFileSync } from 'node:child_process'
import { chmod, rm, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Digest } from '../../core/index.ts'
import { resolveRef } from '../../forge/index.ts'
import { openTestLarder, type TestLarder } from '../testing/open-test-larder.ts'

let larder: TestLarder
let run: number

beforeEach(async () => {
  larder = await openTestLarder()
  const { siteRepository } = larder.dataFolder
  const base = (await resolveRef(siteRepository, 'refs/heads/main'))!
  await larder.commit({ 'packages.json': '["alpha", "beta"]\n' }, { apply: false })
  const commit = (await resolveRef(siteRepository, 'refs/heads/main'))!
  execFileSync('git', ['--git-dir', siteRepository, 'update-ref', 'refs/heads/main', base])
  const { runs, runner } = larder.larder.context
  const about = { branch: 'topic', commit, goal: 'plan', origin: 'test', pullRequest: 7, baseCommit: base } as const
  run = (await runs.create(about)).id
  runner.wake()
  await larder.settle()
})
afterEach(() => larder[Symbol.asyncDispose]())

async function found(fix = false): Promise<{ message: string; fixed: boolean }[]> {
  const { findings } = await larder.larder.controller.doctor({ fix, deep: false })
  return findings.filter(({ check }) => check === 'previews')
}

/** What doctor says, that it mends it, and that gc works afterwards. */
async function expectMended(text: RegExp): Promise<void> {
  const { controller } = larder.larder
  expect(await found()).toMatchObject([{ message: expect.stringMatching(text), fixed: false }])
  expect(await found(true)).toMatchObject([{ fixed: true }])
  expect(await found()).toEqual([])
  expect(await controller.previews(run)).toEqual([])
  await controller.collectGarbage()
  expect(await controller.verify('base')).toEqual([])
}

it('nothing is wrong with what is right', async () => {
  expect(await larder.larder.controller.previews(run)).toHaveLength(1)
  expect(await found()).toEqual([])
})

it('a package that only a preview has is missing', async () => {
  const { previews, store } = larder.larder.context
  const tree = (await previews.tree(run, 'base'))!.tree
  const beta = [...tree.entries()].find(({ path }) => path.endsWith('beta_1.0_amd64.deb'))!
  await rm(store.localPath(beta.digest))
  await expectMended(/^The preview of base that run 2 made lacks .*beta_1\.0_amd64\.deb: blob sha256:/)
})

it('a list of files that cannot be read, which keeps gc from working', async () => {
  const { context } = larder.larder
  const [preview] = await context.previews.ofRun(run)
  const path = context.store.localPath(preview!.tree satisfies Digest)
  await larder.reopen(async () => {
    await chmod(path, 0o644)
    await writeFile(path, 'larder-tree 1\n')
  })
  await expect(larder.larder.controller.collectGarbage()).rejects.toMatchObject({ code: 'BLOB_DAMAGED' })
  await expectMended(/has a list of files that cannot be read/)
})

it('one that has expired; gc removes it by itself', async () => {
  larder.clockOffsetMs = 8 * 24 * 3600_000
  expect(await found()).toMatchObject([{ message: expect.stringContaining('has expired and is still there') }])
  await larder.larder.controller.collectGarbage()
  expect(await found()).toEqual([])
})
