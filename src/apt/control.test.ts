import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isLarderError } from '../core/error.ts'
import { parseStanza, splitStanzas, streamStanzas } from './control.ts'

const malformed = expect.objectContaining({ code: 'APT_STANZA_MALFORMED' })

describe('parseStanza', () => {
  it('keeps order, bytes and continuation lines', () => {
    const text = 'Package: a\nDescription:  short \n long\n .\n  more\nX-Unknown:\nSHA256: 00\n'
    const stanza = parseStanza(text)
    expect(stanza.fields).toEqual([
      { name: 'Package', value: 'a', line: 1 },
      { name: 'Description', value: 'short\n long\n .\n  more', line: 2 },
      { name: 'X-Unknown', value: '', line: 6 },
      { name: 'SHA256', value: '00', line: 7 },
    ])
    expect(stanza.get('pAcKaGe')).toBe('a')
    expect(stanza.get('Nothing')).toBeUndefined()
    expect(stanza.has('x-unknown')).toBe(true)
    expect(stanza.bytes.toString()).toBe(text)
  })

  it('takes CR LF, empty lines around, and bytes', () => {
    const stanza = parseStanza(Buffer.from('\r\nA: 1\r\nB: 2\r\n 3\r\n\r\n'))
    expect(stanza.fields.map((field) => [field.name, field.value])).toEqual([
      ['A', '1'],
      ['B', '2\n 3'],
    ])
  })

  it('takes comments only where they are allowed', () => {
    expect(parseStanza('# c\nA: 1\n# in between\n 2\n', { comments: true }).get('a')).toBe('1\n 2')
    expect(() => parseStanza('# c: d\nA: 1\n')).toThrow(malformed)
  })

  it.each([
    ['', /no field/],
    ['\n\n', /no field/],
    [' a\n', /continuation/],
    ['A: 1\na: 2\n', /f:2: the field a is given twice/],
    ['A: 1\n\nB: 2\n', /f:3: a second stanza/],
    ['A: 1\nnonsense\n', /f:2: "nonsense" has no colon/],
    [': 1\n', /no field name/],
    ['A B: 1\n', /no field name/],
    ['-A: 1\n', /no field name/],
    ['Ä: 1\n', /no field name/],
    ['A: \0\n', /NUL/],
    ['-----BEGIN PGP SIGNED MESSAGE-----\n\nA: 1\n', /armour/],
    ['A: 1\n-----BEGIN PGP SIGNATURE-----\n', /armour/],
  ])('refuses %j', (text, why) => {
    expect(() => parseStanza(text, { file: 'f' })).toThrow(malformed)
    expect(() => parseStanza(text, { file: 'f' })).toThrow(why)
  })

  it('counts lines from where the stanza stands', () => {
    expect(() => parseStanza('A: 1\nB\n', { file: 'Packages', line: 100 })).toThrow(/^Packages:101: /)
  })

  it('throws nothing but its own error, for any text', () => {
    const text = fc.string({
      unit: fc.constantFrom('A', 'b', ':', ' ', '\n', '\r', '\t', '#', '-', '\0', 'é'),
      maxLength: 60,
    })
    fc.assert(
      fc.property(text, fc.boolean(), (drawn, comments) => {
        try {
          expect(parseStanza(drawn, { comments }).fields.length).toBeGreaterThan(0)
        } catch (error) {
          expect(isLarderError(error, 'APT_STANZA_MALFORMED')).toBe(true)
        }
      }),
      { numRuns: 3000 },
    )
  })
})

describe('splitStanzas', () => {
  it('cuts at empty lines and counts lines', () => {
    const found = [...splitStanzas(Buffer.from('\nA: 1\nB: 2\n\n\r\n\nC: 3\r\n\r\nD: 4'))]
    expect(found.map(({ bytes, line }) => [line, bytes.toString()])).toEqual([
      [2, 'A: 1\nB: 2\n'],
      [7, 'C: 3\r\n'],
      [9, 'D: 4'],
    ])
  })

  it('does not cut at a line of blanks', () => {
    expect([...splitStanzas(Buffer.from('A: 1\n \n b\n'))]).toHaveLength(1)
  })
})

describe('streamStanzas', () => {
  async function collect(chunks: Iterable<Uint8Array>, maxStanzaBytes?: number): Promise<string[]> {
    const found: string[] = []
    const limits = maxStanzaBytes === undefined ? {} : { maxStanzaBytes, file: 'Packages' }
    for await (const stanza of streamStanzas(streamOf(chunks), limits)) found.push(stanza.toString('latin1'))
    return found
  }

  async function* streamOf(chunks: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for (const chunk of chunks) yield await Promise.resolve(chunk)
  }

  it('finds what splitStanzas finds, however the stream is cut', async () => {
    const text = fc.string({ unit: fc.constantFrom('a', '\n', '\n', '\r\n', '\r', ' ', ':'), maxLength: 30 })
    await fc.assert(
      fc.asyncProperty(
        text,
        fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 40 }),
        async (drawn, cuts) => {
          const bytes = Buffer.from(drawn)
          const chunks: Buffer[] = []
          for (let at = 0, turn = 0; at < bytes.length; turn++) {
            const size = cuts[turn % cuts.length] ?? 1
            chunks.push(bytes.subarray(at, at + size))
            at += size
          }
          const whole = [...splitStanzas(bytes)].map((stanza) => stanza.bytes.toString('latin1'))
          expect(await collect(chunks)).toEqual(whole.filter((stanza) => stanza !== '\r'))
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('stops at a stanza over the limit, having read little more', async () => {
    let given = 0
    function* endless(): Generator<Uint8Array> {
      for (; given < 1000; given++) yield Buffer.from('A: 1\n'.repeat(10))
    }
    await expect(collect(endless(), 1000)).rejects.toThrow(malformed)
    expect(given).toBeLessThan(25)
  })

  it('holds the limit against each stanza, not against the stream', async () => {
    const chunk = Buffer.from('A: 1\n\n'.repeat(1000))
    expect(await collect([chunk, chunk], 100)).toHaveLength(2000)
  })
})
