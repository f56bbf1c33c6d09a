import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isLarderError } from '../core/error.ts'
import { parseCleartext } from './cleartext.ts'

const begin = '-----BEGIN PGP SIGNED MESSAGE-----'
const block = '-----BEGIN PGP SIGNATURE-----\n\nAAAA\n=AAAA\n-----END PGP SIGNATURE-----\n'
const parse = (text: string): { text: string; signatures: string } => {
  const found = parseCleartext(Buffer.from(text))
  return { text: found.text.toString(), signatures: found.signatures.toString('hex') }
}

describe('parseCleartext', () => {
  it.each([
    ['plain', `${begin}\nHash: SHA256\n\nA: 1\n\n${block}`, 'A: 1\n'],
    ['without header', `${begin}\n\nA: 1\n${block}`, 'A: 1'],
    [
      'CR LF and blanks at ends',
      `${begin}\r\nHash: SHA256, SHA512 \r\n\r\nA: 1 \t\r\nB: 2\r\n${block.replaceAll('\n', '\r\n')}`,
      'A: 1\nB: 2',
    ],
    ['dash-escapes', `${begin}\n\n- -x\n- y\n${block}`, '-x\ny'],
    ['blank lines around', `\n\n${begin}\n\nA: 1\n${block}\n\n`, 'A: 1'],
    ['empty text', `${begin}\n\n${block}`, ''],
  ])('takes %s', (_, text, expected) => {
    expect(parse(text)).toEqual({ text: expected, signatures: '000000' })
  })

  it('joins several signature blocks', () => {
    expect(parse(`${begin}\n\nA: 1\n${block}\n${block}`).signatures).toBe('000000000000')
  })

  it.each([
    ['nothing', '', 'SIGNATURE_MISSING'],
    ['a plain Release', 'Origin: x\n', 'SIGNATURE_MISSING'],
    ['text before', `Origin: x\n${begin}\n\nA: 1\n${block}`, 'SIGNATURE_MISSING'],
    ['no signature', `${begin}\n\nA: 1\n`, 'SIGNATURE_MISSING'],
    ['no end of header', `${begin}\nHash: SHA256`, 'SIGNATURE_MISSING'],
    ['text after', `${begin}\n\nA: 1\n${block}Origin: x\n`, 'SIGNATURE_BAD'],
    ['text between', `${begin}\n\nA: 1\n${block}x\n${block}`, 'SIGNATURE_BAD'],
    ['a second message', `${begin}\n\nA: 1\n${block}${begin}\n\nB: 1\n${block}`, 'SIGNATURE_BAD'],
    ['a message in a message', `${begin}\n\n${begin}\n\nA: 1\n${block}`, 'SIGNATURE_BAD'],
    ['an unescaped dash', `${begin}\n\n-x\n${block}`, 'SIGNATURE_BAD'],
    ['another header', `${begin}\nNotDashEscaped: yes\n\nA: 1\n${block}`, 'SIGNATURE_BAD'],
    ['text in the header', `${begin}\nOrigin: x\n\nA: 1\n${block}`, 'SIGNATURE_BAD'],
    ['a signature that breaks off', `${begin}\n\nA: 1\n-----BEGIN PGP SIGNATURE-----\n\nAAAA\n`, 'SIGNATURE_BAD'],
    ['a signature that is not base64', `${begin}\n\nA: 1\n${block.replace('AAAA', '####')}`, 'SIGNATURE_BAD'],
  ])('refuses %s', (_, text, code) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code }))
  })

  it('throws nothing but its own errors, for any text', () => {
    const line = fc.constantFrom(
      begin,
      '',
      'A: 1',
      '-----BEGIN PGP SIGNATURE-----',
      '-----END PGP SIGNATURE-----',
      'AAAA',
      '- -',
      '-',
      '\r',
    )
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
        try {
          parse(lines.join('\n'))
        } catch (error) {
          expect(isLarderError(error, 'SIGNATURE_MISSING', 'SIGNATURE_BAD')).toBe(true)
        }
      }),
      { numRuns: 3000 },
    )
  })
})
