import { expect, it } from 'vitest'
import type { NetworkStatus, SiteLease } from '../../../fleet/index.ts'
import { judgeNetwork } from './network.ts'

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
  state: { network: { site: 'lab', server: 'kea', subnets: [subnet] }, names: [] },
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

it.each<[string, Partial<NetworkStatus>, SiteLease[], string[]]>([
  ['all is well', {}, [...range(18), lease('10.0.0.9', 40, 'web-1')], []],
  ['nothing was ever made', { state: undefined, dhcp: undefined, dns: undefined }, [], []],
  [
    'nothing runs',
    { dhcp: undefined, dns: undefined },
    [],
    ['error: What hands out addresses does not run.', 'error: What answers for names does not run.'],
  ],
  [
    'the range is nearly full',
    {},
    range(19),
    ['warning: 1 of the 20 addresses of 10.0.0.10 to 10.0.0.29 are left: soon whoever comes gets none.'],
  ],
  [
    'the range is full',
    {},
    range(20),
    ['error: 0 of the 20 addresses of 10.0.0.10 to 10.0.0.29 are left: whoever comes gets none.'],
  ],
  [
    'who is to be there does not renew',
    {},
    [lease('10.0.0.9', 7, 'web-1'), lease('10.0.0.11', 1)],
    ['warning: web-1 has not renewed 10.0.0.9, which it has until 2026-01-01T00:07:00.000Z only.'],
  ],
])('%s', (_what, status, leases, messages) => {
  const found = judgeNetwork({ ...running, ...status }, leases, now)
  expect(found.map(({ severity, message }) => `${severity}: ${message}`)).toEqual(messages)
})
