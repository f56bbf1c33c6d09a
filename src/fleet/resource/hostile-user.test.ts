import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { lines, sh, type Script } from '../shell/script.ts'
import { debianHost } from '../testing/converge.ts'
import { hostileId, makeHostileHome, type HostileHome } from '../testing/hostile-user.ts'
import { testRoom } from '../testing/resolve-room.ts'
import { runScript } from '../testing/run-script.ts'
import type { AnyResourceType } from './resource-type.ts'
import { archiveType } from './types/archive.ts'
import { directoryType } from './types/directory.ts'
import { fileType } from './types/file.ts'
import { linkType } from './types/link.ts'

const isRoot = process.getuid?.() === 0
let at: HostileHome
beforeEach((context) => {
  if (!isRoot) context.skip('cannot apply: only root can do what a user must not be able to misuse')
  at = makeHostileHome()
})
afterEach(() => {
  if (isRoot) at.remove()
})

const owned = { owner: hostileId, group: hostileId }
const packed = (): Buffer => execFileSync('tar', ['-c', '-C', join(at.precious, 'folder'), 'app'])

/** What makes a resource so; of a host that was looked at, where it says how that differs. */
async function applied(type: AnyResourceType, declared: object, differs?: string): Promise<Script> {
  const files = { read: async () => packed(), list: async () => [], entries: async () => [] }
  const desired: unknown = await type.resolve(type.schema.parse(declared), testRoom({}, { files }))
  const differences = differs === undefined ? [] : [{ what: differs }]
  const facts: unknown = differs === undefined ? undefined : {}
  return lines(sh`set -eu`, type.apply(desired, { facts, differences, host: debianHost }))
}

const conf = (): string => join(at.home, 'conf')
const all: Record<string, () => Promise<Script>> = {
  'a file': () => applied(fileType, { file: `${conf()}/app`, content: 'mine', mode: '0666', ...owned }),
  'the mode of a file': () =>
    applied(fileType, { file: `${conf()}/app`, content: 'mine', mode: '0666', ...owned }, 'mode'),
  'a file that goes': () => applied(fileType, { file: `${conf()}/app`, state: 'absent' }),
  'a directory': () => applied(directoryType, { directory: `${conf()}/app`, mode: '0777', ...owned }),
  'directories above': () => applied(directoryType, { directory: `${conf()}/app/a/b`, mode: '0777', ...owned }),
  'a directory that goes': () =>
    applied(directoryType, { directory: `${conf()}/app`, state: 'absent', recursive: true }),
  'a link': () => applied(linkType, { link: `${conf()}/app`, to: '/' }),
  'a link that goes': () => applied(linkType, { link: `${conf()}/app`, state: 'absent' }),
  'an archive': () => applied(archiveType, { archive: `${conf()}/app`, source: 'a.tar', ...owned }),
}

const there = (resource: string): Script => {
  if (['an archive', 'directories above'].includes(resource)) return sh`:`
  return resource.startsWith('a directory') ? sh`mkdir conf/app` : sh`touch conf/app`
}

/**
 * What is there, and what was made beside it, is put away, and something else is in its place. Afterwards the same becomes of what
 * is made in that, where the user can.
 */
const swap = (put: Script): Script =>
  sh`cd ${conf()}
if [ ! -e ../swapped ]; then for made in .app.* app; do if [ -e "$made" ]; then mv "$made" "away-$made"; ${put}; : >../swapped; fi; done; fi
for made in .app.*/*; do if [ ! -L "$made" ]; then
to=file; [ ! -d "$made" ] || to=folder
mv "$made" ../away && ln -s ${at.precious}/"$to" "$made"
fi; done; :`
const attacks: Record<string, () => Script> = {
  'a link to what is root’s': () =>
    swap(sh`to=file; [ ! -d ${sh`"away-$made"`} ] || to=folder; ln -s ${at.precious}/"$to" "$made"`),
  'a folder of its own': () => swap(sh`mkdir -m 700 "$made"`),
  'a folder of root’s in which everybody may act': () => swap(sh`mv ../shared "$made"`),
  'a link in place of the folder': () => sh`mv ${conf()} away; ln -s ${`${at.precious}/folder`} ${conf()}`,
}

const cases = Object.keys(attacks).flatMap((attack) => {
  const isOfWhatIsMadeBeside = attack.startsWith('a folder')
  return (isOfWhatIsMadeBeside ? ['a file', 'an archive'] : Object.keys(all)).map((made) => [attack, made] as const)
})

it.each(cases)('a user who puts %s in its place misuses nobody who makes so: %s', async (attack, made) => {
  // Before the script, and then before and after each program that it starts.
  for (let turn = -1, hasActed = true; hasActed; turn++) {
    at.remove()
    at = makeHostileHome()
    at.act(sh`mkdir conf; ${there(made)}`)
    mkdirSync(join(at.home, 'shared'))
    chmodSync(join(at.home, 'shared'), 0o777)
    const state = at.preciousState()
    const user = at.actAt(turn, attacks[attack]!())
    if (turn === -1) at.act(attacks[attack]!())
    runScript(lines(user.before, await all[made]!()))
    expect(at.preciousState(), `turn ${turn}`).toBe(state)
    hasActed = turn === -1 || user.hasActed()
  }
})
