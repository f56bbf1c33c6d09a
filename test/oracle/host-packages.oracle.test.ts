import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { packageType, type PackageFacts } from '../../src/fleet/resource/types/package.ts'
import { testRoom } from '../../src/fleet/testing/resolve-room.ts'

const canRun = process.getuid?.() === 0 && existsSync('/usr/bin/dpkg-query')

/** A copy of the database of this host. */
let database: string
beforeEach(() => {
  database = mkdtempSync(join(tmpdir(), 'larder-dpkg-'))
  cpSync('/var/lib/dpkg/status', join(database, 'status'))
  mkdirSync(join(database, 'updates'))
})
afterEach(() => rmSync(database, { recursive: true, force: true }))

/** Of a shell to which the copy is the database of dpkg. */
function inside(script: string): string {
  const mounts = `mount --bind ${database} /var/lib/dpkg && exec sh -s`
  return execFileSync('unshare', ['--mount', 'sh', '-c', mounts], {
    input: script,
    maxBuffer: 1 << 26,
    stdio: ['pipe', 'pipe', 'ignore'],
  }).toString()
}

/** By name and architecture: the version where it is installed, `settings` where these are left. */
function witness(): Map<string, string> {
  const said = inside(`dpkg-query -W -f '\${Package}:\${Architecture} \${Version} \${db:Status-Abbrev}\n'`)
  const rows = said.split('\n').map((line) => line.split(' ') as [string, string, string?])
  return new Map(
    rows.flatMap(([name, version, status = '']): [string, string][] => {
      if (status[1] === 'i') return [[name, version]]
      return status[1] === 'c' ? [[name, 'settings']] : []
    }),
  )
}

async function ours(names: readonly string[]): Promise<Map<string, string>> {
  const room = testRoom()
  const all = [await packageType.resolve(packageType.schema.parse({ package: names }), room)]
  const [looked] = packageType.read(Buffer.from(inside(packageType.facts!(all).shell)), all, [])
  if (looked?.known !== true) throw new Error(looked?.why)
  const { installed } = looked.facts satisfies PackageFacts
  return new Map(
    [...installed].flatMap(([name, { version, hasSettings }]): [string, string][] => {
      if (version !== undefined) return [[name, version]]
      return hasSettings === true ? [[name, 'settings']] : []
    }),
  )
}

const stanzas = (): string[] => readFileSync(join(database, 'status'), 'utf8').trimEnd().split('\n\n')
const nameOf = (stanza: string): string =>
  `${/^Package: (.*)$/m.exec(stanza)![1]!}:${/^Architecture: (.*)$/m.exec(stanza)?.[1] ?? ''}`
/** With some that nobody has, and names that are in those of others. */
const askedNames = (): string[] => [...stanzas().map(nameOf), 'larder-nowhere:all', 'lib:amd64', 'c:amd64']

it.skipIf(!canRun)('packages of this host, beside dpkg-query [needs root and Debian]', async () => {
  const expected = witness()
  expect(expected.size).toBeGreaterThan(100)
  expect(await ours(askedNames())).toEqual(expected)
})

it.skipIf(!canRun)('packages in every state, and of two architectures', async () => {
  const states = ['install ok installed', 'hold ok installed', 'deinstall ok config-files', 'install reinstreq half-installed', 'install ok unpacked', 'purge ok not-installed'] // prettier-ignore
  const changed = stanzas().map((stanza, at) =>
    stanza.replace(/^Status: .*$/m, `Status: ${states[at % states.length]}`),
  )
  const foreign = changed
    .filter((stanza) => /^Multi-Arch: same$/m.test(stanza))
    .slice(0, 20)
    .map((stanza) => stanza.replace(/^Architecture: .*$/m, 'Architecture: i386'))
  writeFileSync(join(database, 'status'), `${[...changed, ...foreign].join('\n\n')}\n\n`)
  writeFileSync(join(database, 'arch'), 'amd64\ni386\n')
  const expected = witness()
  expect(new Set(expected.values())).toContain('settings')
  expect([...expected.keys()].some((name) => name.endsWith(':i386'))).toBe(true)
  expect(await ours(askedNames())).toEqual(expected)
})

it.skipIf(!canRun)('what dpkg has only in its journal counts', async () => {
  const first = stanzas().find((stanza) => stanza.includes('Status: install ok installed'))!
  const gone = first.replace('install ok installed', 'deinstall ok config-files')
  writeFileSync(join(database, 'updates/0000'), `${gone}\n`)
  const expected = witness()
  expect(expected.get(nameOf(first))).toBe('settings')
  expect(await ours(askedNames())).toEqual(expected)
})
