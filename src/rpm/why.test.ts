import { expect, it } from 'vitest'
import { resolveClosure } from './closure.ts'
import { rpmUniverseOf } from './testing/rows-of.ts'
import { why } from './why.ts'

const universe = rpmUniverseOf([
  [
    ['nginx', { requires: ['nginx-core = 1-1', 'openssl-libs'] }],
    ['nginx-core', { requires: ['(openssl-libs >= 1 if nginx)'] }],
    ['curl', { requires: ['libcurl'], recommends: ['certs'] }],
    ['libcurl', { requires: ['openssl-libs'] }],
    ['openssl-libs'],
    ['certs', { requires: ['openssl-libs'] }],
    ['certs-doc', { supplements: ['certs'] }],
    ['alone'],
  ],
])
const closure = resolveClosure(universe, {
  listed: ['nginx', 'curl', 'alone'].map((name) => ({ name, exclude: [] })),
  recommends: true,
})
const tell = (name: string, limit?: number): string[] =>
  why(universe, closure, { name, ...(limit === undefined ? {} : { limit }) }).map(({ steps }) =>
    steps.map((step) => `${step.package} ${step.version}: ${step.because}`).join(' / '),
  )

it.each([
  [
    'openssl-libs',
    [
      'nginx 1-1: listed / openssl-libs 1-1: Requires openssl-libs',
      'curl 1-1: listed / libcurl 1-1: Requires libcurl / openssl-libs 1-1: Requires openssl-libs',
    ],
  ],
  ['certs-doc', ['curl 1-1: listed / certs 1-1: Recommends certs / certs-doc 1-1: certs-doc Supplements certs']],
  ['alone', ['alone 1-1: listed']],
  ['gone', []],
])('why %s', (name, expected) => {
  expect(tell(name).sort()).toEqual([...expected].sort())
})

it('tells so many chains at most, the shortest first', () => {
  expect(tell('openssl-libs', 1)).toEqual(['nginx 1-1: listed / openssl-libs 1-1: Requires openssl-libs'])
})
