import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openSite } from './support/open-site.ts'

it('plan and check show what a folder would change, beside the controller that runs and without it', async () => {
  const packages = ['alpha', 'beta'].map((name) => ({ name, version: '1.0' }))
  await using site = await openSite({ packages })
  await site.publish(['alpha'])
  const folder = site.workspace.path('edited')
  const write = async (list: readonly string[]): Promise<void> => {
    for (const [path, text] of Object.entries(site.files(list))) {
      await mkdir(join(folder, path, '..'), { recursive: true })
      await writeFile(join(folder, path), text)
    }
  }
  await write(['alpha', 'beta'])
  const { controller } = site
  const beside = await controller.larder('plan', folder)
  expect(beside, beside.stderr).toMatchObject({ exitCode: 0 })
  expect(beside.json()).toMatchObject([
    { subject: 'mirror base', action: 'update', detail: { added: [{ name: 'beta' }], removed: [] } },
  ])
  expect(await controller.larder('check', folder)).toMatchObject({ exitCode: 0 })
  await write(['alpha', 'gamma'])
  const wrong = await controller.larder('check', folder)
  expect(wrong.exitCode).toBe(3)
  expect(wrong.json()).toMatchObject({ ok: false, problems: [{ file: 'packages.json', line: 3 }] })
  expect(await controller.client.runs({ limit: 9 })).toHaveLength(1)
  expect((await controller.client.mirror('base')).publication?.generation).toBe(1)

  await write(['alpha', 'beta'])
  await controller.stop()
  const alone = await controller.larder('plan', folder)
  expect(alone, alone.stderr).toMatchObject({ exitCode: 0 })
  expect(alone.json()).toEqual(beside.json())
})
