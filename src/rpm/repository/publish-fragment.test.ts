import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { digestOf, hexOf } from '../../core/digest.ts'
import { LarderError } from '../../core/error.ts'
import { parseXml } from '../xml-document.ts'
import { publishFragment, publishedChecksum, type FragmentFile } from './publish-fragment.ts'
import type { UpstreamPrimary } from './repository-package.ts'

const digest = digestOf('the package')
const sha256 = hexOf(digest)

const fragment = (more: { checksum?: string; location?: string; format?: string; summary?: string } = {}): string =>
  `<package type="rpm">
  <name>nginx</name>
  <arch>x86_64</arch>
  <version epoch="1" ver="1.22" rel="3.el9"/>
  ${more.checksum ?? `<checksum type="sha256" pkgid="YES">${sha256}</checksum>`}
  <summary>${more.summary ?? 'Ein kleiner &amp; schneller Server: größer'}</summary>
  <size package="11" installed="2" archive="3"/>
  ${more.location ?? '<location xml:base="http://example.org/other/" href="../n/nginx.rpm"/>'}
  <format>
    <rpm:license>BSD</rpm:license>${more.format ?? ''}
    <x-unknown odd='y"es'/>
  </format>
</package>`

const file = (primary: UpstreamPrimary, more: Partial<FragmentFile> = {}): FragmentFile => ({
  label: 'nginx-1:1.22-3.el9.x86_64',
  path: 'Packages/n/nginx-1.22-3.el9.x86_64.rpm',
  sizeBytes: 11,
  digest,
  checksum: publishedChecksum(primary, digest),
  isForYum3: false,
  ...more,
})

const primaryOf = (
  text: string | Buffer,
  checksum: UpstreamPrimary['checksum'] = { type: 'sha256', hex: sha256 },
): UpstreamPrimary => ({ checksum, fragment: () => Buffer.from(text as string) })

const publish = (primary: UpstreamPrimary, more: Partial<FragmentFile> = {}): string =>
  publishFragment(primary, file(primary, more)).toString()

const ourLocation = '<location href="Packages/n/nginx-1.22-3.el9.x86_64.rpm"/>'
const root = (text: string): Buffer => Buffer.from(`<metadata xmlns:rpm="r" packages="1">${text}</metadata>`)

describe('publishFragment', () => {
  it('keeps every byte but those of the location', () => {
    const location = '<location xml:base="http://example.org/other/" href="../n/nginx.rpm"/>'
    expect(publish(primaryOf(fragment()))).toBe(`${fragment().replace(location, ourLocation)}\n`)
    expect(publish(primaryOf(`\n${fragment({ location: '<location href="x"></location>' })}\n\n`))).toBe(
      `${fragment({ location: ourLocation })}\n`,
    )
  })

  it('keeps SHA-512 and SHA-256, and replaces what is weaker', () => {
    const sha512 = { type: 'sha512' as const, hex: 'ab'.repeat(64) }
    const strong = `<checksum type="sha512" pkgid="YES">${sha512.hex}</checksum>`
    expect(publish(primaryOf(fragment({ checksum: strong }), sha512))).toContain(strong)
    for (const type of ['sha', 'sha1', 'md5', 'sha384']) {
      const weak = `<checksum type="${type}" pkgid="YES">${'ab'.repeat(20)}</checksum>`
      const published = publish(primaryOf(fragment({ checksum: weak }), { type: 'sha1', hex: 'ab'.repeat(20) }))
      expect(published).toBe(`${fragment({ location: ourLocation })}\n`)
    }
  })

  it('replaces what XML has no place for, so that one package does not cost the whole index', () => {
    const odd = primaryOf(
      fragment({ summary: 'bell \u0007, \uffff, &#8; &#x1F; &#xD800; &#9; &#x1F600; <![CDATA[a<b&c]]><!-- x -->' }),
    )
    const published = publish(odd)
    expect(published).toContain('bell \ufffd, \ufffd, \ufffd \ufffd \ufffd &#9; &#x1F600; a&lt;b&amp;c</summary>')
    const latin1 = Buffer.from(fragment(), 'latin1')
    expect(publish(primaryOf(latin1))).toContain('gr\ufffd')
    for (const text of [published, publish(primaryOf(latin1))]) {
      expect(() =>
        parseXml(root(text), { label: 'primary.xml', root: 'metadata', code: 'RPM_XML_MALFORMED' }),
      ).not.toThrow()
    }
  })

  it.each([
    ['another prefix for rpm', (text: string) => text.replaceAll('rpm:', 'r:')],
    ['a prefix for what usually has none', (text: string) => text.replaceAll(/<(\/?)(?!\/|rpm:|x-)/g, '<$1md:')],
    ['no prefix for rpm', (text: string) => text.replaceAll('rpm:', '')],
    [
      'a foreign attribute and element',
      (text: string) => text.replace('<name>', '<s:eula>x<s:y/></s:eula><name s:a="1">'),
    ],
  ])('gives elements the names that readers look for: %s', (_, change) => {
    expect(publish(primaryOf(change(fragment())))).toBe(`${fragment({ location: ourLocation })}\n`)
  })

  it('keeps what another namespace says, where the fragment itself declares it', () => {
    const text = fragment().replace('<name>', '<s:eula xmlns:s="urn:s" s:a="1">x</s:eula><name>')
    expect(publish(primaryOf(text))).toContain('<s:eula xmlns:s="urn:s" s:a="1">x</s:eula>')
  })

  it.each([
    ['an element left open', fragment().replace('</format>', '')],
    ['elements that overlap', fragment().replace('</name>', '</arch>')],
    ['an unknown entity', fragment({ summary: '&xxe;' })],
    ['a lone ampersand', fragment({ summary: 'a & b' })],
    ['a lone angle', fragment({ summary: 'a < b' })],
    ['an attribute twice', fragment().replace('epoch="1"', 'epoch="1" epoch="2"')],
    ['an end with attributes', fragment().replace('</name>', '</name a="1">')],
    ['two packages', fragment() + fragment()],
    ['text behind the package', `${fragment()}x`],
    ['another element', fragment().replaceAll('package>', 'packages>').replace('<package ', '<packages ')],
    ['no location', fragment({ location: '' })],
    ['a doctype', `<!DOCTYPE a [<!ENTITY b "c">]>${fragment()}`],
    ['nothing', ''],
  ])('refuses %s', (_, text) => {
    expect(() => publish(primaryOf(text))).toThrow(expect.objectContaining({ code: 'RPM_XML_MALFORMED' }))
  })

  it.each([
    ['another size', {}, { sizeBytes: 12 }, 'SIZE_MISMATCH'],
    ['another digest', {}, { digest: digestOf('another') }, 'DIGEST_MISMATCH'],
  ])('refuses to promise %s than the store has', (_, more, change, code) => {
    expect(() => publish(primaryOf(fragment(more)), change)).toThrow(expect.objectContaining({ code }))
  })

  const entries = (kind: string, name: string): string =>
    `<rpm:${kind}><rpm:entry name="plain"/><rpm:entry name="${name}"/></rpm:${kind}>`

  it('leaves weak dependencies out for yum 3, and refuses rich ones', () => {
    const weak = fragment({ format: entries('recommends', '(a if b)') })
    expect(publish(primaryOf(weak))).toContain('(a if b)')
    expect(publish(primaryOf(weak), { isForYum3: true })).toBe(`${fragment({ location: ourLocation })}\n`)
    const rich = primaryOf(fragment({ format: entries('requires', '(a &gt;= 2 if b)') }))
    expect(() => publish(rich, { isForYum3: true })).toThrow(
      expect.objectContaining({
        code: 'RPM_RICH_DEPENDENCY',
        message: expect.stringContaining('(a >= 2 if b)') as string,
      }),
    )
    expect(publish(rich)).toContain('(a &gt;= 2 if b)')
  })

  it('throws nothing but our own errors, and whatever it answers is well-formed', () => {
    const bytes = Buffer.from(fragment({ format: entries('requires', '(a if b)') }))
    const change = fc.record({
      at: fc.nat(bytes.length - 1),
      length: fc.nat(6),
      by: fc.constantFrom('<', '>', '&', '"', '/', '<!--', 'x', '\u0001', '&#3;', ']]>', ' ', ':', '<?', 'é'),
    })
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        let text = bytes
        for (const { at, length, by } of changes)
          text = Buffer.concat([text.subarray(0, at), Buffer.from(by), text.subarray(at + length)])
        try {
          const published = publish(primaryOf(text))
          parseXml(root(published), { label: 'primary.xml', root: 'metadata', code: 'RPM_XML_MALFORMED' })
        } catch (error) {
          // What a reader of the whole would refuse must not have been answered.
          expect(error).toBeInstanceOf(LarderError)
          expect(String(error)).not.toContain('primary.xml cannot')
        }
      }),
      { numRuns: 2000 },
    )
  })
})
