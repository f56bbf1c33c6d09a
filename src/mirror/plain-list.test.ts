import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseSiteFile } from '../core/index.ts'
import { packagesOf, parsePackageList } from './package-list.ts'
import { parsePlainList } from './plain-list.ts'

/** By way of a document, as every list can be read. */
function parseFully(text: string): ReturnType<typeof parsePackageList> {
  const { document, problems } = parseSiteFile(Buffer.from(text), 'packages.json')
  const read = document === undefined ? { list: [], problems: [] } : packagesOf(document)
  return { list: read.list, problems: [...problems, ...read.problems] }
}

describe('parsePlainList', () => {
  it.each<[string, string, string[] | undefined]>([
    ['names', '["nmap", "g++",\n\t"libc6"]\n', ['nmap', 'g++', 'libc6']],
    ['lines that end as on Windows', '[\r\n"nmap",\r\n"tree"\r\n]', ['nmap', 'tree']],
    ['nothing', '[]', undefined],
    ['an entry that is more than a name', '["nmap (>= 7)"]', undefined],
    ['several names in one', '["nmap tree"]', undefined],
    ['an object', '[{"name": "nmap"}]', undefined],
    ['an escape', '["\\u006emap"]', undefined],
    ['a name that begins with a sign', '["-y"]', undefined],
    ['a name that is not ASCII', '["nmäp"]', undefined],
    ['a comma too many', '["nmap",]', undefined],
    ['a comma too few', '["nmap" "tree"]', undefined],
    ['a quote too few', '["nmap]', undefined],
    ['a bracket too few', '["nmap"', undefined],
    ['more after the end', '["nmap"] x', undefined],
    ['a byte order mark', '\ufeff["nmap"]', undefined],
    ['nothing at all', '', undefined],
  ])('%s', (_, text, expected) => {
    expect(parsePlainList(Buffer.from(text), 'packages.json')?.map(({ name }) => name)).toEqual(expected)
    expect(parsePackageList(Buffer.from(text), 'packages.json')).toEqual(parseFully(text))
  })

  it('reads names of 200 characters, and no longer ones', () => {
    for (const length of [200, 201])
      expect(parsePlainList(Buffer.from(`["${'a'.repeat(length)}"]`), 'p.json') === undefined).toBe(length > 200)
  })

  it('leaves YAML alone', () => {
    expect(parsePlainList(Buffer.from('["nmap"]'), 'packages.yaml')).toBeUndefined()
  })

  it('says the same as by way of a document, repetitions included', () => {
    const blank = fc.stringMatching(/^[ \t\r\n]{0,3}$/)
    const entry = fc.oneof(
      { weight: 30, arbitrary: fc.stringMatching(/^[a-c0][a-b+.-]{0,3}$/).map((name) => `"${name}"`) },
      {
        weight: 1,
        arbitrary: fc.constantFrom('"a (>= 1)"', '"a:i386"', '{"name":"b"}', '"é"', '3', '"apt-get install a"', ''),
      },
    )
    const list = fc
      .array(
        fc.tuple(blank, entry, blank).map((parts) => parts.join('')),
        { maxLength: 6 },
      )
      .map((entries) => `[${entries.join(',')}]`)
    let plain = 0
    fc.assert(
      fc.property(fc.tuple(blank, list, blank), (parts) => {
        const text = parts.join('')
        if (parsePlainList(Buffer.from(text), 'packages.json') !== undefined) plain++
        expect(parsePackageList(Buffer.from(text), 'packages.json')).toEqual(parseFully(text))
      }),
      { numRuns: 500 },
    )
    expect(plain).toBeGreaterThan(100)
  })
})
