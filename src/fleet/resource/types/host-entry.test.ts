import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, it, onTestFinished } from 'vitest'
import { lines, sh, type Script } from '../../shell/script.ts'
import { debianHost } from '../../testing/converge.ts'
import { runScript } from '../../testing/run-script.ts'
import type { Difference } from '../resource-type.ts'
import { hostEntryType } from './host-entry.ts'

interface Hosts {
  readonly text: () => string
  readonly plan: (declared: object) => readonly Difference[] | string | undefined
  readonly apply: (declared: object) => void
}

/** A machine of which only this file is its own. */
function hostsOf(text: string): Hosts {
  const folder = mkdtempSync(join(tmpdir(), 'larder-hosts-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'hosts')
  writeFileSync(path, text)
  const within = (script: Script): Buffer => {
    const inner = lines(sh`set -eu`, sh`mount --bind ${path} /etc/hosts`, script)
    const { code, stdout, stderr } = runScript(sh`exec unshare --mount -- sh -c ${inner.shell}`)
    expect([code, stderr]).toEqual([0, ''])
    return stdout
  }
  const desiredOf = (declared: object) => hostEntryType.schema.parse({ 'host-entry': 'db', ...declared })
  return {
    text: () => readFileSync(path, 'utf8'),
    plan: (declared) => {
      const desired = desiredOf(declared)
      const [looked] = hostEntryType.read(within(hostEntryType.facts!([desired])), [desired], [])
      return looked?.known === true ? hostEntryType.diff(desired, looked.facts) : looked?.why
    },
    apply: (declared) => {
      within(hostEntryType.apply(desiredOf(declared), { facts: undefined, differences: [], host: debianHost }))
    },
  }
}

beforeEach((context) => {
  if (process.getuid?.() !== 0) context.skip('cannot apply: only root can mount')
})

const wanted = { address: '10.0.0.6', aliases: ['db.lab', 'primary'] }
const own = '10.0.0.6 db db.lab primary\n'

it.each([
  ['another address', '10.0.0.5 db db.lab primary\n', wanted, own],
  ['an alias less', '10.0.0.6 db db.lab primary old\n', wanted, own],
  ['it goes', '10.0.0.5 db db.lab primary\n', { state: 'absent' }, ''],
  ['two of them', '10.0.0.5 db db.lab # old\n\t10.0.0.4\tdb  primary\n::2 db\n', wanted, own],
  ['an old one beside the right one', `10.0.0.5 db db.lab\n${own}`, wanted, own],
  [
    'a further name of another',
    '10.0.0.9 web db # x\n10.0.0.8 db.lab web\n',
    { address: '10.0.0.6' },
    '10.0.0.9 web # x\n10.0.0.8 db.lab web\n10.0.0.6 db\n',
  ],
  [
    'what only looks alike',
    '# 10.0.0.5 db x\n10.0.0.7 db-2 primary\n',
    wanted,
    `# 10.0.0.5 db x\n10.0.0.7 db-2 primary\n${own}`,
  ],
  [
    'the name of the machine itself',
    '127.0.1.1 db me\n::1 db ip6-me # mine\n',
    wanted,
    `127.0.1.1 me\n::1 ip6-me # mine\n${own}`,
  ],
  [
    'a loopback address',
    '127.0.0.1 localhost\n127.0.1.1 db me # x\n',
    { address: '127.0.1.1' },
    '127.0.0.1 localhost\n127.0.1.1 me # x\n127.0.1.1 db\n',
  ],
  ['from a loopback address', '127.0.0.1 db\n', wanted, own],
  ['to a loopback address', '10.0.0.5 db db.lab\n', { address: '::1' }, '::1 db\n'],
])('%s: lines before, and after', (_, before, declared, after) => {
  const hosts = hostsOf(before)
  expect(hosts.plan(declared)).not.toEqual([])
  hosts.apply(declared)
  expect(hosts.text()).toBe(after)
  expect(hosts.plan(declared)).toEqual([])
  hosts.apply(declared)
  expect(hosts.text()).toBe(after)
})
