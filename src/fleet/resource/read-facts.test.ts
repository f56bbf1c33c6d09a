import fc from 'fast-check'
import { expect, it } from 'vitest'
import { readTogether } from './ask-together.ts'
import type { ResolveRoom } from './resource-type.ts'
import { resourceTypes } from './resource-types.ts'
import { testRoom } from '../testing/resolve-room.ts'

/** One that is right of each type. */
const examples: Readonly<Record<string, object>> = {
  package: { package: ['a', 'b=1'], state: 'present' },
  repository: { repository: 'base', only: true },
  file: { file: '/a', content: 'x' },
  directory: { directory: '/a' },
  link: { link: '/a', to: 'b' },
  archive: { archive: '/a/b', source: 'a.tar' },
  'git-checkout': { 'git-checkout': '/a/b', repository: 'https://git.example.org/a', revision: 'main' },
  user: { user: 'a', groups: ['b'] },
  group: { group: 'a', gid: 7 },
  'ssh-key': { 'ssh-key': 'a', key: `ssh-ed25519 ${'A'.repeat(68)}` },
  'host-entry': { 'host-entry': 'a', address: '192.0.2.1' },
  sysctl: { sysctl: 'net.ipv4.ip_forward', value: 1 },
  mount: { mount: '/a', device: 'tmpfs' },
  unit: { unit: 'a.service', content: '[Service]\n' },
  service: { service: 'a' },
  timer: { timer: 'a', at: 'daily', run: ['true'] },
  authority: { authority: 'registry' },
  container: { container: 'a', image: 'counter' },
  command: { command: 'a', run: 'true', unless: 'false' },
  'npm-package': { 'npm-package': 'a' },
  'pip-package': { 'pip-package': 'a', venv: '/a' },
}

const room: ResolveRoom = testRoom(
  { 'a.tar': 'x' },
  {
    mirror: async () => ({ format: 'apt', name: 'base', source: 'Types: deb\n', keys: [], snapshot: 1 }),
    image: async () => ({ reference: 'registry.example.org/a@sha256:00', digest: 'sha256:00' }),
    authority: async () => ({ certificate: 'PEM\n', registry: 'registry.example.org:7443' }),
  },
)

/** Words that scripts print, so that what is made up comes near to what is said. */
const line = fc.oneof(
  fc.constantFrom(
    '',
    'targets',
    '\0',
    '@units',
    '@end units',
    'systemd',
    'none',
    '@packages',
    '@end packages',
    'dpkg',
    'whole',
    '= 0',
    '. 0',
    '= 1',
    '. 1',
    '@trust',
    '@end trust',
    'yes',
    '@others',
    '@end others',
    '@hosts',
    '@end hosts',
    '@mounts',
    '@end mounts',
  ),
  fc
    .tuple(
      fc.constantFrom(
        'have',
        'stat',
        'hash',
        'sum',
        'text',
        'link',
        'is',
        'new',
        'value',
        'passwd',
        'gid',
        'lines',
        'hosts',
        'commit',
        'wanted',
        'manifest',
        'found',
        'unless',
        'LoadState=loaded',
      ),
      fc.oneof(
        fc.string(),
        fc.base64String(),
        fc.constantFrom('0', '1', '-1', '9999999', '81a4 5 0 0 root:root /a', 'a127 5 0 0 root:root /a'),
      ),
    )
    .map((words) => words.join(' ')),
  fc.string({ unit: 'binary' }),
)

it.each(resourceTypes.map((type) => [type.name, type] as const))(
  '%s: whatever a host says, there is an answer for each, and its difference',
  async (name, type) => {
    const all: unknown[] = await Promise.all(
      [0, 1].map(() => type.resolve(type.schema.parse(examples[name]), room) as Promise<unknown>),
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array().map((bytes) => Buffer.from(bytes)),
          fc.array(line, { maxLength: 30 }).map((text) => Buffer.from(text.join('\n'), 'latin1')),
        ),
        (output) => {
          const seen = readTogether(
            all.map((desired) => type.asks?.(desired) ?? {}),
            { paths: output, units: output },
          )
          const looked = type.read(output, all, seen)
          expect(looked).toHaveLength(2)
          for (const [at, one] of looked.entries()) if (one.known) type.diff(all[at], one.facts)
        },
      ),
      { numRuns: 300 },
    )
  },
)
