import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { isLarderError } from '../core/index.ts'
import { formatRepomd, parseRepomd, type Repomd } from './repomd.ts'

const sha256 = 'ab'.repeat(32)

function repomdOf(data: string, before = ''): Buffer {
  const root = '<repomd xmlns="http://linux.duke.edu/metadata/repo">'
  return Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n${before}${root}<revision>17</revision>${data}</repomd>`)
}

const record = (inner: string, type = 'primary'): string => `<data type="${type}">${inner}</data>`
const location = '<location href="repodata/primary.xml.gz"/>'
const checksum = `<checksum type="sha256">${sha256}</checksum>`

test('a record, whatever the order and the old names', () => {
  const inner = `<size>12</size><open-size>34</open-size><timestamp>1262304000.25</timestamp>
    <open-checksum type="sha">${'CD'.repeat(20)}</open-checksum>${location}${checksum}<database_version>10</database_version>`
  expect(parseRepomd(repomdOf(record(inner)))).toEqual({
    revision: '17',
    records: [
      {
        type: 'primary',
        href: 'repodata/primary.xml.gz',
        checksum: { type: 'sha256', hex: sha256 },
        openChecksum: { type: 'sha1', hex: 'cd'.repeat(20) },
        sizeBytes: 12,
        openSizeBytes: 34,
        timestamp: 1262304000,
      },
    ],
  })
})

test('another prefix, references, comments and CDATA', () => {
  const text = `<r:repomd xmlns:r="urn:x"><!-- <data/> --><r:data type='a&amp;b'><r:checksum type="md5"><![CDATA[${'0a'.repeat(16)}]]>
    </r:checksum><r:location href="x&#47;y"/></r:data></r:repomd>`
  const { revision, records } = parseRepomd(Buffer.from(text))
  expect(revision).toBe('')
  expect(records).toEqual([{ type: 'a&b', href: 'x/y', checksum: { type: 'md5', hex: '0a'.repeat(16) } }])
})

describe('what is refused', () => {
  it.each<[string, Buffer, RegExp]>([
    ['nothing', Buffer.alloc(0), /./],
    ['prose', Buffer.from('404 Not Found'), /./],
    ['another root', Buffer.from('<html/>'), /root is <html>/],
    ['an unfinished document', repomdOf(record(location + checksum)).subarray(0, -9), /./],
    ['no location', repomdOf(record(checksum)), /no location/],
    ['no checksum', repomdOf(record(location)), /no checksum/],
    ['no type', repomdOf(`<data>${location}${checksum}</data>`), /no type/],
    ['a checksum that is none', repomdOf(record(`${location}<checksum type="sha256">zz</checksum>`)), /malformed/],
    ['a size that is none', repomdOf(record(`${location}${checksum}<size>-4</size>`)), /size/],
    ['a document type', repomdOf('', '<!DOCTYPE repomd [<!ENTITY a "b">]>'), /document type/],
    ['an entity of its own', repomdOf('&lol;'), /entity/],
    ['bytes that are not UTF-8', Buffer.concat([repomdOf(''), Buffer.from([0xff])]), /UTF-8/],
    ['UTF-16', Buffer.from(repomdOf('').toString(), 'utf16le'), /./],
    ['another encoding', Buffer.from('<?xml version="1.0" encoding="ISO-8859-1"?><repomd/>'), /ISO-8859-1/],
    ['very deep elements', Buffer.from(`<repomd>${'<a>'.repeat(200)}`), /deep/],
  ])('%s', (_, bytes, message) => {
    const parse = (): unknown => parseRepomd(bytes)
    expect(parse).toThrow(expect.objectContaining({ code: 'RPM_REPOMD_MALFORMED' }))
    expect(parse).toThrow(message)
  })
})

const checksums = fc.record({
  type: fc.constantFrom('sha256', 'sha512', 'sha1'),
  hex: fc.stringMatching(/^[0-9a-f]{32,64}$/),
})
const texts = fc.stringMatching(/^[ -~é\t\n]{1,20}$/).filter((text) => text === text.trim() && text !== '')
const repomds: fc.Arbitrary<Repomd> = fc.record({
  revision: texts,
  records: fc.array(
    fc.record(
      {
        type: texts,
        href: texts,
        checksum: checksums,
        openChecksum: checksums,
        sizeBytes: fc.nat(),
        openSizeBytes: fc.nat(),
        timestamp: fc.nat(),
      },
      { requiredKeys: ['type', 'href', 'checksum'] },
    ),
    { maxLength: 5 },
  ),
})

test('what is written is read as it was', () => {
  fc.assert(
    fc.property(repomds, (repomd) => {
      expect(parseRepomd(Buffer.from(formatRepomd(repomd)))).toEqual(repomd)
    }),
  )
})

test('yum 3 wants integers', () => {
  const repomd = { revision: '1', records: [{ type: 'primary', href: 'p', checksum: { type: 'sha256', hex: sha256 } }] }
  const stamped = repomd.records.map((one) => ({ ...one, timestamp: 17.9 }))
  expect(formatRepomd({ ...repomd, records: stamped })).toContain('<timestamp>17</timestamp>')
})

test('bytes of any kind, and a document with some bytes changed: a Repomd or a LarderError', () => {
  const whole = repomdOf(record(location + checksum))
  const changed = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 8 }).map((changes) => {
    const bytes = Buffer.from(whole)
    for (const [at, value] of changes) bytes[at] = value
    return bytes
  })
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), changed), (bytes) => {
      try {
        parseRepomd(bytes)
      } catch (error) {
        expect(isLarderError(error, 'RPM_REPOMD_MALFORMED')).toBe(true)
      }
    }),
    { numRuns: 1000 },
  )
})
