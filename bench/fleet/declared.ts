import { parseSiteFile, subDocument } from '../../src/core/index.ts'
import { parseResources } from '../../src/fleet/resource/parse-resources.ts'
import { resolveResources } from '../../src/fleet/resource/resolve-resources.ts'
import type { Resource } from '../../src/fleet/resource/resource-type.ts'
import { testRoom } from '../../src/fleet/testing/resolve-room.ts'

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1)
const content = (number: number): string => `# file ${number}\n${`setting_${number} = value\n`.repeat(40)}`

/** The 21 resources as Larder is told: a package that is installed, 3 directories, 8 files, 2 links, 2 groups, 2 users, 2 names, a command. */
export async function larderResources(): Promise<Resource[]> {
  const list = [
    { package: 'openssh-server' },
    ...['/srv/bench', '/srv/bench/conf', '/srv/bench/data'].map((directory) => ({ directory, mode: '0755' })),
    ...numbers(8).map((number) => ({ file: `/srv/bench/conf/${number}`, content: content(number), mode: '0644' })),
    ...numbers(2).map((number) => ({ link: `/srv/bench/data/${number}`, to: `/srv/bench/conf/${number}` })),
    ...numbers(2).map((number) => ({ group: `bench${number}` })),
    ...numbers(2).map((number) => ({ user: `bench${number}`, group: `bench${number}` })),
    ...numbers(2).map((number) => ({ 'host-entry': `bench-peer-${number}`, address: `192.0.2.${number}` })),
    { command: 'mark', run: ['touch', '/srv/bench/data/made'], creates: '/srv/bench/data/made' },
  ]
  const { document } = parseSiteFile(Buffer.from(JSON.stringify({ resources: list })), 'larder.yaml')
  if (document === undefined) throw new Error('the list of resources cannot be read')
  const { resources, problems } = parseResources(subDocument(document, ['resources']))
  if (problems.length > 0) throw new Error(JSON.stringify(problems))
  const room = testRoom()
  return resolveResources(resources.map((resource) => ({ resource, room })))
}

/** The same 21 as a playbook (YAML holds JSON). */
export function ansiblePlaybook(): string {
  const tasks: Record<string, unknown>[] = [
    { apt: { name: 'openssh-server', state: 'present' } },
    ...['/srv/bench', '/srv/bench/conf', '/srv/bench/data'].map((path) => ({
      file: { path, state: 'directory', mode: '0755' },
    })),
    ...numbers(8).map((number) => ({
      copy: { dest: `/srv/bench/conf/${number}`, content: content(number), mode: '0644' },
    })),
    ...numbers(2).map((number) => ({
      file: { path: `/srv/bench/data/${number}`, src: `/srv/bench/conf/${number}`, state: 'link' },
    })),
    ...numbers(2).map((number) => ({ group: { name: `bench${number}` } })),
    ...numbers(2).map((number) => ({ user: { name: `bench${number}`, group: `bench${number}` } })),
    ...numbers(2).map((number) => ({
      lineinfile: { path: '/etc/hosts', line: `192.0.2.${number} bench-peer-${number}`, unsafe_writes: true },
    })),
    { command: { cmd: 'touch /srv/bench/data/made', creates: '/srv/bench/data/made' } },
  ]
  return JSON.stringify([{ hosts: 'all', tasks }])
}
