import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ArchiveEntry } from '../../testing/archive.ts'
import { makeTree } from '../../testing/make-tree.ts'
import { ContentSpool } from '../source/content-spool.ts'
import type { ImageConfig } from '../source/layout.ts'
import type { RootTree } from '../source/root-tree.ts'
import { addApplication } from './application.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-application-'))
})
afterEach(() => rm(folder, { recursive: true }))

const baseEntries: ArchiveEntry[] = [
  { name: 'usr/lib/systemd/systemd', mode: 0o755, content: 'x' },
  { name: 'etc/passwd', content: 'root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1::/:/x\n' },
  { name: 'etc/group', content: 'root:x:0:\ndaemon:x:1:\n' },
]
const applicationEntries: ArchiveEntry[] = [
  { name: 'usr/bin/node', mode: 0o755, content: 'x' },
  { name: 'etc/passwd', content: 'web:x:900:901::/srv/web:/bin/sh\n' },
  { name: 'etc/group', content: 'web:x:901:\nlogs:x:77:\n' },
]
const plain: ImageConfig = {
  architecture: 'amd64',
  os: 'linux',
  entrypoint: [],
  command: ['/bin/run'],
  environment: [],
  workingFolder: '/',
  user: '',
}

async function add(config: Partial<ImageConfig>, base = baseEntries): Promise<RootTree> {
  const tree = await makeTree(await mkdtemp(join(folder, 'base-')), base)
  const application = {
    tree: await makeTree(await mkdtemp(join(folder, 'app-')), applicationEntries),
    config: { ...plain, ...config },
  }
  const spool = new ContentSpool(await mkdtemp(join(folder, 'made-')))
  await addApplication(tree, application, { spool, createdAt: new Date(0) })
  return tree
}

async function textOf(tree: RootTree, path: string): Promise<string> {
  const file = tree.find(path)
  return file?.kind === 'file' ? await readFile(file.contentPath, 'utf8') : `no file ${path}`
}

const unit = '/etc/systemd/system/larder-image.service'

describe('addApplication', () => {
  it('puts the image below the base, and a unit that is wanted', async () => {
    const tree = await add({})
    expect(tree.find('/srv/image/usr/bin/node')?.kind).toBe('file')
    expect(tree.find('/etc/systemd/system/multi-user.target.wants/larder-image.service')).toBe(tree.find(unit))
    expect(await textOf(tree, '/etc/passwd')).toBe('root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1::/:/x\n')
  })

  it.each<[string, Partial<ImageConfig>, string[]]>([
    ['the entry point before the command', { entrypoint: ['/a'], command: ['b', 'c'] }, ['ExecStart="/a" "b" "c"']],
    [
      'a name on the PATH',
      { command: ['node', 'x'], environment: ['PATH=/nowhere:/usr/bin'] },
      ['ExecStart="/usr/bin/node" "x"'],
    ],
    ['a name on the usual PATH', { command: ['node'] }, ['ExecStart="/usr/bin/node"']],
    ['a name below the working folder', { command: ['./run'], workingFolder: '/app/' }, ['ExecStart="/app/./run"']],
    [
      'signs that mean something to systemd',
      { command: ['/a', '100% "$HOME" \\ \n'], environment: ['A=50% $B'], workingFolder: '/a%b' },
      ['ExecStart="/a" "100%% \\"$$HOME\\" \\\\ \\n"', 'Environment="A=50%% $B"', 'WorkingDirectory=/a%%b'],
    ],
    ['a user by name', { user: 'web' }, ['User=900', 'Group=901']],
    ['a user by number', { user: '900' }, ['User=900', 'Group=901']],
    ['a user and a group', { user: 'web:logs' }, ['User=900', 'Group=77']],
    ['numbers that nobody has', { user: '5:6' }, ['User=5', 'Group=6']],
    ['nobody', { user: '' }, ['User=0', 'Group=0']],
  ])('runs %s', async (_, config, lines) => {
    const text = await textOf(await add(config), unit)
    for (const line of lines) expect(text.split('\n')).toContain(line)
  })

  it('makes the base know whom it runs as', async () => {
    const tree = await add({ user: 'web:logs' })
    expect(await textOf(tree, '/etc/passwd')).toMatch(/^larder-image:x:900:77::\/srv\/web:\/usr\/sbin\/nologin\n$/m)
    expect(await textOf(tree, '/etc/group')).toMatch(/^larder-image:x:77:\n$/m)
  })

  it.each<[string, Partial<ImageConfig>, string]>([
    ['no command', { command: [] }, 'no ENTRYPOINT'],
    ['a command that is not there', { command: ['nodejs'] }, 'no nodejs on the PATH'],
    ['an unknown user', { user: 'who' }, '"who"'],
    ['an unknown group', { user: 'web:who' }, '"web:who"'],
  ])('refuses %s', async (_, config, why) => {
    await expect(add(config)).rejects.toMatchObject({
      code: 'DISK_IMAGE_UNBOOTABLE',
      message: expect.stringContaining(why) as string,
    })
  })

  it('refuses control characters in a command, and in a folder', async () => {
    await expect(add({ command: ['/a', '\u001b[31m'] })).rejects.toMatchObject({ code: 'DISK_IMAGE_SOURCE_INVALID' })
    await expect(add({ workingFolder: '/a\nExecStart=/b' })).rejects.toMatchObject({
      code: 'DISK_IMAGE_SOURCE_INVALID',
    })
  })

  it('refuses a base without systemd', async () => {
    await expect(add({}, [])).rejects.toMatchObject({ code: 'DISK_IMAGE_UNBOOTABLE', context: { missing: ['init'] } })
  })
})
