import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { lines, sh } from '../shell/script.ts'
import { debianHost, tinyEngine } from '../testing/converge.ts'
import { hostileId, makeHostileHome, type HostileHome } from '../testing/hostile-user.ts'
import { testRoom } from '../testing/resolve-room.ts'
import { runScript } from '../testing/run-script.ts'
import type { AnyResourceType } from './resource-type.ts'
import { directoryType } from './types/directory.ts'
import { fileType } from './types/file.ts'
import { gitCheckoutType } from './types/git-checkout.ts'
import { pipPackageType } from './types/pip-package.ts'

const isRoot = process.getuid?.() === 0
let at: HostileHome
beforeEach((context) => {
  if (!isRoot) context.skip('cannot apply: only root can make what belongs to others')
  at = makeHostileHome()
})
afterEach(() => {
  if (isRoot) at.remove()
})

const owned = { owner: hostileId, group: hostileId }
const file = (name: string, more: object = {}) =>
  fileType.resolve(
    fileType.schema.parse({ file: join(at.home, name), content: 'text\n', ...owned, ...more }),
    testRoom(),
  )
const directory = (path: string, more: object = {}) =>
  directoryType.resolve(directoryType.schema.parse({ directory: path, ...more }), testRoom())
const files = tinyEngine(fileType)
const directories = tinyEngine(directoryType)
const modeOf = (path: string): string => (statSync(path).mode & 0o7777).toString(8)

it('a file in the folder of a user is made, changed, given a mode and removed, and leaves nothing beside it', async () => {
  const before = readdirSync(at.home)
  const bytes = await file('a', { content: '\0é', mode: '4750' })
  for (const wanted of [
    await file('a'),
    bytes,
    await file('a', { content: '\0é' }),
    await file('a', { mode: '0600' }),
  ]) {
    files.apply([wanted])
    expect(files.plan([wanted])).toEqual([[]])
    expect(readdirSync(at.home)).toEqual([...before, 'a'])
  }
  files.apply([await file('a', { content: undefined, state: 'absent' })])
  expect(readdirSync(at.home)).toEqual(before)
})

it.each(['home', 'precious'])('what a killed run has left beside a file in %s goes with the next', async (folder) => {
  const path = join(at.home, '..', folder, 'app')
  mkdirSync(join(path, `../.app.larder-aBc123`), { mode: 0o700 })
  writeFileSync(join(path, '../.app.larder-new'), 'half')
  const declared = fileType.schema.parse({ file: path, content: 'x' })
  files.apply([await fileType.resolve(declared, testRoom())])
  expect(readdirSync(join(path, '..')).filter((name) => name.startsWith('.'))).toEqual([])
})

it('a judge of a file in the folder of a user finds it, also as that user', async () => {
  const validate = ['setpriv', '--reuid', hostileId, '--regid', hostileId, '--clear-groups', 'grep', 'x', '%s']
  files.apply([await file('a', { content: 'x', validate })])
  expect(readFileSync(join(at.home, 'a'), 'utf8')).toBe('x')
  const refused = await file('a', { content: 'y', validate })
  expect(() => files.apply([refused])).toThrow('setpriv refuses the new text')
  expect(readFileSync(join(at.home, 'a'), 'utf8')).toBe('x')
})

it('names of 255 bytes are names', async () => {
  for (const name of ['n'.repeat(255), 'ñ'.repeat(127)]) {
    const wanted = await file(name)
    files.apply([wanted])
    expect(files.plan([wanted])).toEqual([[]])
  }
})

it('a link of root’s on the way is followed, also to what is not there yet', async () => {
  const root = join(at.home, '..')
  symlinkSync('./x/../home/', join(root, 'first'))
  symlinkSync(`${root}/first/made/..`, join(root, 'second'))
  mkdirSync(join(root, 'x'))
  const declared = { file: join(root, 'second/sub/a'), content: 'x', ...owned }
  files.apply([await fileType.resolve(fileType.schema.parse(declared), testRoom())])
  expect(readFileSync(join(at.home, 'sub/a'), 'utf8')).toBe('x')
  expect(existsSync(join(at.home, 'made'))).toBe(true)
})

it('a link that leads in a circle ends', async () => {
  const root = join(at.home, '..')
  symlinkSync('b', join(root, 'a'))
  symlinkSync('a', join(root, 'b'))
  const wanted = await directory(join(root, 'a/x'))
  expect(() => directories.apply([wanted])).toThrow('it is not followed')
})

it('a link of a user is followed to what is the user’s, and no further', async () => {
  at.act(sh`mkdir -p releases/1; ln -s releases/1 current; ln -s ${at.precious} out`)
  const inside = await file('current/sub/a')
  files.apply([inside])
  expect(files.plan([inside])).toEqual([[]])
  const state = at.preciousState()
  const outside = await file('out/file')
  expect(() => files.apply([outside])).toThrow(
    `${join(at.home, 'out')} is a link that somebody other than root may have made`,
  )
  // Nor one that is in a folder of root's in which others may act.
  const shared = join(at.home, '../shared')
  mkdirSync(shared)
  chmodSync(shared, 0o1777)
  symlinkSync(at.precious, join(shared, 'out'))
  expect(() => directories.apply([directoryType.schema.parse({ directory: join(shared, 'out/x') })])).toThrow(
    'not followed',
  )
  expect(at.preciousState()).toBe(state)
})

it('a directory at a link is no directory, and what it leads to stays as it is', async () => {
  symlinkSync(at.precious, join(at.home, '../link'))
  const wanted = await directory(join(at.home, '../link'), { mode: '0777' })
  const state = at.preciousState()
  expect(directories.plan([wanted])).toEqual([[{ what: 'state', from: 'link', to: 'directory' }]])
  expect(() => directories.apply([wanted])).toThrow('is a link: it is not followed')
  expect(at.preciousState()).toBe(state)
})

it('a directory loses what it inherits of the one above it', async () => {
  chmodSync(at.precious, 0o2755)
  chownSync(at.precious, 0, Number(hostileId))
  const wanted = await directory(join(at.precious, 'a'), { mode: '0755' })
  directories.apply([wanted])
  expect(directories.plan([wanted])).toEqual([[]])
  expect(modeOf(join(at.precious, 'a'))).toBe('755')
})

it.each<[string, AnyResourceType, object]>([
  ['git-checkout', gitCheckoutType, { repository: 'file:///nowhere', revision: 'main' }],
  ['venv', pipPackageType, { 'pip-package': 'a' }],
])('a %s at a link of a user gives it nothing', (key, type, declared) => {
  at.act(sh`ln -s ${at.precious} app; ln -s ${`${at.precious}/folder`} deep`)
  const state = at.preciousState()
  for (const name of ['app', 'deep/x']) {
    const desired: unknown = type.schema.parse({ [key]: join(at.home, name), user: 'nobody', ...declared })
    const change = { facts: undefined, differences: [], host: debianHost }
    const { code, stderr } = runScript(lines(sh`set -eu`, type.apply(desired, change)))
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('not followed') })
  }
  expect(at.preciousState()).toBe(state)
})
