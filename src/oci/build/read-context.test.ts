import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { readContext } from './read-context.ts'

let folder: string
let contextFolder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-context-'))
  contextFolder = join(folder, 'context')
  await mkdir(join(contextFolder, 'sub'), { recursive: true })
  await writeFile(join(contextFolder, 'sub', 'Dockerfile'), 'FROM scratch\n')
  await writeFile(join(folder, 'Dockerfile'), 'FROM secret\n')
  await symlink('../Dockerfile', join(contextFolder, 'link'))
  await symlink('sub', join(contextFolder, 'way'))
  await symlink('..', join(contextFolder, 'up'))
  await symlink('context', join(folder, 'context-link'))
  await writeFile(join(contextFolder, 'large'), '#'.repeat(1_048_577))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

it.each(['sub/Dockerfile', 'way/Dockerfile'])('reads %s', async (dockerfile) => {
  expect((await readContext({ contextFolder, dockerfile })).stages).toHaveLength(1)
})

it.each([
  ['../Dockerfile', 'it is not in the folder that is built'],
  ['sub/../../Dockerfile', 'it is not in the folder that is built'],
  ['/etc/hostname', 'it is not in the folder that is built'],
  ['sub/Dockerfile\0', 'it is not in the folder that is built'],
  ['..', 'it is not in the folder that is built'],
  ['link', 'it is no plain file'],
  ['sub', 'it is no plain file'],
  ['nowhere', 'there is no such file'],
  ['sub/Dockerfile/x', 'there is no such file'],
  ['up/Dockerfile', 'a link on its way leads out of the folder that is built'],
  ['large', 'it is larger than 1 MiB'],
])('refuses %j', async (dockerfile, why) => {
  await expect(readContext({ contextFolder, dockerfile })).rejects.toMatchObject({
    code: 'DOCKERFILE_MISSING',
    message: expect.stringContaining(why) as string,
  })
})

it('refuses a context that is a link, or none', async () => {
  for (const name of ['context-link', 'nowhere', 'Dockerfile']) {
    const asked = readContext({ contextFolder: join(folder, name), dockerfile: 'sub/Dockerfile' })
    await expect(asked).rejects.toMatchObject({ code: 'GIT_FILE_REFUSED' })
  }
})
