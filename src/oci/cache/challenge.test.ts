import { expect, it } from 'vitest'
import { parseChallenge } from './challenge.ts'

it.each([
  [
    'Bearer realm="https://auth.example.org/token",service="registry.example.org",scope="repository:a:pull,push"',
    {
      scheme: 'bearer',
      realm: 'https://auth.example.org/token',
      parameters: { service: 'registry.example.org', scope: 'repository:a:pull,push' },
    },
  ],
  ['bearer REALM = "a\\"b" , service=plain', { scheme: 'bearer', realm: 'a"b', parameters: { service: 'plain' } }],
  ['Basic realm="a registry"', { scheme: 'basic' }],
  ['Negotiate, Basic realm="x"', { scheme: 'basic' }],
  ['Basic', { scheme: 'basic' }],
  ['Bearer realm="r", Basic realm="b"', { scheme: 'bearer', realm: 'r', parameters: {} }],
  ['Bearer service="without a realm"', undefined],
  ['Digest realm="x"', undefined],
  ['', undefined],
])('reads %s', (header, challenge) => {
  expect(parseChallenge(header)).toEqual(challenge)
})

it.each([' '.repeat(4000), ',bearer '.repeat(600), `Bearer ${'a=b'.repeat(1300)}`, `Bearer a="${'\\'.repeat(4000)}`])(
  'comes to an end with what is meant to be slow',
  (header) => {
    expect(parseChallenge(header)).toBeUndefined()
  },
)
