import { isAbsolute, normalize } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isLarderError } from '../core/error.ts'
import { checkFilename, isSafeFilename } from './filename.ts'

describe('checkFilename', () => {
  it.each([
    ['pool/main/n/nginx/nginx_1.22.1-9_amd64.deb', 'pool/main/n/nginx/nginx_1.22.1-9_amd64.deb'],
    ['./nginx_1_all.deb', 'nginx_1_all.deb'],
    ['pool//x/./y.deb', 'pool/x/y.deb'],
    ['pool/g/g++_1:2~rc1+b2_i386.deb', 'pool/g/g++_1:2~rc1+b2_i386.deb'],
    ['a_1%3a2_amd64.deb', 'a_1%3a2_amd64.deb'],
    ['main/dep11/icons-48x48@2.tar.gz', 'main/dep11/icons-48x48@2.tar.gz'],
    ['with blank/ü.deb', 'with blank/ü.deb'],
    ['..a/b..', '..a/b..'],
  ])('takes %j', (text, expected) => {
    expect(checkFilename(text)).toBe(expected)
    expect(isSafeFilename(text)).toBe(true)
  })

  it.each([
    '',
    '.',
    './',
    '/',
    '/etc/passwd',
    '//host/x',
    '..',
    '../x',
    'a/../../x',
    'a/..',
    'a/',
    'a\\b',
    '..\\x',
    'a\0b',
    'a\nb',
    'a\x7fb',
    '%2e%2e/x',
    'a/%2E%2e/x',
    '..%2fx',
    'a%5cb',
    'a%00b',
    'a%0ab',
    '%252e%252e/x',
    'a%',
    'a%zz',
    'a%7f',
    'http://example.org/x',
    'file:x',
    'a/ b/c',
    'a /b',
    '\u202egnp.deb',
    'a\u2028b',
    '\ud800',
    'a\u0085',
    `${'a'.repeat(256)}.deb`,
    'a/'.repeat(600) + 'b',
  ])('refuses %j', (text) => {
    expect(() => checkFilename(text)).toThrow(expect.objectContaining({ code: 'APT_FILENAME_REFUSED' }))
    expect(isSafeFilename(text)).toBe(false)
  })

  it('lets nothing through that leads elsewhere, even decoded twice', () => {
    const piece = fc.constantFrom('.', '..', '/', '%', '2', 'e', 'E', 'f', '5', 'c', '0', 'a', '\\', '~', ' ', ':')
    fc.assert(
      fc.property(fc.string({ unit: piece, maxLength: 16 }), (text) => {
        let path: string
        try {
          path = checkFilename(text)
        } catch (error) {
          expect(isLarderError(error, 'APT_FILENAME_REFUSED')).toBe(true)
          return
        }
        const decode = (encoded: string): string =>
          encoded.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
        for (const seen of [path, decode(path), decode(decode(path))]) {
          expect(isAbsolute(seen)).toBe(false)
          expect(seen.split('/')).not.toContain('..')
          expect(seen.split('/')).toHaveLength(path.split('/').length)
        }
        expect(normalize(path)).toBe(path)
      }),
      { numRuns: 5000 },
    )
  })
})
