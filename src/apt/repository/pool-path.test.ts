import { expect, test } from 'vitest'
import { digestOf, hexOf } from '../../core/digest.ts'
import { assignPoolPaths, isPoolPath } from './pool-path.ts'
import { syntheticPackage } from './testing/synthetic-package.ts'

test.each([
  ['pool/main/a/a/a_1_amd64.deb', true],
  ['pool/main/a/a/a_1%3a2~b+c_amd64.deb', true],
  ['x/a.udeb', true],
  ['a.deb', false],
  ['./a.deb', false],
  ['/pool/a.deb', false],
  ['pool//a.deb', false],
  ['pool/../a.deb', false],
  ['pool/./a.deb', false],
  ['pool/.hidden/a.deb', false],
  ['pool/a b.deb', false],
  ['pool/a?.deb', false],
  ['pool/a#.deb', false],
  ['pool\\a.deb', false],
  ['pool/a.deb\n', false],
  ['pool/ä.deb', false],
  ['pool/a.deb/b.deb', false],
  ['pool/a', false],
  ['dists/bookworm/a.deb', false],
  ['larder/a.deb', false],
  [`pool/${'a'.repeat(400)}.deb`, false],
])('isPoolPath %s: %s', (path, expected) => {
  expect(isPoolPath(path)).toBe(expected)
})

const pathsOf = (...given: Parameters<typeof syntheticPackage>[]): string[] =>
  assignPoolPaths(
    given.map((each) => syntheticPackage(...each)),
    'main',
  ).paths

test.each([
  [
    'a flat upstream',
    ['nmap', { filename: './nmap.deb', version: '1:7.9-1' }],
    'pool/main/n/nmap/nmap_7.9-1_amd64.deb',
  ],
  ['a library', ['libx1', { filename: 'a.deb', sourceName: 'libx' }], 'pool/main/libx/libx/libx1_1.0-1_amd64.deb'],
  ['a component', ['a', { filename: '/a.deb', component: 'contrib' }], 'pool/contrib/a/a/a_1.0-1_amd64.deb'],
  ['odd names', ['a', { filename: '/a.deb', sourceName: '../x', version: '1/2' }], 'pool/main/_/__x/a_1_2_amd64.deb'],
] as const)('%s', (_, given, expected) => {
  expect(pathsOf([...given])).toEqual([expected])
})

test('one path, three contents: kept, moved to the pool, moved to a folder of its digest', () => {
  const filename = 'pool/main/a/a/a_1.0-1_amd64.deb'
  const items = ['1', '2', '3'].map((text) => ({ ...syntheticPackage('a', { filename }), digest: digestOf(text) }))
  items[1]!.filename = 'pool/main/z.deb'
  items[2]!.filename = 'pool/main/z.deb'
  expect(assignPoolPaths(items, 'main').paths).toEqual([
    filename,
    'pool/main/z.deb',
    `pool/main/a/a/${hexOf(digestOf('3'))}/a_1.0-1_amd64.deb`,
  ])
})

test('the same file for two packages is one file', () => {
  const one = syntheticPackage('a')
  expect([...assignPoolPaths([one, { ...one, component: 'contrib' }], 'main').shared]).toEqual([1])
})
