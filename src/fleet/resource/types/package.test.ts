import { expect, it } from 'vitest'
import { lines, sh } from '../../shell/script.ts'
import type { HostFacts } from '../resource-type.ts'
import { debianHost } from '../../testing/converge.ts'
import { testRoom } from '../../testing/resolve-room.ts'
import { runScript } from '../../testing/run-script.ts'
import { packageType, type PackagesDesired } from './package.ts'

const desired = (declared: object): Promise<PackagesDesired> =>
  packageType.resolve(packageType.schema.parse(declared), testRoom())
const rocky: HostFacts = { ...debianHost, os: 'rocky', family: 'rhel', version: '9.4', codename: '' }

async function plan(declared: object, ...said: string[]): Promise<unknown> {
  const all = [await desired(declared)]
  const output = Buffer.from(['@packages', ...said, '@end packages', ''].join('\n'))
  const [looked] = packageType.read(output, all)
  return looked?.known ? packageType.diff(all[0]!, looked.facts) : looked?.why
}

const to = (name: string, from: string | undefined, wanted: string) => [
  { what: name, ...(from === undefined ? {} : { from }), to: wanted },
]

it.each([
  ['installed', { package: 'a' }, ['dpkg', 'is a amd64 1.0-1 ii '], []],
  ['only its settings are left', { package: 'a' }, ['dpkg', 'is a amd64 1.0-1 rc '], to('a', undefined, 'installed')],
  ['half installed', { package: 'a' }, ['dpkg', 'is a amd64 1.0-1 iF '], to('a', undefined, 'installed')],
  ['held', { package: 'a' }, ['dpkg', 'is a amd64 1.0-1 hi '], []],
  ['of an architecture', { package: 'a:i386' }, ['dpkg', 'is a amd64 1.0-1 ii '], to('a:i386', undefined, 'installed')],
  ['of that architecture', { package: 'a:i386' }, ['dpkg', 'is a amd64 1 ii ', 'is a i386 1 ii '], []],
  ['another version', { package: 'a=1.0-2' }, ['dpkg', 'is a amd64 1.0-1 ii '], to('a', '1.0-1', '1.0-2')],
  ['a version without revision', { package: 'a=1.0' }, ['dpkg', 'is a amd64 1.0-1 ii '], []],
  ['a version with an epoch', { package: 'a=1:1.0-1' }, ['dpkg', 'is a amd64 1:1.0-1 ii '], []],
  [
    'latest',
    { package: 'a', state: 'latest' },
    ['dpkg', 'is a amd64 1.0-1 ii ', 'new a 1.0-2'],
    to('a', '1.0-1', '1.0-2'),
  ],
  ['latest of none', { package: 'a', state: 'latest' }, ['dpkg', 'is a amd64 1.0-1 ii ', 'new a (none)'], []],
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

/** What package managers are asked to do; each of these functions stands in for a program. */
async function asked(declared: object, host: HostFacts, stubs: string): Promise<string[]> {
  const one = await desired(declared)
  const script = packageType.apply(one, { facts: undefined, differences: [], host })
  const { stdout, code, stderr } = runScript(lines({ shell: stubs }, sh`set -eu`, script), { shell: '/bin/bash' })
  return [...stdout.toString().trim().split('\n'), ...(code === 0 ? [] : [`exit ${code} ${stderr.trim()}`])]
}

const dnf = 'dnf() { echo dnf "$@"; }\nrpm() { return 1; }'

it.each([
  [{ package: ['a', 'b=1-1'] }, dnf, ['dnf -y -q install -- a b-1-1', 'dnf -y -q downgrade -- a b-1-1']],
  [{ package: 'a', state: 'latest' }, dnf, ['dnf -y -q install -- a', 'dnf -y -q upgrade -- a']],
  [{ package: 'a', state: 'absent' }, dnf, ['dnf -y -q remove -- a']],
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
