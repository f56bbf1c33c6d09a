import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isSecretName, redactText } from './redact.ts'

test.each([
  ['https://user:hunter2@example.org/a', 'https://[redacted]@example.org/a'],
  ['cloning https://x-token@example.org/a.git failed', 'cloning https://[redacted]@example.org/a.git failed'],
  [
    'http://a:b@127.0.0.1:1/ and ftp://c:d@127.0.0.1/',
    'http://[redacted]@127.0.0.1:1/ and ftp://[redacted]@127.0.0.1/',
  ],
  ['Authorization: Basic dXNlcjpwYXNz', 'Authorization: [redacted]'],
  ['"authorization":"Bearer abc.def"', '"authorization":"[redacted]"'],
  ['Proxy-Authorization: Basic dXNlcjpwYXNz, next', 'Proxy-Authorization: [redacted], next'],
  ['sent Bearer abcdefgh.ijkl', 'sent Bearer [redacted]'],
  ['GET /hook?token=s3cret&page=2', 'GET /hook?token=[redacted]&page=2'],
  ['pulled with eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ3ZWItMSJ9.c2lnbmF0dXJl!', 'pulled with [redacted]!'],
  ['{"password": "hunter2"}', '{"password": "[redacted]"}'],
])('redactText(%j)', (text, expected) => {
  expect(redactText(text)).toBe(expected)
})

test.each([
  'http://example.org/pool/main/n/nginx_1.22.1-9+deb12u1_amd64.deb',
  'mail admin@example.org about https://example.org/',
  'base@12 was published from sha256:ba7816bf',
  'https://example.org/a?user=x@example.org',
  'key 4A8B19F2 signed it; the bearer of bad news',
  'eyJhbGciOiJIUzI1NiJ9 alone, or a.file.name, says nothing',
])('leaves %j as it is', (text) => {
  expect(redactText(text)).toBe(text)
})

test('no credentials of a URL come through, whatever stands around it', () => {
  const secret = fc.stringMatching(/^[a-zA-Z0-9%._~!$&*+=:-]{8,40}$/)
  fc.assert(
    fc.property(fc.string(), secret, fc.string(), (before, credentials, after) => {
      fc.pre(!before.includes(credentials) && !after.includes(credentials))
      expect(redactText(`${before} https://${credentials}@example.org/${after}`)).not.toContain(`${credentials}@`)
    }),
  )
})

test.each([
  ['token', true],
  ['adminToken', true],
  ['hook_secret', true],
  ['Authorization', true],
  ['set-cookie', true],
  ['passphrase', true],
  ['apiKey', true],
  ['privateKey', true],
  ['publicKey', false],
  ['fingerprint', false],
  ['tokens', false],
  ['secretary', false],
  ['mirror', false],
])('isSecretName(%j) is %j', (name, expected) => {
  expect(isSecretName(name)).toBe(expected)
})
