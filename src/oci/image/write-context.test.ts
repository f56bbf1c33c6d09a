import { lstat, mkdtemp, readFile, readlink, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { SiteEntry, SiteFiles } from '../../core/index.ts'
import { memoryFiles } from '../../core/testing/memory-files.ts'
import { readInputs } from './image-inputs.ts'
import { declaredImage, imageSchema } from './image-schema.ts'
import { writeContext } from './write-context.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-context-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const image = declaredImage(imageSchema.parse({ service_name: 'counter', type: 'Docker', version: '1' }))
const time = new Date('2026-11-01T10:00:00Z')
const write = (files: SiteFiles) => writeContext(files, image, { folder, time, signal: new AbortController().signal })

function withEntries(added: SiteEntry[]): SiteFiles {
  const files = memoryFiles({ 'counter/a': 'a' })
  return { ...files, entries: async (below) => [...(await files.entries(below)), ...added] }
}

test('files of the context are there as the commit has them, dated, and no others', async () => {
  const files = { 'counter/Dockerfile': 'FROM scratch', 'counter/bin/run.sh': '#!/bin/sh', 'secret.yaml': 'x' }
  await write(memoryFiles(files))
  expect(await readFile(join(folder, 'Dockerfile'), 'utf8')).toBe('FROM scratch')
  const { mode, mtime } = await stat(join(folder, 'bin/run.sh'))
  expect(mode & 0o777).toBe(0o755)
  expect(mtime).toEqual(time)
  expect((await stat(join(folder, 'Dockerfile'))).mode & 0o777).toBe(0o644)
  await expect(stat(join(folder, 'secret.yaml'))).rejects.toThrow()
})

test('a link within the context stays a link', async () => {
  await write(withEntries([{ path: 'counter/link', kind: 'link', identity: '1', target: 'a' }]))
  expect((await lstat(join(folder, 'link'))).isSymbolicLink()).toBe(true)
  expect(await readlink(join(folder, 'link'))).toBe('a')
})

test.each(['/etc/passwd', '../outside', 'x/../../outside', '../counter2/a'])(
  'a link to %s, which leads out, is refused',
  async (target) => {
    const link: SiteEntry = { path: 'counter/link', kind: 'link', identity: '1', target }
    const files = withEntries([link])
    await expect(write(files)).rejects.toMatchObject({ code: 'GIT_FILE_REFUSED' })
    await expect(readInputs(files, image)).rejects.toMatchObject({ code: 'GIT_FILE_REFUSED' })
  },
)

test.each(['counter/../../outside', 'counter//a', 'counter/./a'])('the path %s is refused', async (path) => {
  const entry: SiteEntry = { path, kind: 'file', identity: '1' }
  await expect(write(withEntries([entry]))).rejects.toMatchObject({ code: 'GIT_FILE_REFUSED' })
})
