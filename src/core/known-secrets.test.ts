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
