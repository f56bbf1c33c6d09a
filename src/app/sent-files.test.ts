import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openFolder } from './folder-files.ts'
import { openSentFiles, packFiles } from './sent-files.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-sent-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function write(path: string, content: string | Buffer): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true })
  await writeFile(join(folder, path), content)
}

test('what arrives is what the folder has: bytes, modes, links', async () => {
  await write('larder.yaml', 'site: x\n')
  await write('images/web/Containerfile', 'FROM scratch\n')
  await write('images/web/run.sh', '#!/bin/sh\n')
  await write('images/webbed', Buffer.from([0, 255, 128, 10]))
  await write('.git/config', 'no part of it')
  await chmod(join(folder, 'images/web/run.sh'), 0o755)
  await symlink('run.sh', join(folder, 'images/web/link'))
  await symlink('images', join(folder, 'all'))
  const here = await openFolder(folder)
  const there = openSentFiles(JSON.parse(JSON.stringify(await packFiles(here))) as Parameters<typeof openSentFiles>[0])
  for (const below of ['', 'images', 'images/web', 'images/web/', 'none']) {
    expect(await there.entries(below)).toEqual(await here.entries(below))
    expect(await there.list(below)).toEqual(await here.list(below))
  }
  expect(await there.list('images/web')).toEqual(['images/web/Containerfile', 'images/web/run.sh'])
  for (const path of await here.list('')) expect(await there.read(path)).toEqual(await here.read(path))
  expect(await there.read('none')).toBeUndefined()
  expect(await there.read('images')).toBeUndefined()
  for (const files of [here, there]) {
    for (const path of ['images/web/link', 'all/webbed'])
      await expect(files.read(path)).rejects.toMatchObject({ code: 'GIT_FILE_REFUSED' })
  }
})

test('a folder that is none of a site is not sent', async () => {
  await write('a', Buffer.alloc(20 * 1024 * 1024))
  await write('b', Buffer.alloc(13 * 1024 * 1024))
  await expect(packFiles(await openFolder(folder))).rejects.toMatchObject({ code: 'USAGE' })
})
