import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { openPrimary } from './compile-primary.ts'
import { nginx, odd, pieces, sha1, told, usePrimaryFolder } from './testing/compiled-primary.ts'
import { checksumOf, primaryText, syntheticPackages } from './testing/primary-text.ts'

const bench = usePrimaryFolder()

test('a package, in all that closure and composition ask', async () => {
  const index = await bench.compile(primaryText([nginx]))
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

test('any order, quotes, prefixes, references, comments, CDATA and white space', async () => {
  const index = await bench.compile(odd)
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
  const whole = told(await bench.compile(text))
  for (let size = 1; size < 9; size++) {
    const index = await bench.compile(text, { sizes: [size] })
    expect(told(index)).toEqual(whole)
  }
  const large = Buffer.from(primaryText([nginx, ...syntheticPackages(700), { ...nginx, name: '..' }]))
  const expected = told(await bench.compile(large))
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 300_000 }), { minLength: 1, maxLength: 4 }), async (sizes) => {
      const index = await bench.compile(large, { sizes })
      expect(told(index)).toEqual(expected)
      index.close()
    }),
    { numRuns: 15 },
  )
})

test('a package of several megabytes, with many relations', async () => {
  const files = Array.from({ length: 60_000 }, (_, index) => `/usr/bin/a-tool-with-a-long-name-${index}`)
  const index = await bench.compile(primaryText([nginx, { name: 'large', files }, nginx]))
  expect(index.rowCount).toBe(3)
  expect(index.fileStart[2]! - index.fileStart[1]!).toBe(60_000)
  expect(index.fragment(1).length).toBeGreaterThan(2_000_000)
})

test.each([
  ['a comment with the end of the element', '<!-- </rpm:requires> -->'],
  ['an instruction with it', '<?x </rpm:requires> ?>'],
  ['an element that begins with the name', '<rpm:requires2></rpm:requires2>'],
])('what is passed over ends where it ends: %s', async (_, within) => {
  const text = primaryText([nginx, ...syntheticPackages(20)])
  const expected = told(await bench.compile(text)) as { rows: { fragment: string }[] }
  const changed = text
    .replaceAll('<rpm:requires>', `<rpm:requires>${within}`)
    .replaceAll('</rpm:requires>', '</rpm:requires\n>')
  const rows = expected.rows.map((row) => ({ ...row, fragment: expect.any(String) as string }))
  for (const size of [1, 50, 65_536]) {
    const index = await bench.compile(changed, { sizes: [size] })
    expect(told(index)).toEqual({ ...expected, rows })
  }
})

test('a wrong count is told', async () => {
  const index = await bench.compile(primaryText([nginx]).replace('packages="1"', 'packages="7"'))
  expect(index.notes).toEqual(['upstream test: primary.xml announces 7 packages and has 1'])
})

test('no packages at all', async () => {
  expect((await bench.compile('<metadata packages="0"/>')).rowCount).toBe(0)
  expect((await bench.compile(primaryText([]))).rowCount).toBe(0)
})

describe('the cache', () => {
  it('is used, and made anew when it is damaged', async () => {
    const options = { folder: bench.folder, key: 'cached', label: 'upstream test' }
    let reads = 0
    const read = (): AsyncGenerator<Buffer> => {
      reads++
      return pieces(Buffer.from(primaryText([nginx])))
    }
    ;(await openPrimary(read, options)).close()
    const again = await openPrimary(read, options)
    expect(reads).toBe(1)
    const path = join(bench.folder, 'cached.primary')
    const bytes = readFileSync(path)
    const changeAt = (at: number): void => {
      const changed = Buffer.from(bytes)
      changed[at]! ^= 1
      writeFileSync(path, changed)
    }
    changeAt(bytes.indexOf('nginx</name>'))
    expect(() => again.fragment(0)).toThrow(expect.objectContaining({ code: 'CACHE_DAMAGED' }))
    expect(readdirSync(bench.folder)).not.toContain('cached.primary')
    for (const at of [bytes.length - 1, bytes.length - 30, bytes.length - 64, bytes.length - 70]) {
      changeAt(at)
      await openPrimary(read, options)
    }
    writeFileSync(path, bytes.subarray(0, 30))
    expect((await openPrimary(read, options)).rowCount).toBe(1)
    expect(reads).toBe(6)
  })
})

test('packages are found by their checksums, and by nothing that only begins like one', async () => {
  const packages = [...syntheticPackages(50)]
  const checksums = packages.map(checksumOf)
  const index = await bench.compile(primaryText([...packages, packages[7]!]))
  const wanted = [checksums[3]!, checksums[7]!, `${checksums[9]!.slice(0, 60)}0000`, '0'.repeat(40)]
  expect(index.rowsOfChecksums(new Set(wanted))).toEqual(
    new Map([
      [checksums[3], [3]],
      [checksums[7], [7, 50]],
    ]),
  )
})
