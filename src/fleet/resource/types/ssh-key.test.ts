import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { lines, sh, type Script } from '../../shell/script.ts'
import { debianHost } from '../../testing/converge.ts'
import { testRoom } from '../../testing/resolve-room.ts'
import { runScript } from '../../testing/run-script.ts'
import { sshKeyType } from './ssh-key.ts'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'larder-ssh-key-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

/** Stands in for an account of that home folder. */
const asApp = (script: Script) =>
  runScript(
    lines(sh`set -eu\ngetent() { echo ${`app:x:1:1::${home}:/bin/sh`}; }\nrunuser() { shift 3; "$@"; }`, script),
  )

const key = `ssh-ed25519 ${'A'.repeat(60)}`
const others = Buffer.from(`ssh-rsa ${'B'.repeat(60)} m\u{fc}ller\nssh-rsa ${'C'.repeat(60)}\n`, 'latin1')
const declared = (more: object = {}) =>
  sshKeyType.resolve(sshKeyType.schema.parse({ 'ssh-key': 'me', user: 'app', key, ...more }), testRoom())
const apply = async (more: object = {}) =>
  asApp(sshKeyType.apply(await declared(more), { facts: undefined, differences: [], host: debianHost }))
const plan = async () => {
  const desired = await declared()
  const [looked] = sshKeyType.read(asApp(sshKeyType.facts!([desired])).stdout, [desired], [])
  return looked?.known === true ? sshKeyType.diff(desired, looked.facts) : looked?.why
}

// In a comment of Latin-1, or with a NUL, grep(1) sees no text, and says so in place of lines.
it.each([
  ['Latin-1', others],
  ['with a NUL', Buffer.concat([Buffer.from('\0\n'), others])],
])('other keys of a file stay, also where it is %s', async (_, before) => {
  const file = join(home, '.ssh/authorized_keys')
  expect(await plan()).toEqual([{ what: 'line', from: undefined, to: `${key} me` }])
  mkdirSync(join(home, '.ssh'))
  writeFileSync(file, before)
  expect(await apply()).toMatchObject({ code: 0 })
  expect(readFileSync(file)).toEqual(Buffer.concat([before, Buffer.from(`${key} me\n`)]))
  expect(await plan()).toEqual([])
  expect(await apply({ state: 'absent' })).toMatchObject({ code: 0 })
  expect(readFileSync(file)).toEqual(before)
})

it('what a killed run has left beside it goes, and a folder in its place is not filled', async () => {
  mkdirSync(join(home, '.ssh/.authorized_keys.larder-new'), { recursive: true })
  expect(await apply()).toMatchObject({ code: 0 })
  expect(readdirSync(join(home, '.ssh'))).toEqual(['authorized_keys'])
  rmSync(join(home, '.ssh/authorized_keys'))
  mkdirSync(join(home, '.ssh/authorized_keys'))
  expect(await apply()).toMatchObject({ code: 1 })
  expect(existsSync(join(home, '.ssh/authorized_keys/.authorized_keys.larder-new'))).toBe(false)
})
