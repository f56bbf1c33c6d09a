import { readdirSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { isLarderError, type LarderError } from '../core/index.ts'
import { resolveClosure } from './closure.ts'
import { parseDependency } from './parse-dependency.ts'
import { nginx, odd, relationsOf, told, usePrimaryFolder } from './testing/compiled-primary.ts'
import { checksumOf, primaryText } from './testing/primary-text.ts'
import { Universe } from './universe.ts'

const bench = usePrimaryFolder()

describe('one bad package is left out, with the first reason', () => {
  const good = primaryText([nginx])
  const changes: [string, string | RegExp, string, RegExp][] = [
    ['no name', '<name>nginx</name>', '', /no name/],
    ['an empty name', '<name>nginx</name>', '<name> </name>', /no name/],
    ['a name that is a path', '<name>nginx</name>', '<name>../nginx</name>', /name is malformed/],
    ['a name that is an option', '<name>nginx</name>', '<name>-x</name>', /name is malformed/],
    ['two names', '<name>nginx</name>', '<name>a</name><name>b</name>', /twice/],
    ['no version', /<version[^>]*>/, '', /no version/],
    ['a version with a space', 'ver="1.22.1"', 'ver="1 2"', /version/],
    ['a version with a hyphen', 'ver="1.22.1"', 'ver="1-2"', /version/],
    ['no release', ' rel="4.el9"', '', /release/],
    ['an epoch that is none', 'epoch="1"', 'epoch="x"', /epoch/],
    ['no checksum', /<checksum.*<\/checksum>/, '', /no checksum/],
    ['a short checksum', checksumOf(nginx), 'abcd', /checksum is malformed/],
    ['a checksum that is no hex', checksumOf(nginx), 'x'.repeat(64), /checksum is malformed/],
    ['an unknown checksum', 'type="sha256"', 'type="crc"', /crc/],
    ['no location', /<location[^>]*>/, '', /no location/],
    ['a location that leads out', /href="[^"]*"/, 'href="../../x.rpm"', /leads out/],
    ['a location that leads out in code', /href="[^"]*"/, 'href="%2E%2e/x.rpm"', /leads out/],
    ['an absolute location', /href="[^"]*"/, 'href="/etc/passwd"', /absolute/],
    ['no size', /<size[^>]*>/, '', /no size/],
    ['a negative size', 'package="40000"', 'package="-1"', /size/],
    ['another type', '<package type="rpm">', '<package type="deb">', /deb/],
    ['no architecture', '<arch>x86_64</arch>', '', /no architecture/],
    ['an architecture with a slash', '<arch>x86_64</arch>', '<arch>a/b</arch>', /architecture/],
    ['a relation without a name', '<rpm:entry name="webserver"/>', '<rpm:entry/>', /no name/],
    ['a relation of two words', '<rpm:entry name="webserver"/>', '<rpm:entry name="a b"/>', /name of one/],
    ['a relation with odd flags', '<rpm:entry name="webserver"/>', '<rpm:entry name="a" flags="EG" ver="1"/>', /flags/],
    ['a reference to nothing', '<rpm:vendor>Example', '<rpm:vendor>&nbsp;', /reference/],
    ['a reference to what XML forbids', '<rpm:vendor>Example', '<rpm:vendor>&#1;', /reference/],
    ['an ampersand of its own', 'name="webserver"', 'name="web & server"', /./],
  ]
  it.each(changes)('%s', async (_, from, to, reason) => {
    const bad = good.replace(from, to)
    expect(bad).not.toBe(good)
    const both = good.slice(0, good.lastIndexOf('</metadata>')) + bad.slice(bad.indexOf('<package '))
    const index = await bench.compile(both.replace('packages="1"', 'packages="2"'))
    expect(index).toMatchObject({ rowCount: 1, excludedCount: 1, notes: [] })
    expect(index.excluded[0]!.reason).toMatch(reason)
    expect(index.excluded[0]!.byte).toBe(good.lastIndexOf('</metadata>') + 1)
    expect(told(index)).toMatchObject({ rows: [{ name: 'nginx' }] })
  })

  it('but for control characters, which some publishers let through', async () => {
    const index = await bench.compile(good.replace('<rpm:vendor>Example', '<rpm:vendor>\u0001\u001b'))
    expect(index.rowCount).toBe(1)
    expect(index.fragment(0).toString()).toContain('<rpm:vendor>\u0001\u001b')
  })

  it('keeps the first hundred reasons', async () => {
    const index = await bench.compile(primaryText(Array.from({ length: 150 }, () => ({ ...nginx, name: '' }))))
    expect(index.excludedCount).toBe(150)
    expect(index.excluded).toHaveLength(100)
  })
})

describe('one whose later relations cannot be read requires what nothing is', () => {
  const good = primaryText([nginx])
  const changes: [string, string | RegExp, string, RegExp][] = [
    ['no name', '<rpm:entry name="/bin/sh"/>', '<rpm:entry/>', /no name/],
    ['two words', 'name="/bin/sh"', 'name="a b"', /name of one/],
    ['odd flags', 'flags="GE"', 'flags="EG"', /flags/],
    [
      'an epoch that is none',
      'name="nginx-old" flags="LE" epoch="0"',
      'name="nginx-old" flags="LE" epoch="x"',
      /epoch/,
    ],
    ['a reference to nothing', 'name="/bin/sh"', 'name="&nbsp;"', /reference/],
    ['no quotes', 'name="/bin/sh"', 'name=a', /quotes/],
    ['a tag that is not closed', '<rpm:entry name="/bin/sh"/>', '<rpm:entry name="/bin/sh">', /not open/],
  ]
  it.each(changes)('%s', async (_, from, to, reason) => {
    const bad = good.replace(from, to)
    expect(bad).not.toBe(good)
    const index = await bench.compile(bad)
    expect(index).toMatchObject({ rowCount: 1, excludedCount: 0 })
    const { requires = [], ...others } = relationsOf(index, 0)
    expect(requires).toEqual([expect.stringMatching(reason)])
    expect(Object.keys(others)).toEqual(['provides', 'supplements'])
    expect(() => parseDependency(requires[0]!)).toThrow(expect.objectContaining({ code: 'RPM_DEPENDENCY_MALFORMED' }))
    const universe = new Universe([{ index, upstream: 'test', rank: 0 }], ['x86_64'])
    const position = { file: 'packages.json', line: 1, column: 1 }
    const listed = [{ name: 'nginx', exclude: [], position }]
    expect(() => resolveClosure(universe, { listed, recommends: false, exclude: [] })).toThrow(
      expect.objectContaining({ code: 'CLOSURE_UNSATISFIABLE', message: expect.stringMatching(reason) as string }),
    )
  })
})

describe('what is no primary.xml is refused', () => {
  const good = primaryText([nginx])
  const cases: [string, string | Buffer, RegExp][] = [
    ['nothing', '', /ends in the middle/],
    ['prose', '404 Not Found', /ends in the middle/],
    ['another root', good.replaceAll('metadata', 'filelists'), /not <metadata>/],
    ['text before the root', `x${good}`, /outside of the root/],
    ['text after the root', `${good}x`, /ends in the middle/],
    ['a second root', `${good}<metadata/>`, /outside of the root/],
    ['two files', good + good, /second time/],
    ['an unfinished package', good.slice(0, -60), /ends in the middle/],
    ['no end', good.replace('</metadata>', ''), /ends in the middle/],
    ['a tag closed twice', good.replace('</format>', '</format></format>'), /not open/],
    ['tags closed in the wrong order', good.replace('</name>', '</arch>'), /not open/],
    ['a root closed by another', good.replace('</metadata>', '</package>'), /not open/],
    ['a document type', good.replace('<metadata', '<!DOCTYPE metadata><metadata'), /document type/],
    ['entities', good.replace('<metadata', '<!DOCTYPE m [<!ENTITY a "aaaa">]><metadata'), /document type/],
    ['an entity within', good.replace('<name>', '<!ENTITY a "aaaa"><name>'), /document type/],
    ['another encoding', good.replace('UTF-8', 'UTF-16'), /UTF-16/],
    ['UTF-16', Buffer.from(good, 'utf16le'), /./],
    ['an attribute twice', good.replace('type="rpm"', 'type="rpm" type="rpm"'), /twice/],
    ['an attribute without quotes', good.replace('type="rpm"', 'type=rpm'), /quotes/],
    ['an attribute without a value', good.replace('type="rpm"', 'type'), /no value/],
    ['attributes without space', good.replace('ver="1.22.1" rel', 'ver="1.22.1"rel'), /no space/],
    ['a < in a value', good.replace('type="rpm"', 'type="<"'), /</],
    ['a tag without a name', good.replace('<name>', '< name>'), /no name/],
    ['a CDATA end of its own', good.replace('>Example<', '>]]><'), /CDATA/],
    ['a comment with two hyphens', good.replace('<name>', '<!-- a -- b --><name>'), /comment/],
    ['elements without end', `<metadata>${'<a>'.repeat(5000)}`, /deep/],
  ]
  it.each(cases)('%s', async (_, text, message) => {
    const failure = await bench.compile(text).then(
      () => undefined,
      (error: unknown) => error,
    )
    expect(failure).toMatchObject({ code: 'RPM_XML_MALFORMED' })
    expect((failure as LarderError).message).toMatch(message)
    expect((failure as LarderError).message).toMatch(/^upstream test, byte \d+: /)
  })

  it('a package above the limit, and a file above its own', async () => {
    await expect(bench.compile(good, { maxPackageBytes: 500 })).rejects.toMatchObject({ code: 'RPM_XML_MALFORMED' })
    const endless = `<metadata><package><name>${'a'.repeat(3_000_000)}`
    await expect(bench.compile(endless, { maxPackageBytes: 1_000_000 })).rejects.toThrow(/larger than 1000000 bytes/)
    await expect(bench.compile(good, { maxTotalBytes: 1000 })).rejects.toMatchObject({ code: 'DECOMPRESS_BOMB' })
  })

  it('and nothing is left of it', () => {
    expect(readdirSync(bench.folder).filter((name) => !name.endsWith('.primary'))).toEqual([])
  })
})

test('bytes changed, cut and doubled at random: an index or a LarderError', async () => {
  const text = Buffer.from(odd)
  const change = fc.record({ at: fc.nat(text.length - 1), remove: fc.nat(20), bytes: fc.uint8Array({ maxLength: 12 }) })
  const spliced = fc.array(change, { minLength: 1, maxLength: 4 }).map((changes) => {
    let bytes = text
    for (const { at, remove, bytes: added } of changes)
      bytes = Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(at + remove)])
    return bytes
  })
  const markup = fc
    .array(fc.constantFrom(...'<>/!?-[]"\'=& ax:;#'.split('')), { maxLength: 60 })
    .map((all) => Buffer.from(all.join('')))
  const any = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes))
  const inRoot = fc
    .oneof(markup, any)
    .map((bytes) => Buffer.concat([Buffer.from('<metadata>'), bytes, Buffer.from('</metadata>')]))
  await fc.assert(
    fc.asyncProperty(fc.oneof(spliced, markup, inRoot, any), async (bytes) => {
      try {
        const index = await bench.compile(bytes, { key: 'fuzz' })
        told(index)
        index.close()
      } catch (error) {
        expect(isLarderError(error, 'RPM_XML_MALFORMED')).toBe(true)
      }
    }),
    { numRuns: 250 },
  )
})
