import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parsePublishedPath } from './published-path.ts'

test.each([
  ['/apt/base/dists/bookworm/InRelease', 'base', 'dists/bookworm/InRelease', false],
  ['/apt/base/pool/g%2b%2b_1%3a2~3.deb?x=../..', 'base', 'pool/g++_1:2~3.deb', false],
  ['/apt/base/pool/g++.deb#x', 'base', 'pool/g++.deb', false],
  ['/apt/base/%C3%A9', 'base', 'é', false],
  ['/apt/base/./Release', 'base', 'Release', false],
  ['/apt/base/dists/', 'base', 'dists', true],
  ['/apt/base/', 'base', '', true],
  ['/apt/base', 'base', '', false],
  ['/apt/', '', '', true],
  ['/apt', '', '', true],
  ['/apt?x', '', '', true],
])('%s', (url, mirror, path, folder) => {
  expect(parsePublishedPath(url)).toEqual({ format: 'apt', mirror, path, folder })
})

test('what a pull request would publish has the number of its run before it', () => {
  expect(parsePublishedPath('/preview/17/rpm/el9/repodata/repomd.xml')).toEqual({
    preview: 17,
    format: 'rpm',
    mirror: 'el9',
    path: 'repodata/repomd.xml',
    folder: false,
  })
})

test.each([
  '/preview/0/apt/base/x',
  '/preview/1/2/apt/base/x',
  '/preview/1/setup/base',
  '/preview/../apt/base/x',
  '/preview/12345678901/apt/base/x',
  '/apt/base/../../etc/passwd',
  '/apt/../etc/passwd',
  '/apt/base/%2e/x',
  '/apt/base/%2e%2e/x',
  '/apt/base/.%2E/x',
  '/apt/base//x',
  '/apt//x',
  '/apt//',
  '/apt/base/a%2fb',
  '/apt/base/a%00b',
  '/apt/base/a%0ab',
  '/apt/base/%zz',
  '/apt/base/%ff',
  '/aptitude/base/x',
  '/npm/base/x',
  '/',
  '',
])('%s is no address of a file', (url) => {
  expect(parsePublishedPath(url)).toBeUndefined()
})

test('no address leads out of the mirror', () => {
  const part = fc.oneof(fc.constantFrom('..', '.', '', '%2e%2e', '%2F', '%5c', 'a', '..%2f'), fc.string())
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
      const parsed = parsePublishedPath(`/apt/${parts.join('/')}`)
      if (parsed === undefined || parsed.path === '') return
      for (const one of parsed.path.split('/')) expect(['', '.', '..']).not.toContain(one)
    }),
    { numRuns: 2000 },
  )
})

test('every path of a tree is found again when it is escaped', () => {
  const name = fc
    .string({ minLength: 1, unit: 'grapheme' })
    .filter((text) => !/^\.\.?$|[/\u0000-\u001f\u007f]/.test(text))
  fc.assert(
    fc.property(fc.array(name, { minLength: 1, maxLength: 5 }), (names) => {
      const url = `/apt/base/${names.map(encodeURIComponent).join('/')}`
      expect(parsePublishedPath(url)).toMatchObject({ path: names.join('/'), folder: false })
    }),
  )
})
