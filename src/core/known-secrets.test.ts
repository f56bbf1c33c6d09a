import { expect, test } from 'vitest'
import { KnownSecrets } from './known-secrets.ts'

test('secrets are taken out, however they are written', () => {
  const secrets = new KnownSecrets()
  secrets.add('correct horse battery', undefined, 'short', '  padded-secret\n')
  const basic = Buffer.from('correct horse battery').toString('base64')
  expect(secrets.mask(`a correct horse battery, ${basic}, correct%20horse%20battery, padded-secret, short`)).toBe(
    'a [redacted], [redacted], [redacted], [redacted], short',
  )
  expect(secrets.mask('https://user:pass@example.org/x')).toBe('https://[redacted]@example.org/x')
})

test('a key of several lines is known by each of them, but for those that every key has', () => {
  const secrets = new KnownSecrets()
  secrets.add('-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\r\nhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----\n')
  expect(secrets.mask('"-----BEGIN PRIVATE KEY-----\\nMIIEvQIBADANBgkq\\nhkiG9w0BAQEFAASC\\n"')).toBe(
    '"-----BEGIN PRIVATE KEY-----\\n[redacted]\\n[redacted]\\n"',
  )
})

test('of those that pass, the newest are known', () => {
  const secrets = new KnownSecrets()
  const names = ['first-one', 'second-one', 'third-one', 'fourth-one', 'fifth-one']
  for (const name of [...names, 'fifth-one', 'fourth-one']) secrets.addPassing(name)
  expect(names.map((name) => secrets.mask(name))).toEqual(['first-one', ...Array<string>(4).fill('[redacted]')])
})
