import { chmod, chown, lstat, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { sh } from '../shell/script.ts'
import { controlFolderFor, ensureControlFolder } from './control-folder.ts'
import { createSshHost } from './ssh-host.ts'

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-control-'))
  path = join(folder, 'c')
})
afterEach(() => rm(folder, { recursive: true }))

const isRoot = process.getuid?.() === 0
const host = () => {
  const files = { identityFile: join(folder, 'none'), knownHostsFile: join(folder, 'none') }
  return createSshHost({ name: 'web-1', address: '127.0.0.1', port: 1, ...files, controlFolder: path })
}

it('is made for its owner alone, and taken as it is afterwards', async () => {
  await ensureControlFolder(path)
  await writeFile(join(path, 'socket'), '')
  await ensureControlFolder(path)
  expect((await lstat(path)).mode & 0o777).toBe(0o700)
  await lstat(join(path, 'socket'))
})

it.each([
  ['a folder that others get into', 'is open to other users', () => openFolder()],
  ['a link to a folder, even of ours', 'is no folder', () => linkToOurs()],
  ['a link that leads nowhere', 'cannot be made', () => symlink(join(folder, 'nowhere'), path)],
  ['a file', 'cannot be made', () => writeFile(path, '')],
])('%s is refused before ssh is run', async (_, why, prepare) => {
  await prepare()
  const refused = { code: 'FLEET_PLACE_UNUSABLE', message: expect.stringContaining(why) as string }
  await expect(host().run(sh`true`, { timeoutMs: 10_000 })).rejects.toMatchObject(refused)
  await expect(host().close()).rejects.toMatchObject({ code: 'FLEET_PLACE_UNUSABLE' })
})

it('nothing is made to close what was never open', async () => {
  await host().close()
  await expect(lstat(path)).rejects.toMatchObject({ code: 'ENOENT' })
})

it.skipIf(!isRoot)('the folder of another user is refused, and used once that is gone', async () => {
  await mkdir(path, { mode: 0o700 })
  await chown(path, 65_534, 65_534)
  const ours = host()
  await expect(ours.run(sh`true`, { timeoutMs: 10_000 })).rejects.toMatchObject({
    code: 'FLEET_PLACE_UNUSABLE',
    message: expect.stringContaining('belongs to the user with id 65534') as string,
    hint: expect.stringContaining(`rm -rf ${path}`) as string,
  })
  await rm(path, { recursive: true })
  await expect(ours.run(sh`true`, { timeoutMs: 10_000 })).rejects.not.toMatchObject({ code: 'FLEET_PLACE_UNUSABLE' })
})

const far = `/srv/${'x'.repeat(200)}`

it('has a short path, and another for each data folder', () => {
  expect(controlFolderFor(far, 1000)).toMatch(new RegExp(`^${tmpdir()}/larder-ssh-[0-9a-f]{12}$`))
  expect(controlFolderFor(`${far}y`, 1000)).not.toBe(controlFolderFor(far, 1000))
})

it.skipIf(!isRoot)('of root it is where nobody else makes anything', () => {
  expect(controlFolderFor(far)).toMatch(/^\/run\/larder-ssh-[0-9a-f]{12}$/)
})

async function openFolder(): Promise<void> {
  await mkdir(path)
  await chmod(path, 0o710)
}

async function linkToOurs(): Promise<void> {
  await mkdir(join(folder, 'ours'), { mode: 0o700 })
  await symlink(join(folder, 'ours'), path)
}
