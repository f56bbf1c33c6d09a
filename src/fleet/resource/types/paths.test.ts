import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { tinyEngine } from '../../testing/converge.ts'
import { testRoom } from '../../testing/resolve-room.ts'
import { directoryType } from './directory.ts'
import { fileType } from './file.ts'
import { linkType } from './link.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'larder-paths-'))
})
afterEach(() => {
  rmSync(root, { recursive: true, force: true })
})
const me = { owner: String(process.getuid?.()), group: String(process.getgid?.()) }
const file = (name: string, more: object) =>
  fileType.resolve(
    fileType.schema.parse({ file: join(root, name), ...me, ...more }),
    testRoom(
      { 'files/a.mustache': 'x {{a}}\n' },
      {
        variables: { a: "<'>" },
        secret: async (name) => (name === 'key' ? '-- of --\nkey\n-- end --' : `value of ${name}`),
      },
    ),
  )
const engine = tinyEngine(fileType)

it('what a file holds that only some may read is not told, since it may have been a secret', async () => {
  engine.apply([await file('.env', { secret: 'db' })])
  const plan = engine.plan([await file('.env', { content: 'nothing\n', mode: '0600' })])
  expect(plan).toEqual([[{ what: 'content', from: '11 bytes', to: 'nothing\n' }]])
})

it('files are made, changed and removed; a second apply has nothing to do', async () => {
  const odd = "b 'q' $HOME"
  const all = await Promise.all([
    file('a', { content: 'hello\n' }),
    file(odd, { content: "quotes ' and $dollars\nüñ\n", mode: '0600' }),
    file('sub/dir/c', { template: 'files/a.mustache' }),
    file('secret', { secret: 'db' }),
    file('empty', { content: '' }),
    file('key', { secret: 'key' }),
  ])
  expect(engine.plan(all)[0]).toEqual([{ what: 'content', to: 'hello\n' }])
  expect(engine.plan(all)[3]).toEqual([{ what: 'content', to: 'the secret', isSecret: true }])
  engine.apply(all)
  expect(engine.plan(all)).toEqual([[], [], [], [], [], []])
  expect(readFileSync(join(root, odd), 'utf8')).toBe("quotes ' and $dollars\nüñ\n")
  expect(statSync(join(root, odd)).mode & 0o7777).toBe(0o600)
  expect(readFileSync(join(root, 'sub/dir/c'), 'utf8')).toBe("x <'>\n")
  expect(statSync(join(root, 'secret')).mode & 0o7777).toBe(0o600)
  expect(readFileSync(join(root, 'secret'), 'utf8')).toBe('value of db')

  // What ssh(1) and others refuse to read without it.
  expect(readFileSync(join(root, 'key'), 'utf8')).toBe('-- of --\nkey\n-- end --\n')

  const changed = await Promise.all([file('a', { content: 'bye\n', mode: '4755' }), file(odd, { state: 'absent' })])
  expect(engine.plan(changed)).toEqual([
    [
      { what: 'content', from: 'hello\n', to: 'bye\n' },
      { what: 'mode', from: '0644', to: '4755' },
    ],
    [{ what: 'state', from: 'file', to: undefined }],
  ])
  engine.apply(changed)
  expect(engine.plan(changed)).toEqual([[], []])
  expect(statSync(join(root, 'a')).mode & 0o7777).toBe(0o4755)
})

it('two files of one content that has changed in one of them are told apart', async () => {
  const all = await Promise.all([file('a', { content: 'same\n' }), file('b', { content: 'same\n' })])
  engine.apply(all)
  writeFileSync(join(root, 'b'), 'other\n')
  expect(engine.plan(all)).toEqual([[], [{ what: 'content', from: 'other\n', to: 'same\n' }]])
})

it('binary and large contents are told as such', async () => {
  writeFileSync(join(root, 'a'), Buffer.from([0, 1, 2, 255]))
  writeFileSync(join(root, 'b'), 'x'.repeat(70_000))
  const all = await Promise.all([file('a', { content: 'text\n' }), file('b', { content: 'text\n' })])
  const [first, second] = engine.plan(all) as unknown as { from?: string }[][]
  expect(first?.[0]?.from).toMatch(/^binary, 4 bytes, sha256 [0-9a-f]{12}…$/)
  expect(second?.[0]?.from).toBe('70000 bytes')
})

it('what is refused by its judge does not come into place', async () => {
  const good = await file('a', { content: 'good\n', validate: 'grep -q good %s' })
  engine.apply([good])
  const bad = await file('a', { content: 'bad\n', validate: ['grep', '-q', 'good', '%s'] })
  expect(() => engine.apply([bad])).toThrow('grep refuses the new text; what was there stays')
  expect(readFileSync(join(root, 'a'), 'utf8')).toBe('good\n')
})

it('a directory in the place of a file is not removed; a link is replaced, not followed', async () => {
  mkdirSync(join(root, 'a'))
  const wanted = await file('a', { content: 'x' })
  expect(engine.plan([wanted])).toEqual([
    [
      { what: 'kind', from: 'directory', to: 'file' },
      { what: 'content', to: 'x' },
    ],
  ])
  expect(() => engine.apply([wanted])).toThrow('is a directory')
  writeFileSync(join(root, 'target'), 'kept')
  symlinkSync('target', join(root, 'b'))
  engine.apply([await file('b', { content: 'x' })])
  expect(readFileSync(join(root, 'target'), 'utf8')).toBe('kept')
  expect(readFileSync(join(root, 'b'), 'utf8')).toBe('x')
})

it('directories and links', async () => {
  const directory = (more: object) =>
    directoryType.resolve(directoryType.schema.parse({ directory: join(root, 'x/y'), ...me, ...more }), testRoom())
  const directories = tinyEngine(directoryType)
  const made = await directory({ mode: '0750' })
  expect(directories.plan([made])).toEqual([[{ what: 'state', from: undefined, to: 'directory' }]])
  directories.apply([made])
  expect(directories.plan([made])).toEqual([[]])
  expect(statSync(join(root, 'x/y')).mode & 0o7777).toBe(0o750)

  const links = tinyEngine(linkType)
  const link = (more: object) =>
    linkType.resolve(linkType.schema.parse({ link: join(root, 'x/y/l'), ...more }), testRoom())
  const there = await link({ to: "somewhere 'else'" })
  links.apply([there])
  expect(links.plan([there])).toEqual([[]])
  const elsewhere = await link({ to: '/tmp' })
  expect(links.plan([elsewhere])).toEqual([[{ what: 'target', from: "somewhere 'else'", to: '/tmp' }]])
  links.apply([elsewhere])
  expect(readlinkSync(join(root, 'x/y/l'))).toBe('/tmp')
  expect(() => directories.apply([{ ...made, state: 'absent' }])).toThrow('not empty')
  links.apply([await link({ state: 'absent' })])
  directories.apply([{ ...made, state: 'absent' }])
  expect(directories.plan([{ ...made, state: 'absent' }])).toEqual([[]])
})

it.each([
  ['file', fileType, { file: 'etc/motd', content: 'x' }],
  ['file', fileType, { file: '/etc/../motd', content: 'x' }],
  ['file', fileType, { file: '/etc/a\nb', content: 'x' }],
  ['file', fileType, { file: '/etc//motd', content: 'x' }],
  ['file', fileType, { file: '/a\0b', content: 'x' }],
  ['file', fileType, { file: '/etc/motd' }],
  ['file', fileType, { file: '/etc/motd', content: 'x', source: 'y' }],
  ['file', fileType, { file: '/etc/motd', content: 'x', mode: '0999' }],
  ['file', fileType, { file: '/etc/motd', content: 'x', mode: 644 }],
  ['file', fileType, { file: '/etc/motd', content: 'x', owner: '-x' }],
  ['file', fileType, { file: '/etc/motd', source: '../x' }],
  ['directory', directoryType, { directory: '/' }],
  ['link', linkType, { link: '/a' }],
])('%s: %o is refused', (_, type, declared) => {
  expect(type.schema.safeParse(declared).success).toBe(false)
})
