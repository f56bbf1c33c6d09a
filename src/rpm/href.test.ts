import { expect, test } from 'vitest'
import { checkHref, faultOfHref } from './href.ts'

test.each([
  'a.rpm',
  'Packages/n/nginx-1:1.22-1.el9.x86_64.rpm',
  'Packages/g/gcc-c++-1~rc1^git.rpm',
  'a%20b/c d.rpm',
  '.hidden/..a/a..b.rpm',
  'über/é.rpm',
])('%s may be fetched', (href) => {
  expect(faultOfHref(href)).toBeUndefined()
  checkHref(href, 'test')
})

test.each([
  '',
  '/etc/passwd',
  '//host/a.rpm',
  'http://host/a.rpm',
  'file:a.rpm',
  'HTTPS:a',
  '..',
  'a/../../b',
  './a.rpm',
  'a//b.rpm',
  'a/',
  '%2e%2e/a.rpm',
  'a/.%2E/b',
  'a%2fb',
  'a\\..\\b',
  'a%5cb',
  'a\nb',
  'a%00b',
  'a%0ab',
  'a\ud800b',
  'a'.repeat(5000),
])('%j may not', (href) => {
  expect(faultOfHref(href)).toBeTypeOf('string')
  expect(() => {
    checkHref(href, 'test')
  }).toThrow(expect.objectContaining({ code: 'RPM_HREF_REFUSED' }))
})
