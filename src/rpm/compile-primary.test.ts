import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { isLarderError, type LarderError } from '../core/index.ts'
import { Interner } from '../table/index.ts'
import { compilePrimary, openPrimary, type CompileOptions } from './compile-primary.ts'
import type { PackageIndex } from './package-index.ts'
import { RelationField, relationFieldCount, type RelationName } from './package-rows.ts'
import { resolveClosure } from './closure.ts'
import { parseDependency } from './parse-dependency.ts'
import { Universe } from './universe.ts'
import { checksumOf, primaryText, syntheticPackages, type TextPackage } from './testing/primary-text.ts'

let folder: string
let made = 0
beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'larder-primary-'))))
afterAll(() => rm(folder, { recursive: true, force: true }))

async function* pieces(bytes: Buffer, sizes: readonly number[] = [65_536]): AsyncGenerator<Buffer> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length]!
    yield bytes.subarray(at, at + size)
    at += size
  }
}

async function compile(text: string | Buffer, options: Partial<CompileOptions> = {}): Promise<PackageIndex> {
  return compilePrimary(pieces(Buffer.from(text)), { folder, key: `k${made++}`, label: 'upstream test', ...options })
}

/** All that an index says, in words. */
function told(index: PackageIndex): unknown {
  const rows = Array.from({ length: index.rowCount }, (_, row) => ({
    name: index.word(index.nameOf[row]!),
    evr: index.word(index.evrOf[row]!),
    architecture: index.word(index.architectureOf[row]!),
    sizeBytes: index.sizeBytesOf[row],
    href: index.location(row),
    base: index.baseUrl(row),
    checksum: index.checksum(row),
    sourceRpm: index.sourceRpm(row),
    files: Array.from(index.file.subarray(index.fileStart[row], index.fileStart[row + 1]), (id) => index.word(id)),
    relations: relationsOf(index, row),
    fragment: index.fragment(row).toString(),
  }))
  const { excludedCount, excluded, notes, namespaces } = index
  return { rows, excludedCount, excluded, notes, namespaces }
}

function relationsOf(index: PackageIndex, row: number): Partial<Record<RelationName, string[]>> {
  const fields = Object.entries(RelationField).map(([name, field]) => {
    const start = index.relationStart[row * relationFieldCount + field]!
    const end = index.relationStart[row * relationFieldCount + field + 1]!
    return [name, Array.from(index.relation.subarray(start, end), (id) => index.clause(id))] as const
  })
  const later = new Interner(16)
  const read = Object.entries(index.laterRelations(row, later)).map(([name, ids]) => {
    return [name, ids.map((id) => Buffer.from(later.text(id), 'latin1').toString())] as const
  })
  return Object.fromEntries([...fields, ...read].filter(([, clauses]) => clauses.length > 0))
}

const nginx: TextPackage = {
  name: 'nginx',
  evr: '1:1.22.1-4.el9',
  sizeBytes: 40_000,
  sourceRpm: 'nginx-1.22.1-4.el9.src.rpm',
  base: 'http://example.org/other/',
  provides: ['nginx = 1:1.22.1-4.el9', 'webserver'],
  requires: ['/bin/sh', 'libc.so.6()(64bit)', 'nginx-core >= 1.22', '(geoip if geoip-data)'],
  supplements: ['web < 2:3'],
  obsoletes: ['nginx-old <= 0:1.0'],
  files: ['/etc/nginx/a & <b>.conf', '/usr/bin/', '/usr/sbin/nginx'],
}

test('a package, in all that closure and composition ask', async () => {
  const index = await compile(primaryText([nginx]))
  expect(told(index)).toMatchObject({
    rows: [
      {
        name: 'nginx',
        evr: '1:1.22.1-4.el9',
        architecture: 'x86_64',
        sizeBytes: 40_000,
        href: 'nginx-1.22.1-4.el9.x86_64.rpm',
        base: 'http://example.org/other/',
        checksum: { type: 'sha256', hex: checksumOf(nginx) },
        sourceRpm: 'nginx-1.22.1-4.el9.src.rpm',
        files: ['/etc/nginx/a & <b>.conf', '/usr/bin', '/usr/sbin/nginx'],
        relations: {
          provides: ['nginx = 1:1.22.1-4.el9', 'webserver'],
          requires: ['/bin/sh', 'libc.so.6()(64bit)', 'nginx-core >= 1.22', '(geoip if geoip-data)'],
          supplements: ['web < 2:3'],
          obsoletes: ['nginx-old <= 1.0'],
        },
      },
    ],
    excludedCount: 0,
    notes: [],
    namespaces: {
      '': 'http://linux.duke.edu/metadata/common',
      rpm: 'http://linux.duke.edu/metadata/rpm',
    },
  })
})

const sha1 = 'ab'.repeat(20)
/** As no tool writes it, and as XML allows. */
const odd = `\ufeff<?xml version='1.0' encoding='utf-8'?><!-- <package> --><?target <package>?>
<c:metadata packages = '1'
   xmlns:c="urn:common" xmlns:x='urn:rpm' >
 stray text &amp; <!-- -->
<other><package><name>none</name></package></other>
<c:package
  type='rpm'><x:format
    ><x:requires><x:entry rel='3' pre="1" ver='2' epoch="0" flags='GE' name='b&#97;s&#x68;'/><x:entry name="ö"></x:entry></x:requires>
     <x:requires><x:entry name='(a if b)' flags='EQ'/></x:requires>
     <c:file>/etc/<![CDATA[<&>]]><!-- no -->é</c:file><x:sourcerpm/></x:format>
  <c:location href="p/a.rpm" />
  <c:size archive="1" package='17'/><c:checksum pkgid="YES" type="sha">
    ${sha1.toUpperCase()}
  </c:checksum><c:version rel="1" ver="2"/><c:arch> noarch </c:arch
  ><c:description>name &lt;name&gt; <![CDATA[<name>]]> ]] ></c:description>
  <c:name
  >a<!-- b --><![CDATA[c]]></c:name>
</c:package
></c:metadata ><!-- after -->
`

test('any order, quotes, prefixes, references, comments, CDATA and white space', async () => {
  const index = await compile(odd)
  const start = odd.indexOf('<c:package')
  const end = odd.indexOf('</c:package\n>') + '</c:package\n>'.length
  expect(told(index)).toEqual({
    rows: [
      {
        name: 'ac',
        evr: '2-1',
        architecture: 'noarch',
        sizeBytes: 17,
        href: 'p/a.rpm',
        base: undefined,
        checksum: { type: 'sha1', hex: sha1 },
        sourceRpm: '',
        files: ['/etc/<&>é'],
        relations: { requires: ['bash >= 2-3', 'ö', '(a if b)'] },
        fragment: odd.slice(start, end),
      },
    ],
    excludedCount: 0,
    excluded: [],
    notes: [],
    namespaces: { c: 'urn:common', x: 'urn:rpm' },
  })
})

test('wherever the chunks end, it is the same', async () => {
  const text = Buffer.from(odd + ' ')
  const whole = told(await compile(text))
  for (let size = 1; size < 9; size++) {
    const index = await compilePrimary(pieces(text, [size]), { folder, key: `s${made++}`, label: 'upstream test' })
    expect(told(index)).toEqual(whole)
  }
  const large = Buffer.from(primaryText([nginx, ...syntheticPackages(700), { ...nginx, name: '..' }]))
  const expected = told(await compile(large))
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 300_000 }), { minLength: 1, maxLength: 4 }), async (sizes) => {
      const index = await compilePrimary(pieces(large, sizes), { folder, key: `p${made++}`, label: 'upstream test' })
      expect(told(index)).toEqual(expected)
      index.close()
    }),
    { numRuns: 15 },
  )
})

test('a package of several megabytes, with many relations', async () => {
  const files = Array.from({ length: 60_000 }, (_, index) => `/usr/bin/a-tool-with-a-long-name-${index}`)
  const index = await compile(primaryText([nginx, { name: 'large', files }, nginx]))
  expect(index.rowCount).toBe(3)
  expect(index.fileStart[2]! - index.fileStart[1]!).toBe(60_000)
  expect(index.fragment(1).length).toBeGreaterThan(2_000_000)
})

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
    const index = await compile(both.replace('packages="1"', 'packages="2"'))
    expect(index).toMatchObject({ rowCount: 1, excludedCount: 1, notes: [] })
    expect(index.excluded[0]!.reason).toMatch(reason)
    expect(index.excluded[0]!.byte).toBe(good.lastIndexOf('</metadata>') + 1)
    expect(told(index)).toMatchObject({ rows: [{ name: 'nginx' }] })
  })

  it('but for control characters, which some publishers let through', async () => {
    const index = await compile(good.replace('<rpm:vendor>Example', '<rpm:vendor>\u0001\u001b'))
    expect(index.rowCount).toBe(1)
    expect(index.fragment(0).toString()).toContain('<rpm:vendor>\u0001\u001b')
  })

  it('keeps the first hundred reasons', async () => {
    const index = await compile(primaryText(Array.from({ length: 150 }, () => ({ ...nginx, name: '' }))))
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
    const index = await compile(bad)
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

test.each([
  ['a comment with the end of the element', '<!-- </rpm:requires> -->'],
  ['an instruction with it', '<?x </rpm:requires> ?>'],
  ['an element that begins with the name', '<rpm:requires2></rpm:requires2>'],
])('what is passed over ends where it ends: %s', async (_, within) => {
  const text = primaryText([nginx, ...syntheticPackages(20)])
  const expected = told(await compile(text)) as { rows: { fragment: string }[] }
  const changed = text
    .replaceAll('<rpm:requires>', `<rpm:requires>${within}`)
    .replaceAll('</rpm:requires>', '</rpm:requires\n>')
  const rows = expected.rows.map((row) => ({ ...row, fragment: expect.any(String) as string }))
  for (const size of [1, 50, 65_536]) {
    const index = await compilePrimary(pieces(Buffer.from(changed), [size]), {
      folder,
      key: `d${made++}`,
      label: 'upstream test',
    })
    expect(told(index)).toEqual({ ...expected, rows })
  }
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
    const failure = await compile(text).then(
      () => undefined,
      (error: unknown) => error,
    )
    expect(failure).toMatchObject({ code: 'RPM_XML_MALFORMED' })
    expect((failure as LarderError).message).toMatch(message)
    expect((failure as LarderError).message).toMatch(/^upstream test, byte \d+: /)
  })

  it('a package above the limit, and a file above its own', async () => {
    await expect(compile(good, { maxPackageBytes: 500 })).rejects.toMatchObject({ code: 'RPM_XML_MALFORMED' })
    const endless = `<metadata><package><name>${'a'.repeat(3_000_000)}`
    await expect(compile(endless, { maxPackageBytes: 1_000_000 })).rejects.toThrow(/larger than 1000000 bytes/)
    await expect(compile(good, { maxTotalBytes: 1000 })).rejects.toMatchObject({ code: 'DECOMPRESS_BOMB' })
  })

  it('and nothing is left of it', () => {
    expect(readdirSync(folder).filter((name) => !name.endsWith('.primary'))).toEqual([])
  })
})

test('a wrong count is told', async () => {
  const index = await compile(primaryText([nginx]).replace('packages="1"', 'packages="7"'))
  expect(index.notes).toEqual(['upstream test: primary.xml announces 7 packages and has 1'])
})

test('no packages at all', async () => {
  expect((await compile('<metadata packages="0"/>')).rowCount).toBe(0)
  expect((await compile(primaryText([]))).rowCount).toBe(0)
})

describe('the cache', () => {
  it('is used, and made anew when it is damaged', async () => {
    const options = { folder, key: 'cached', label: 'upstream test' }
    let reads = 0
    const read = (): AsyncGenerator<Buffer> => {
      reads++
      return pieces(Buffer.from(primaryText([nginx])))
    }
    ;(await openPrimary(read, options)).close()
    const again = await openPrimary(read, options)
    expect(reads).toBe(1)
    const path = join(folder, 'cached.primary')
    const bytes = readFileSync(path)
    const changeAt = (at: number): void => {
      const changed = Buffer.from(bytes)
      changed[at]! ^= 1
      writeFileSync(path, changed)
    }
    changeAt(bytes.indexOf('nginx</name>'))
    expect(() => again.fragment(0)).toThrow(expect.objectContaining({ code: 'CACHE_DAMAGED' }))
    expect(readdirSync(folder)).not.toContain('cached.primary')
    for (const at of [bytes.length - 1, bytes.length - 30, bytes.length - 64, bytes.length - 70]) {
      changeAt(at)
      await openPrimary(read, options)
    }
    writeFileSync(path, bytes.subarray(0, 30))
    expect((await openPrimary(read, options)).rowCount).toBe(1)
    expect(reads).toBe(6)
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
        const index = await compile(bytes, { key: 'fuzz' })
        told(index)
        index.close()
      } catch (error) {
        expect(isLarderError(error, 'RPM_XML_MALFORMED')).toBe(true)
      }
    }),
    { numRuns: 250 },
  )
})

test('packages are found by their checksums, and by nothing that only begins like one', async () => {
  const packages = [...syntheticPackages(50)]
  const checksums = packages.map(checksumOf)
  const index = await compile(primaryText([...packages, packages[7]!]))
  const wanted = [checksums[3]!, checksums[7]!, `${checksums[9]!.slice(0, 60)}0000`, '0'.repeat(40)]
  expect(index.rowsOfChecksums(new Set(wanted))).toEqual(
    new Map([
      [checksums[3], [3]],
      [checksums[7], [7, 50]],
    ]),
  )
})
