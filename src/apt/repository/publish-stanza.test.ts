import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { digestOf, hexOf } from '../../core/digest.ts'
import { publishStanza } from './publish-stanza.ts'

const digest = digestOf('x')
const hex = hexOf(digest)
const file = { path: 'pool/main/a/a/a.deb', sizeBytes: 1, digest, name: 'a' }

describe('publishStanza', () => {
  test.each([
    [
      'as it is',
      `Package: a\nOdd:\t x \n more\nFilename: ${file.path}\nSize: 1\nSHA256: ${hex}\n`,
      `Package: a\nOdd:\t x \n more\nFilename: ${file.path}\nSize: 1\nSHA256: ${hex}\n`,
    ],
    [
      'without the empty line behind it',
      `Package: a\nFilename: ${file.path}\nSize: 1\nSHA256: ${hex}\n\n`,
      `Package: a\nFilename: ${file.path}\nSize: 1\nSHA256: ${hex}\n`,
    ],
    [
      'with a newline at its end',
      `Package: a\nFilename: ${file.path}\nSHA256: ${hex}\nSize: 1`,
      `Package: a\nFilename: ${file.path}\nSHA256: ${hex}\nSize: 1\n`,
    ],
    [
      'with another Filename, and nothing else touched',
      `Package: a\nfilename:   ./a.deb\nOdd:  ü\n  Filename: no\nSize: 1\nSHA256: ${hex}\n`,
      `Package: a\nFilename: ${file.path}\nOdd:  ü\n  Filename: no\nSize: 1\nSHA256: ${hex}\n`,
    ],
    [
      'with a SHA256 when there is only a stronger one',
      `Package: a\nFilename: ${file.path}\nSize: 1\nSHA512: 00\n`,
      `Package: a\nFilename: ${file.path}\nSize: 1\nSHA512: 00\nSHA256: ${hex}\n`,
    ],
  ])('%s', (_, given, expected) => {
    expect(publishStanza(Buffer.from(given), file).toString()).toBe(expected)
  })

  test.each([
    ['DIGEST_MISMATCH', `Package: a\nFilename: x\nSize: 1\nSHA256: ${hexOf(digestOf('y'))}\n`],
    ['SIZE_MISMATCH', `Package: a\nFilename: x\nSize: 2\nSHA256: ${hex}\n`],
  ])('%s when the stanza promises another file', (code, given) => {
    expect(() => publishStanza(Buffer.from(given), file)).toThrow(expect.objectContaining({ code }))
  })

  test('bytes of any encoding are kept', () => {
    const value = fc.uint8Array({ maxLength: 40 }).map((bytes) => bytes.filter((byte) => byte !== 10 && byte !== 13))
    fc.assert(
      fc.property(value, (bytes) => {
        const head = Buffer.concat([Buffer.from('Package: a\nOdd: x'), bytes, Buffer.from('\n')])
        const given = Buffer.concat([head, Buffer.from(`Filename: ./b.deb\nSize: 1\nSHA256: ${hex}\n`)])
        expect(publishStanza(given, file).subarray(0, head.length).equals(head)).toBe(true)
      }),
    )
  })
})
