import fc from 'fast-check'
import { expect, it, describe, test } from 'vitest'
import { isLarderError } from '../core/index.ts'
import { parseMetalink } from './metalink.ts'
import { parseMirrorlist } from './mirrorlist.ts'

const hex = (length: number, digit: string): string => digit.repeat(length)
const hashes = (digit: string): string => `<verification>
  <hash type="md5">${hex(32, digit)}</hash><hash type="sha512">${hex(128, digit)}</hash><hash type="sha256">${hex(64, digit)}</hash>
  <hash type="whirlpool">${hex(128, digit)}</hash></verification>`

const whole = `<?xml version="1.0" encoding="utf-8"?>
<metalink version="3.0" xmlns="urn:metalink" xmlns:mm0="urn:mm0"><files>
  <file name="other.xml">${hashes('f')}</file>
  <file name="repomd.xml">
    <mm0:timestamp>1700000000</mm0:timestamp><size>4000</size>${hashes('a')}
    <mm0:alternates>
      <mm0:alternate><mm0:timestamp>1600000000</mm0:timestamp><size>3000</size>${hashes('b')}</mm0:alternate>
      <mm0:alternate><size>2000</size></mm0:alternate>
    </mm0:alternates>
    <resources>
      <url protocol="https" preference="98">https://second.example.org/r/repodata/repomd.xml</url>
      <url protocol="rsync" preference="100">rsync://first.example.org/r/repodata/repomd.xml</url>
      <url protocol="https" preference="1"> https://last.example.org/r/repodata/repomd.xml </url>
    </resources>
  </file>
</files></metalink>`

test('version 3: the best checksum, its alternates, addresses by preference', () => {
  expect(parseMetalink(Buffer.from(whole))).toEqual({
    addresses: [
      'rsync://first.example.org/r/repodata/repomd.xml',
      'https://second.example.org/r/repodata/repomd.xml',
      'https://last.example.org/r/repodata/repomd.xml',
    ],
    promises: [
      { checksum: { type: 'sha256', hex: hex(64, 'a') }, sizeBytes: 4000, timestamp: 1700000000 },
      { checksum: { type: 'sha256', hex: hex(64, 'b') }, sizeBytes: 3000, timestamp: 1600000000 },
    ],
  })
})

test('version 4: hashes beside the size, a lower priority is better', () => {
  const text = `<metalink xmlns="urn:ietf:params:xml:ns:metalink"><file name="repomd.xml"><size>7</size>
    <hash type="sha-1">${hex(40, 'A')}</hash>
    <url priority="2">http://b.example.org/repomd.xml</url><url priority="1">http://a.example.org/repomd.xml</url>
    <url>http://c.example.org/repomd.xml</url></file></metalink>`
  const { addresses, promises } = parseMetalink(Buffer.from(text))
  expect(addresses.map((address) => new URL(address).hostname[0])).toEqual(['a', 'b', 'c'])
  expect(promises).toEqual([{ checksum: { type: 'sha1', hex: hex(40, 'a') }, sizeBytes: 7 }])
})

describe('what is refused', () => {
  it.each([
    ['prose', 'Bad Request'],
    ['another document', '<html/>'],
    ['one that does not speak of repomd.xml', '<metalink><files><file name="x"/></files></metalink>'],
    ['one without a checksum', '<metalink><files><file name="repomd.xml"><size>1</size></file></files></metalink>'],
    ['one with a document type', `<!DOCTYPE metalink>${whole}`],
  ])('%s', (_, text) => {
    const parse = (): unknown => parseMetalink(Buffer.from(text))
    expect(parse).toThrow(expect.objectContaining({ code: 'RPM_METALINK_MALFORMED' }))
  })
})

test('a metalink with some bytes changed: a Metalink or a LarderError', () => {
  const changes = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(changes, (all) => {
      const bytes = Buffer.from(whole)
      for (const [at, value] of all) bytes[at] = value
      try {
        expect(parseMetalink(bytes).promises.length).toBeGreaterThan(0)
      } catch (error) {
        expect(isLarderError(error, 'RPM_METALINK_MALFORMED')).toBe(true)
      }
    }),
    { numRuns: 500 },
  )
})

test('a mirrorlist: one address a line, whatever else there is', () => {
  const text =
    '# repo = x\r\nhttp://a.example.org/r/\r\n\n  https://b.example.org/r  \nhttp://a.example.org/r/\nNo such release\nrsync://c.example.org/r\n<a href="http://d.example.org">'
  expect(parseMirrorlist(Buffer.from(text))).toEqual([
    'http://a.example.org/r/',
    'https://b.example.org/r',
    'rsync://c.example.org/r',
  ])
  expect(parseMirrorlist(Buffer.alloc(0))).toEqual([])
})
