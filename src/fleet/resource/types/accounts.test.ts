import { existsSync } from 'node:fs'
import { expect, it } from 'vitest'
import { lines, sh } from '../../shell/script.ts'
import { debianHost } from '../../testing/converge.ts'
import { runScript } from '../../testing/run-script.ts'
import { groupType } from './group.ts'
import { userType } from './user.ts'

const user = (declared: object) => userType.schema.parse({ user: 'app', ...declared })

/** What is run; each of these functions stands in for a program. `groups`: those that are there. */
function asked(declared: object, groups: string): string {
  const script = userType.apply(user(declared), { facts: undefined, differences: [], host: debianHost })
  const stubs = `getent() { [ "$1" = group ] && case " ${groups} " in *" $2 "*) ;; *) return 2 ;; esac; }
useradd() { echo useradd "$@"; }`
  const { stdout, stderr } = runScript(lines({ shell: stubs }, sh`set -eu`, script), { shell: '/bin/bash' })
  return stdout.toString().trim() + stderr
}

// useradd(8) fails where there is a group of that name, unless it is told to take it.
it.each([
  [{}, 'other', 'useradd -m -- app'],
  [{}, 'app', 'useradd -m -g app -- app'],
  [{ group: 'other' }, 'app other', 'useradd -m -g other -- app'],
])('a user %o where there are groups %s', (declared, groups, expected) => {
  expect(asked(declared, groups)).toBe(expected)
})

it('a group comes before its user, and goes after it', () => {
  expect(userType.after?.(user({}))).toContain('group:app')
  expect(userType.after?.(user({ state: 'absent', group: 'team' }))).toEqual([])
  expect(groupType.after?.(groupType.schema.parse({ group: 'team', state: 'absent' }))).toEqual(['user:*'])
  expect(groupType.after?.(groupType.schema.parse({ group: 'team' }))).toEqual([])
})

it.skipIf(!existsSync('/usr/bin/getent')).each([
  ['id(1) of today', ''],
  ['one that takes a single user, as before coreutils 8.31', 'id() { [ $# -eq 3 ] && command id "$@"; }'],
  ['one that finds no name for a group', 'id() { command id "$@"; return 1; }'],
])('groups and homes of several users, of whom some are not there: %s', (_, stub) => {
  const all = ['nobody', 'larder-nowhere', 'daemon', 'bin'].map((name) => user({ user: name }))
  const { stdout } = runScript(lines({ shell: stub }, userType.facts!(all)))
  const found = userType.read(stdout, all, [])
  expect(found).toMatchObject([
    { known: true, facts: { uid: '65534', groups: [expect.stringMatching(/^no(group|body)$/)], hasHome: false } },
    { known: true, facts: undefined },
    { known: true, facts: { groups: ['daemon'], hasHome: true } },
    { known: true, facts: { groups: ['bin'], home: '/bin', hasHome: true } },
  ])
})
