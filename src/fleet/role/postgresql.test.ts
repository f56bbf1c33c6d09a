import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { parseSiteFile } from '../../core/index.ts'
import { sh } from '../shell/script.ts'
import { runScript } from '../testing/run-script.ts'
import { postgresqlReplicaRole, postgresqlRole } from './postgresql.ts'

interface Entry {
  command?: string
  file?: string
  run: string
  unless: string
  validate: string[]
}

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'larder-postgresql-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

const resourcesOf = (role: string): Entry[] =>
  (parseSiteFile(Buffer.from(role), 'role.yaml').document!.value as { resources: Entry[] }).resources
const resources = resourcesOf(postgresqlReplicaRole)
const password = resources.find(({ file }) => file?.endsWith('.password') === true)!
const written = resources.find(({ command }) => command?.endsWith('who it copies as') === true)!
const copied = resources.find(({ command }) => command?.startsWith('PostgreSQL: copy of') === true)!
const promoted = resourcesOf(postgresqlRole).find(({ command }) => command === 'PostgreSQL: promoted')!

/** In a folder of the test's own. */
function run(text: string): number | null {
  const here = text.replaceAll(/\/(?:etc|var\/lib)\/postgresql/g, folder)
  return runScript({ shell: `set -eu\n${here}` }).code
}

/** PostgreSQL, libpq, "The Password File": fields are parted by `:`; a backslash is before one that is none, and before itself. */
function passwordIn(line: string): string | undefined {
  return /^\*:\*:\*:replicator:((?:\\.|[^\\:\n])*)$/.exec(line)?.[1]?.replace(/\\(.)/g, '$1')
}

it.each(['plain', "it's", 'a:b', 'c\\d', '\\:', 'e\\', '"$x" %s `y` #', ' blanks ', 'ümlaut', '&', '/'])(
  'a replica logs in as the primary knows it: %j',
  (secret) => {
    writeFileSync(join(folder, 'larder-replicator.password'), secret)
    expect(run(written.unless)).not.toBe(0)
    expect(run(written.run)).toBe(0)
    expect(passwordIn(readFileSync(join(folder, '.pgpass'), 'utf8'))).toBe(secret)
    expect(run(written.unless)).toBe(0)
  },
)

it.each([
  ['one line', 0],
  ['it\'s "one" \\ : é', 0],
  ['two\nlines\n', 1],
  ['a\ttab', 1],
  ['a carriage return\r', 1],
])('what .pgpass cannot hold is refused: %j', (secret, code) => {
  const path = join(folder, 'new')
  writeFileSync(path, secret)
  const { code: found, stderr } = runScript(sh`${password.validate.map((word) => (word === '%s' ? path : word))}`)
  expect(found).toBe(code)
  if (code !== 0) expect(stderr).toContain('postgresql-replication has several lines')
})

it('a copy is of whom it was last made of, not of whom its source followed once', () => {
  const data = join(folder, '15/main')
  mkdirSync(data, { recursive: true })
  writeFileSync(join(data, 'standby.signal'), '')
  const line = (host: string): string => `primary_conninfo = 'user=replicator host=${host} port=5432'\n`
  writeFileSync(join(data, 'postgresql.auto.conf'), `# by hand\n${line('db-1')}${line('db-2')}`)
  const isCopyOf = (primary: string): boolean =>
    run(copied.unless.replaceAll('{{version}}', '15').replaceAll('{{primary}}', primary)) === 0
  expect(['db-1', 'db-2', 'db'].map(isCopyOf)).toEqual([false, true, false])
  rmSync(join(data, 'standby.signal'))
  expect(isCopyOf('db-2')).toBe(false)
})

/** Programs that only note how they are called. */
function play(
  programs: Readonly<Record<string, string>>,
  script: string,
): { code: number | null; calls: string[]; said: string } {
  const calls = join(folder, 'calls')
  mkdirSync(join(folder, 'bin'))
  writeFileSync(calls, '')
  for (const [name, body] of Object.entries({ ...noted, ...programs })) {
    writeFileSync(join(folder, 'bin', name), `#!/bin/sh\necho "${name} $*" >>'${calls}'\n${body}\n`, { mode: 0o755 })
  }
  const here = script.replaceAll('{{version}}', '15').replaceAll('{{primary}}', 'db-2')
  const text = `PATH='${folder}/bin':$PATH\n${here.replaceAll(/\/(?:etc|var\/lib)\/postgresql/g, folder)}`
  const { code, stderr } = runScript({ shell: `set -eu\n${text}` })
  return { code, calls: readFileSync(calls, 'utf8').trim().split('\n'), said: stderr }
}

const noted = {
  runuser: 'shift 3; exec "$@"',
  systemctl: '',
  sleep: '',
  psql: 'echo f',
  pg_basebackup: `while [ "$1" != -D ]; do shift; done; mkdir "$2"`,
}

it('what takes writes is stopped before it waits for another that takes them, and copies that', () => {
  mkdirSync(join(folder, '15/main'), { recursive: true })
  const { code, calls } = play({}, copied.run)
  expect(code).toBe(0)
  const told = calls.filter((call) => /^systemctl|^pg_basebackup|^psql/.test(call)).map((call) => call.slice(0, 26))
  expect(told).toEqual([
    'psql -XAtqw -h db-2 -d use',
    'systemctl stop postgresql@',
    'psql -w -h db-2 -U replica',
    'pg_basebackup -w -R -X str',
    'systemctl stop postgresql@',
    'systemctl reset-failed pos',
    'systemctl start postgresql',
  ])
})

it('what follows already goes on until its copy is there', () => {
  mkdirSync(join(folder, '15/main'), { recursive: true })
  writeFileSync(join(folder, '15/main/standby.signal'), '')
  const { calls } = play({}, copied.run)
  const order = calls.flatMap((call) => /^(pg_basebackup|systemctl stop)/.exec(call)?.[0] ?? [])
  expect(order).toEqual(['pg_basebackup', 'systemctl stop'])
})

it('a primary that lets nobody in is told, and nothing was stopped', () => {
  mkdirSync(join(folder, '15/main'), { recursive: true })
  const { code, calls, said } = play(
    { psql: 'echo refused by it >&2; exit 2' },
    copied.run.replace('limit=300', 'limit=0'),
  )
  expect({ code, said }).toEqual({ code: 1, said: 'db-2 let no copy be made of it within 0 s: refused by it\n' })
  expect(calls.join('\n')).not.toContain('systemctl')
})

it('a copy that fails leaves what was there, and says so', () => {
  mkdirSync(join(folder, '15/main/base'), { recursive: true })
  const { code, calls, said } = play({ pg_basebackup: 'exit 1' }, copied.run)
  expect(code).toBe(1)
  expect(said).toMatch(/The copy of db-2 could not be made\. What this machine had is whole in .*main, and stopped\./)
  expect(existsSync(join(folder, '15/main/base'))).toBe(true)
  expect(calls.join('\n')).not.toContain('systemctl start')
})

/** `times`: as often as it streams still. */
const streaming = (times: number) => `case "$*" in *wal_receiver*)
[ "$(grep -c wal_receiver '$CALLS')" -gt ${times} ] || echo db-1 5432 ;; esac`

it.each([
  ['it is stopped meanwhile', 3, 1, 3, ''],
  ['it is away', 100, 2, 1, ''],
  ['nobody stops it', 100, 0, 61, 'db-1 takes writes still after 60 s'],
  ['it was gone before', 0, 0, 0, ''],
])('a promotion waits for who takes writes: %s', (_, times, ready, asked, why) => {
  const psql = streaming(times).replace('$CALLS', join(folder, 'calls'))
  const { code, calls, said } = play({ psql, pg_isready: `exit ${ready}` }, promoted.run)
  expect(code).toBe(0)
  expect(calls.filter((call) => call.startsWith('pg_isready -q -t 3 -h db-1 -p 5432'))).toHaveLength(asked)
  expect(calls.at(-1)).toContain('pg_promote')
  expect(said).toContain(why)
})
