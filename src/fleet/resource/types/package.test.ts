import { expect, it } from 'vitest'
import { lines, sh } from '../../shell/script.ts'
import { cutOff } from '../fact-text.ts'
import type { HostFacts } from '../resource-type.ts'
import { debianHost } from '../../testing/converge.ts'
import { testRoom } from '../../testing/resolve-room.ts'
import { runScript } from '../../testing/run-script.ts'
import type { PackagesDesired } from '../install-packages.ts'
import { packageType } from './package.ts'

const desired = (declared: object): Promise<PackagesDesired> =>
  packageType.resolve(packageType.schema.parse(declared), testRoom())
const rocky: HostFacts = { ...debianHost, os: 'rocky', family: 'rhel', version: '9.4', codename: '' }

async function plan(declared: object, ...said: string[]): Promise<unknown> {
  const all = [await desired(declared)]
  const output = Buffer.from(['@packages', ...said, 'whole', '@end packages', ''].join('\n'))
  const [looked] = packageType.read(output, all, [])
  return looked?.known ? packageType.diff(all[0]!, looked.facts) : looked?.why
}

const to = (name: string, from: string | undefined, wanted: string) => [
  { what: name, ...(from === undefined ? {} : { from }), to: wanted },
]

it('is unknown where the list could not be read to its end', async () => {
  const output = Buffer.from('@packages\ndpkg\nis a amd64 1.0-1 ii\n@end packages\n')
  const cut = packageType.read(output, [await desired({ package: ['a', 'b'] })], [])
  expect(cut).toEqual([{ known: false, why: cutOff }])
})

it.each([
  ['installed', { package: 'a' }, ['dpkg', 'is a amd64 1.0-1 ii '], []],
  ['only its settings are left', { package: 'a' }, ['dpkg', 'is a amd64 1.0-1 rc '], to('a', undefined, 'installed')],
  ['half installed', { package: 'a' }, ['dpkg', 'is a amd64 1.0-1 iF '], to('a', undefined, 'installed')],
  ['held', { package: 'a' }, ['dpkg', 'is a amd64 1.0-1 hi '], []],
  ['of an architecture', { package: 'a:i386' }, ['dpkg', 'is a amd64 1.0-1 ii '], to('a:i386', undefined, 'installed')],
  ['of that architecture', { package: 'a:i386' }, ['dpkg', 'is a amd64 1 ii ', 'is a i386 1 ii '], []],
  ['another version', { package: 'a=1.0-2' }, ['dpkg', 'is a amd64 1.0-1 ii '], to('a', '1.0-1', '1.0-2')],
  ['a version without revision', { package: 'a=1.0' }, ['dpkg', 'is a amd64 1.0-1 ii '], []],
  [
    'a version that the one there begins with',
    { package: 'a=1.1' },
    ['dpkg', 'is a amd64 1.10 ii '],
    to('a', '1.10', '1.1'),
  ],
  ['a version with an epoch', { package: 'a=1:1.0-1' }, ['dpkg', 'is a amd64 1:1.0-1 ii '], []],
  [
    'latest',
    { package: 'a', state: 'latest' },
    ['dpkg', 'is a amd64 1.0-1 ii ', 'new a 1.0-2'],
    to('a', '1.0-1', '1.0-2'),
  ],
  ['latest of none', { package: 'a', state: 'latest' }, ['dpkg', 'is a amd64 1.0-1 ii ', 'new a (none)'], []],
  [
    'latest, where nobody has looked for a day',
    { package: 'a', state: 'latest' },
    ['dpkg', 'is a amd64 1.0-1 ii ', 'new a 1.0-1', 'old'],
    [{ what: 'index of packages', from: 'older than a day', to: 'read anew' }],
  ],
  [
    'purged, but for its settings',
    { package: ['a', 'b', 'c'], state: 'absent', purge: true },
    ['dpkg', 'is a amd64 1 rc ', 'is b amd64 1 un '],
    [{ what: 'a', from: 'its settings' }],
  ],
  ['absent', { package: ['a', 'b'], state: 'absent' }, ['dpkg', 'is b amd64 1 rc '], []],
  ['RPM', { package: ['a', 'b=2.0-1.el9'] }, ['rpm', 'is a x86_64 1.0-1.el9 ii', 'is b noarch 3:2.0-1.el9 ii'], []],
  ['RPM, another', { package: 'b=2.1' }, ['rpm', 'is b noarch 2.0-1.el9 ii'], to('b', '2.0-1.el9', '2.1')],
  [
    'RPM, latest',
    { package: 'b', state: 'latest' },
    ['rpm', 'is b noarch 2.0-1.el9 ii', 'new b 0:2.0-1.el9 noarch'],
    [],
  ],
  ['neither', { package: 'b' }, ['none'], 'it has neither dpkg nor rpm'],
])('%s', async (_, declared, said, expected) => {
  expect(await plan(declared, ...said)).toEqual(expected)
})

it.each([
  ['cannot be read', '', { known: false }],
  ['has others', 'echo glibc-2.34', { known: true, facts: { installed: new Map([['a', {}]]) } }],
])('a database of RPM that %s', async (_what, all, expected) => {
  const one = await desired({ package: 'a' })
  const rpm = sh`rpm() { if [ "$1" = -qa ]; then ${{ shell: all === '' ? 'return 1' : all }}; else echo 'package a is not installed'; return 1; fi; }`
  const here = sh`command() { [ "$2" = rpm ]; }`
  const { stdout } = runScript(lines(sh`set -u`, here, rpm, packageType.facts!([one])))
  expect(packageType.read(stdout, [one], [])).toMatchObject([expected])
})

/** What package managers are asked to do; each of these functions stands in for a program. */
async function asked(declared: object, host: HostFacts, stubs: string, ...said: string[]): Promise<string[]> {
  const one = await desired(declared)
  const facts = said.length === 0 ? undefined : { installed: new Map(), isOld: true }
  const differences = said.map((what) => ({ what }))
  const script = packageType.apply(one, { facts, differences, host })
  const { stdout, code, stderr } = runScript(lines({ shell: stubs }, sh`set -eu`, script), { shell: '/bin/bash' })
  return [...stdout.toString().trim().split('\n'), ...(code === 0 ? [] : [`exit ${code} ${stderr.trim()}`])]
}

const dnf = `dnf() { case " $* " in *" repoquery "*" --whatprovides b "*) echo b-server ;; *" --whatprovides "*) ;; *" repoquery "*) echo a a.x86_64 ;; *) echo dnf "$@" ;; esac; }
rpm() { return 1; }`

it.each([
  [{ package: ['a', 'c=1-1'] }, dnf, ['dnf -y -q install -- a c-1-1', 'dnf -y -q downgrade -- a c-1-1']],
  [{ package: 'a', state: 'latest' }, dnf, ['dnf -y -q install -- a', 'dnf -y -q upgrade -- a']],
  [{ package: 'a.x86_64' }, dnf, ['dnf -y -q install -- a.x86_64']],
  [{ package: 'a', state: 'absent' }, dnf, ['dnf -y -q remove -- a']],
  [
    { package: ['a', 'b'] },
    dnf,
    ['', 'exit 1 b is no package, but what several may provide. Name one of those that do: b-server.'],
  ],
])('dnf: %o', async (declared, stubs, expected) => {
  expect(await asked(declared, rocky, stubs)).toEqual(expected)
})

it('apt asks its repositories anew where something is no longer there', async () => {
  const stubs = 'n=0\napt-get() { n=$((n + 1)); for last; do :; done; echo "$n $last"; [ $n != 1 ]; }\ndpkg() { :; }'
  expect(await asked({ package: 'a=2' }, debianHost, stubs)).toEqual(['1 a=2', '2 update', '3 a=2'])
})

it('apt goes on where it was killed in the middle, when it is asked to install and to remove', async () => {
  const stubs = `n=0
apt-get() { n=$((n + 1)); for last; do :; done; echo "$n $last"; [ $n != 1 ]; }
dpkg() { for last; do :; done; echo "dpkg $last"; }`
  expect(await asked({ package: 'a' }, debianHost, stubs)).toEqual(['1 a', 'dpkg -a', '2 update', '3 a'])
  expect(await asked({ package: 'a', state: 'absent' }, debianHost, stubs)).toEqual(['1 a', 'dpkg -a', '2 a'])
})

const virtual = `apt-cache() { [ "$1" != -o ] || shift 2; case $1 in
policy) for name in "$@"; do case $name in -*|policy) ;; *) printf '%s:\\n  Installed: (none)\\n  Candidate: (none)\\n  Version table:\\n' "$name" ;; esac; done ;;
showpkg) printf 'Package: %s\\nVersions: \\n%s\\nReverse Depends: \\n  cron,x\\nProvides: \\nReverse Provides: \\n%s' "$3" "$REAL" 'postfix 3.7 (= )
exim4 4.96 (= )
postfix 3.6 (= )
' ;; esac; }
apt-get() { for last; do :; done; echo "$last"; [ "$last" = update ] || [ -n "$REAL" ]; }
dpkg() { :; }`

it('apt: names that only others provide are refused, with those, once its repositories were asked anew', async () => {
  expect(await asked({ package: 'mta' }, debianHost, `REAL=\n${virtual}`)).toEqual([
    'update',
    'exit 1 mta is no package, but what several may provide. Name one of those that do: exim4, postfix.',
  ])
  expect(await asked({ package: 'mta' }, debianHost, `REAL='1.0 (/lists)'\n${virtual}`)).toEqual(['mta'])
})

it('what nobody has looked for within a day is asked for anew, and fails where a repository is away', async () => {
  const latest = { package: ['a', 'b'], state: 'latest' }
  const mark = 'mkdir() { :; }\ntouch() { echo touch "$@"; }\n'
  const apt =
    'apt-get() { for last; do :; done; echo "$last"; case " $* " in *" update "*) [ "$AWAY" != yes ] ;; esac; }'
  const [touched, index] = ['touch /var/lib/larder/index-read', 'index of packages']
  expect(await asked(latest, debianHost, `AWAY=no\n${mark}${apt}`, index)).toEqual(['update', touched, 'b'])
  expect(await asked(latest, debianHost, `AWAY=yes\n${mark}${apt}`, index)).toEqual(['update', 'exit 1 '])
  expect(await asked({ package: 'a', state: 'latest' }, rocky, `${mark}${dnf}`, index)).toEqual([
    'dnf -q --refresh makecache',
    touched,
    'dnf -y -q install -- a',
    'dnf -y -q upgrade -- a',
  ])
})

it('apt takes names as they are, and for no pattern of others', async () => {
  const stubs = 'apt-get() { case " $* " in *" APT::Cmd::Pattern-Only=true "*) echo yes ;; esac; }'
  expect(await asked({ package: 'node.js' }, debianHost, stubs)).toEqual(['yes'])
})

// apt-get(8), install: a hyphen after a name removes that package.
it.each(['bash-', 'bash:amd64-', 'bash=5-', '-y'])('%s is no name of a package', (name) => {
  expect(packageType.schema.safeParse({ package: name }).success).toBe(false)
})

it.each(['g++', 'libc6:amd64', 'a=1:2.0-1~deb12u1', 'glibc.i686', 'python3.11-minimal'])('%s is one', (name) => {
  expect(packageType.schema.safeParse({ package: name }).success).toBe(true)
})

it('another system is told that it is not known', async () => {
  const [, said] = await asked({ package: 'a' }, { ...debianHost, family: 'other' }, '')
  expect(said).toMatch(/^exit 1 Packages are known how/)
})
