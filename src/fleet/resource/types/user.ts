import { z } from 'zod'
import { lines, nothing, sh, type Script } from '../../shell/script.ts'
import { accountScript, cutOff, part, readAccounts, readPart } from '../fact-text.ts'
import { accountName, hostPath, ownerName, presence } from '../grammar.ts'
import type { Difference, Looked, ResourceType } from '../resource-type.ts'

const schema = z
  .strictObject({
    user: accountName.refine((name) => name !== 'root', 'root is there already, and is not changed'),
    uid: z.int().min(1).max(4_294_967_294).optional().describe('Default: the next that is free'),
    group: ownerName.optional().describe('Its first group. Default: one of its own name, or as the system does it'),
    groups: z.array(accountName).max(100).default([]).describe('Further groups; those that it is in besides stay'),
    home: hostPath.optional().describe('Default: as the system does it'),
    shell: hostPath.optional().describe('Default: as the system does it; /usr/sbin/nologin where system'),
    comment: z
      .string()
      .regex(/^[^:\u0000-\u001f]*$/, 'one line without ":" is needed')
      .optional(),
    system: z
      .boolean()
      .default(false)
      .describe('Numbered as users of the system are, without a home folder of its own'),
    remove_home: z.boolean().default(false).describe('state: absent also removes its home folder'),
    state: presence,
  })
  .describe('A user, who has no password: keys let it in')

type Declared = z.output<typeof schema>

/** passwd(5), and the names of its groups. Undefined: it is not there. */
export type UserFacts =
  | {
      readonly uid: string
      readonly gid: string
      readonly group: string
      readonly groups: readonly string[]
      readonly home: string
      readonly hasHome: boolean
      readonly shell: string
      readonly comment: string
    }
  | undefined

export const userType: ResourceType<Declared, Declared, UserFacts> = {
  name: 'user',
  schema,
  subjectOf: (declared) => declared.user,
  resolve: async (declared) => ({
    ...declared,
    shell: declared.shell ?? (declared.system ? '/usr/sbin/nologin' : undefined),
  }),
  after: ({ user, group = user, groups, home, state }) => {
    if (state === 'absent') return []
    return [
      ...[...groups, group].map((name) => `group:${name}`),
      // Groups that nobody declares come from packages.
      ...(groups.length > 0 ? ['package:*'] : []),
      ...(home === undefined ? [] : [`directory:${home.slice(0, home.lastIndexOf('/'))}`]),
    ]
  },
  facts: (all) => look(all.map(({ user }) => user)),
  read: (output, all) => {
    const known = readAccounts(output, 'passwd')
    const homes = readPart(output, 'homes')
    const groups = readGroups(readPart(output, 'groups'))
    return all.map(({ user }) => {
      if (known === undefined || homes === undefined) return { known: false, why: cutOff }
      return readUser(known.get(user), { groups: groups.get(user), hasHome: homes.includes(user) })
    })
  },
  diff: (desired, facts) => {
    if (desired.state === 'absent') return facts === undefined ? [] : [{ what: 'state', from: 'present' }]
    return facts === undefined ? [{ what: 'state', to: 'present' }] : attributes(desired, facts)
  },
  apply: (desired, { differences }) => {
    const { user, state, remove_home: removeHome } = desired
    if (state === 'absent')
      return sh`! getent passwd ${user} >/dev/null || userdel ${removeHome ? ['-r'] : []} -- ${user}`
    const changed = new Set(differences.map(({ what }) => what))
    const modify = changes(desired, changed)
    const to = differences.find(({ what }) => what === 'home folder' || (what === 'home' && !desired.system))?.to
    const makeHome = to === undefined ? nothing : sh`\n[ -d ${to} ] || mkhomedir_helper ${user}`
    return sh`if ! getent passwd ${user} >/dev/null; then ${create(desired)}
else ${modify === nothing ? sh`:` : sh`usermod${modify} -- ${user}`}${makeHome}; fi`
  },
}

/** Names of users, and the groups of each on a line; none where they are not as many. */
function readGroups([names = '', ...lines]: readonly string[] = []): ReadonlyMap<string, readonly string[]> {
  const users = names === '' ? [] : names.split(' ')
  return new Map(users.length === lines.length ? users.map((user, at) => [user, lines[at]!.split(' ')]) : [])
}

function readUser(
  entry: string[] | undefined,
  { groups, hasHome }: { groups: readonly string[] | undefined; hasHome: boolean },
): Looked<UserFacts> {
  if (entry === undefined) return { known: true, facts: undefined }
  const [group = ''] = groups ?? []
  if (entry.length !== 7 || groups === undefined || group === '') return { known: false, why: cutOff }
  const [, , uid, gid, comment, home, shell] = entry as [string, string, string, string, string, string, string]
  return { known: true, facts: { uid, gid, group, groups, home, hasHome, shell, comment } }
}

/**
 * The first of its groups is its own: id(1), of which coreutils before 8.31 take one user. Names of users mean nothing to a shell, which
 * leaves `~name` as it is where there is none.
 */
function look(users: readonly string[]): Script {
  const homes = sh`set --
for user in ${users}; do
eval "home=~$user"
[ "$home" = "~$user" ] || set -- "$@" "$user"
[ ! -d "$home" ] || printf '%s\\n' "$user"
done`
  const groups = sh`printf '%s\\n' "$*"
if [ $# -gt 0 ] && groups=$(id -Gn -- "$@" 2>/dev/null); then printf '%s\\n' "$groups"
else for user; do id -Gn -- "$user" 2>/dev/null || :; done; fi`
  return lines(accountScript('passwd', users), part('homes', homes), part('groups', groups))
}

function attributes(desired: Declared, facts: NonNullable<UserFacts>): Difference[] {
  const { uid, group, groups, home, shell, comment } = desired
  const missing = groups.filter((name) => !facts.groups.includes(name))
  const differing = (what: string, from: string, to: string | undefined): Difference[] =>
    to === undefined || to === from ? [] : [{ what, from, to }]
  return [
    ...differing('uid', facts.uid, uid === undefined ? undefined : String(uid)),
    ...(group === facts.gid ? [] : differing('group', facts.group, group)),
    ...(missing.length === 0
      ? []
      : [{ what: 'groups', from: facts.groups.join(' '), to: [...facts.groups, ...missing].join(' ') }]),
    ...differing('home', facts.home, home),
    ...(lacksHome(desired, facts) ? [{ what: 'home folder', to: home ?? facts.home }] : []),
    ...differing('shell', facts.shell, shell),
    ...differing('comment', facts.comment, comment),
  ]
}

/**
 * Whose useradd was ended, or had no room, is there without one: what is declared, or where useradd makes it. Accounts that others have
 * made may have none.
 */
function lacksHome({ user, home, system }: Declared, facts: NonNullable<UserFacts>): boolean {
  if (system || (home !== undefined && home !== facts.home)) return false
  return !facts.hasHome && (home !== undefined || facts.home === `/home/${user}`)
}

/**
 * useradd(8): without a password the account is locked for passwords, and for nothing else. A group of its name that is there
 * already is refused unless it is told to take it.
 */
function create({ user, uid, group, groups, home, shell, comment, system }: Declared): Script {
  const options = [
    ...(system ? ['-r'] : ['-m']),
    ...option('-u', uid),
    ...option('-g', group),
    ...(groups.length === 0 ? [] : ['-G', groups.join(',')]),
    ...option('-d', home),
    ...option('-s', shell),
    ...option('-c', comment),
  ]
  const make = sh`useradd ${options} -- ${user}`
  if (group !== undefined) return make
  return sh`if getent group ${user} >/dev/null; then useradd ${[...options, '-g', user]} -- ${user}; else ${make}; fi`
}

function changes({ uid, group, groups, home, shell, comment }: Declared, changed: ReadonlySet<string>): Script {
  const options = [
    ...(changed.has('uid') ? option('-u', uid) : []),
    ...(changed.has('group') ? option('-g', group) : []),
    ...(changed.has('groups') ? ['-a', '-G', groups.join(',')] : []),
    ...(changed.has('home') ? option('-d', home) : []),
    ...(changed.has('shell') ? option('-s', shell) : []),
    ...(changed.has('comment') ? option('-c', comment) : []),
  ]
  return options.length === 0 ? nothing : sh` ${options}`
}

function option(name: string, value: string | number | undefined): string[] {
  return value === undefined ? [] : [name, String(value)]
}
