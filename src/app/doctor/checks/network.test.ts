import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Finding } from '../../../core/index.ts'
import type { NetworkStatus, SiteLease } from '../../../fleet/index.ts'
import { judgeDeclared, judgeNetwork, judgeServers } from './network.ts'
import { found, useTestLarder } from '../../testing/doctored-larder.ts'

const start = useTestLarder()
type Declared = Parameters<typeof judgeDeclared>[0]

const now = new Date('2026-01-01T00:00:00Z')
const reservations = [{ name: 'web-1', mac: '02:00:00:00:00:01', address: '10.0.0.9' }]
const dhcp = {
  range: ['10.0.0.10', '10.0.0.29'],
  leaseSeconds: 3600,
  reservations,
  ntp: [],
  allowOther: false,
} as const
const subnet = {
  name: 'lab',
  subnet: '10.0.0.0/24',
  gateway: '10.0.0.1',
  domain: 'lab.test',
  dns: 'larder',
  dhcp,
} as const
const running: NetworkStatus = {
  state: { network: { site: 'lab', server: 'kea', subnets: [subnet] }, names: [], dhcp: 'sha256:1' },
  dhcp: 'sha256:1',
  dns: '',
}
const lease = (address: string, minutes: number, reservedFor?: string): SiteLease => ({
  address,
  mac: '02:00:00:00:00:09',
  hostname: '',
  expiresAt: new Date(now.getTime() + minutes * 60_000),
  network: 'lab',
  reservedFor,
})
const range = (count: number): SiteLease[] => Array.from({ length: count }, (_, at) => lease(`10.0.0.${10 + at}`, 50))

const inWords = ({ severity, message }: Finding): string => `${severity}: ${message}`

it.each<[string, SiteLease[], string[]]>([
  ['all is well', [...range(18), lease('10.0.0.9', 40, 'web-1')], []],
  [
    'the range is nearly full',
    range(19),
    ['warning: 1 of the 20 addresses of 10.0.0.10 to 10.0.0.29 are left: soon whoever comes gets none.'],
  ],
  [
    'the range is full',
    range(20),
    ['error: 0 of the 20 addresses of 10.0.0.10 to 10.0.0.29 are left: whoever comes gets none.'],
  ],
  [
    'who is to be there does not renew',
    [lease('10.0.0.9', 7, 'web-1'), lease('10.0.0.11', 1)],
    ['warning: web-1 has not renewed 10.0.0.9, which it has until 2026-01-01T00:07:00.000Z only.'],
  ],
])('%s', (_what, leases, messages) => {
  expect(judgeNetwork(running, leases, { now, machines: [] }).map(inWords)).toEqual(messages)
})

it('a machine that was brought up, and has let its lease expire, is told of while there is a server', () => {
  const known = (place: 'ssh' | 'vm' | 'container') => [{ name: 'web-1', place }, { name: 'web-2', place }] // prettier-ignore
  const words = (leases: SiteLease[], status = running, machines = known('ssh')) =>
    judgeNetwork(status, leases, { now, machines }).map(inWords)
  expect(words([lease('10.0.0.9', 40, 'web-1')])).toEqual([])
  expect(words([lease('10.0.0.10', 40)])).toEqual([
    'warning: web-1 has no lease of 10.0.0.9, which is reserved for it: its lease has expired, or it never asked for one.',
  ])
  expect(words([], { ...running, dhcp: undefined })).toEqual([])
  // Those that Larder makes have their addresses from it.
  expect([words([], running, known('vm')), words([], running, known('container'))]).toEqual([[], []])
})

describe('servers', () => {
  const keaLacks = { message: 'Kea is not installed.', hint: 'apt-get install kea-dhcp4-server' }
  it.each<[string, Partial<NetworkStatus>, typeof keaLacks | undefined, string[]]>([
    ['run', {}, undefined, []],
    ['were never made', { state: undefined, dhcp: undefined, dns: undefined }, undefined, []],
    [
      'do not run',
      { dhcp: undefined, dns: undefined },
      undefined,
      ['error: kea, which hands out addresses, does not run.', 'error: What answers for names does not run.'],
    ],
    [
      'cannot run',
      { dhcp: undefined },
      keaLacks,
      ['error: kea, which hands out addresses, does not run: Kea is not installed.'],
    ],
    [
      'run for some networks',
      {},
      { message: 'The interface eth2 is not here.', hint: 'Give it one.' },
      ['error: Not all networks are served: The interface eth2 is not here.'],
    ],
    [
      'were told something else',
      { dhcp: 'sha256:2' },
      undefined,
      ['warning: kea runs with another configuration than the last run made, or does not answer.'],
    ],
  ])('%s', (_what, status, obstacle, messages) => {
    const found = judgeServers({ ...running, ...status }, { isServing: false, obstacle })
    expect(found.map(inWords)).toEqual(messages)
    if (obstacle !== undefined) expect(found[0]?.hint).toBe(obstacle.hint)
  })
})

describe('what main declares', () => {
  const network = running.state!.network
  const plain = { name: 'lab', subnet: '10.0.0.0/24', gateway: '10.0.0.1', domain: 'lab.test', dns: [] } as const
  const inAll = 'in 10.0.0.0/24: main declares it, and no run has made it here.'
  it.each<[string, Declared, Declared, string[]]>([
    ['is made', network, network, []],
    ['is nothing', undefined, undefined, []],
    ['needs no server', { ...network, subnets: [plain] }, undefined, []],
    ['was never made', network, undefined, [`error: Nobody hands out addresses or answers for names ${inAll}`]],
    [
      'is more than was made',
      network,
      { ...network, subnets: [{ ...plain, dns: 'larder' }] },
      [`error: Nobody hands out addresses ${inAll}`],
    ],
  ])('%s', (_what, declared, made, messages) => {
    expect(judgeDeclared(declared, made).map(inWords)).toEqual(messages)
  })
})

it('a network of main that no run has made is told', async () => {
  const larder = await start()
  const files = await readFile(join(larder.clone, 'larder.yaml'), 'utf8')
  const network = '{ subnet: 10.250.250.0/24, gateway: 10.250.250.1, dhcp: { range: [10.250.250.10, 10.250.250.20] } }'
  await larder.commit({ 'larder.yaml': `${files}network: ${network}\n` }, { apply: false })
  expect(await found(larder, 'network')).toMatchObject([
    {
      severity: 'error',
      subject: 'network default',
      message: expect.stringContaining('hands out addresses or answers'),
    },
  ])
})
