import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { createClientAddress } from './client-address.ts'

const request = (remoteAddress: string | undefined, forwarded?: string) =>
  ({ socket: { remoteAddress }, headers: { 'x-forwarded-for': forwarded } }) as unknown as IncomingMessage

test.each([
  [undefined, '192.0.2.7', undefined, '192.0.2.7'],
  [undefined, '192.0.2.7', '198.51.100.1', '192.0.2.7'],
  [['192.0.2.7'], '192.0.2.7', undefined, '192.0.2.7'],
  [['192.0.2.7'], '192.0.2.7', '198.51.100.1', '198.51.100.1'],
  [['192.0.2.7'], '192.0.2.8', '198.51.100.1', '192.0.2.8'],
  [['192.0.2.7'], '::ffff:192.0.2.7', '203.0.113.9, 198.51.100.1', '198.51.100.1'],
  [['192.0.2.0/24', '10.0.0.0/8'], '192.0.2.7', '203.0.113.9, 10.1.2.3', '203.0.113.9'],
  [['192.0.2.0/24'], '192.0.2.7', '192.0.2.9', '192.0.2.9'],
  [['192.0.2.0/24'], '192.0.2.7', 'nonsense', 'nonsense'],
  [['2001:db8::/32', '::1'], '::1', '203.0.113.9, 2001:db8::5', '203.0.113.9'],
  [['10.0.0.0/8'], undefined, '203.0.113.9', ''],
])('behind %j, from %s that says %j: %s', (trusted, remote, forwarded, expected) => {
  expect(createClientAddress(trusted)(request(remote, forwarded))).toBe(expected)
})
