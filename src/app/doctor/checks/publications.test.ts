import { chmod, rm, writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import type { Digest } from '../../../core/index.ts'
import { dayMs, expectMended, found, hourMs, useTestLarder } from '../../testing/doctored-larder.ts'

const start = useTestLarder()

describe('publications', () => {
  it('a validity that runs out is renewed', async () => {
    const larder = await start({ mirror: 'validDays: 2' })
    expect(await found(larder, 'publications')).toEqual([])
    larder.clockOffsetMs = 26 * hourMs
    expect((await found(larder, 'publications'))[0]).toMatchObject({ severity: 'warning' })
    larder.clockOffsetMs = 3 * dayMs
    await expectMended(larder, 'publications', [/clients refuse it/])
  })

  it('blobs that are missing come back by a run', async () => {
    const larder = await start()
    const [alpha] = await larder.larder.controller.packages('base')
    await rm(larder.larder.context.store.localPath(alpha!.digest as Digest))
    await expectMended(larder, 'publications', [/alpha_1\.0_amd64\.deb.* is missing/])
    expect(await larder.larder.controller.verify('base')).toEqual([])
  })

  it('a list of files that cannot be read, after a restart too', async () => {
    const larder = await start()
    const { publisher, store } = larder.larder.context
    const current = await publisher.current('base')
    const path = store.localPath(current!.tree)
    await larder.reopen(async () => {
      await chmod(path, 0o644)
      await writeFile(path, 'larder-tree 1\n')
    })
    expect(await found(larder, 'publications', { fix: true })).toMatchObject([{ severity: 'error', fixed: true }])
    await larder.settle()
    await larder.reopen()
    expect(await larder.larder.controller.verify('base')).toEqual([])
    // The generation that it was is of no use, and keeps gc from working.
    await expectMended(larder, 'publications', [/generation 1 of base/])
    await expect(larder.larder.controller.collectGarbage()).resolves.toMatchObject({ kept: expect.any(Number) })
  })
})
