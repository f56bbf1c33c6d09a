import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { parseSiteFile } from '../../core/index.ts'
import { sh } from '../shell/script.ts'
import { runScript } from '../testing/run-script.ts'
import { postgresqlReplicaRole } from './postgresql.ts'

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

const { resources } = parseSiteFile(Buffer.from(postgresqlReplicaRole), 'role.yaml').document!.value as {
  resources: Entry[]
}
const password = resources.find(({ file }) => file?.endsWith('.password') === true)!
const written = resources.find(({ command }) => command?.endsWith('who it copies as') === true)!

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
