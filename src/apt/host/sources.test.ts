import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isLarderError } from '../../core/error.ts'
import { parseDeb822Sources } from './deb822-sources.ts'
import type { SourceSurroundings } from './host-source.ts'
import { parseOneLineSources } from './one-line-sources.ts'
import { readHostSources } from './sources.ts'

const surroundings: SourceSurroundings = {
  architecture: 'amd64',
  architectures: ['amd64', 'i386'],
  defaultKeyrings: ['/etc/apt/trusted.gpg.d/a.asc'],
}
const byDefault = { kind: 'default', paths: ['/etc/apt/trusted.gpg.d/a.asc'] }
const fingerprint = 'ABCDEF0123'.repeat(4)
const oneLine = (text: string): unknown => parseOneLineSources(Buffer.from(text), 'x.list', surroundings)
const deb822 = (text: string): unknown => parseDeb822Sources(Buffer.from(text), 'x.sources', surroundings)
const plain = {
  types: ['deb'],
  uris: ['http://example.org/debian/'],
  suites: ['stable'],
  components: ['main'],
  signedBy: byDefault,
}

describe('one-line sources', () => {
  it.each([
    ['deb http://example.org/debian stable main', [{ ...plain, file: 'x.list', line: 1 }]],
    ['\n# c\ndeb  http://example.org/debian/\tstable main # c', [{ ...plain, file: 'x.list', line: 3 }]],
    [
      'deb-src [arch=amd64,i386 signed-by=/k/a.gpg,/k/b.asc trusted=yes check-valid-until=no allow-insecure=no lang=en] http://example.org/debian stable main contrib',
      [
        {
          ...plain,
          types: ['deb-src'],
          components: ['main', 'contrib'],
          architectures: ['amd64', 'i386'],
          signedBy: { kind: 'files', paths: ['/k/a.gpg', '/k/b.asc'] },
          trusted: true,
          checkValidUntil: false,
          allowInsecure: false,
          file: 'x.list',
          line: 1,
        },
      ],
    ],
    [
      'deb [ arch+=arm64 arch-=i386 ] http://example.org/debian stable main',
      [{ ...plain, architectures: ['amd64', 'arm64'], file: 'x.list', line: 1 }],
    ],
    [
      `deb [signed-by=${fingerprint.toLowerCase()}!] http://example.org/debian stable main`,
      [
        {
          ...plain,
          signedBy: { kind: 'fingerprints', fingerprints: [`${fingerprint}!`], paths: byDefault.paths },
          file: 'x.list',
          line: 1,
        },
      ],
    ],
    [
      'deb http://example.org/$(ARCH) ./',
      [{ ...plain, uris: ['http://example.org/amd64/'], suites: ['./'], components: [], file: 'x.list', line: 1 }],
    ],
    [
      'deb http://example.org/a%20b x-$(ARCH)/',
      [{ ...plain, uris: ['http://example.org/a b/'], suites: ['x-amd64/'], components: [], file: 'x.list', line: 1 }],
    ],
    ['', []],
  ])('reads %s', (text, expected) => {
    expect(oneLine(text)).toEqual(expected)
  })

  it.each([
    ['rpm http://example.org stable main', /x\.list:1: the type rpm/],
    ['\ndeb', /x\.list:2: expected an address/],
    ['deb http://example.org', /expected an address and a suite/],
    ['deb http://example.org stable', /no components/],
    ['deb http://example.org ./ main', /flat suite/],
    ['deb example.org stable main', /no scheme/],
    ['deb [arch=amd64 http://example.org stable main', /expected \]/],
    ['deb [arch] http://example.org stable main', /name=value/],
    ['deb [=x] http://example.org stable main', /name=value/],
    ['deb [signed-by=key.gpg] http://example.org stable main', /Signed-By/],
  ])('refuses %s', (text, why) => {
    expect(() => oneLine(text)).toThrow(expect.objectContaining({ code: 'APT_SOURCES_MALFORMED' }))
    expect(() => oneLine(text)).toThrow(why)
  })
})

describe('deb822 sources', () => {
  const stanza = 'Types: deb\nURIs: http://example.org/debian\nSuites: stable\nComponents: main\n'

  it('reads several of everything, comments, and leaves out what is disabled', () => {
    expect(
      deb822(
        `# c\n\n# d\nTypes: deb deb-src\n# e\nURIs: http://example.org/debian\n http://example.org/other/\nSuites: stable stable-updates\n` +
          `Components: main contrib\nArchitectures: amd64\nArchitectures-Add: arm64\nSigned-By: /k/a.gpg\nBy-Hash: force\n\n\n${stanza}Enabled: no\n\n${stanza}`,
      ),
    ).toEqual([
      {
        types: ['deb', 'deb-src'],
        uris: ['http://example.org/debian/', 'http://example.org/other/'],
        suites: ['stable', 'stable-updates'],
        components: ['main', 'contrib'],
        architectures: ['amd64', 'arm64'],
        signedBy: { kind: 'files', paths: ['/k/a.gpg'] },
        byHash: 'force',
        file: 'x.sources',
        line: 4,
      },
      { ...plain, file: 'x.sources', line: 22 },
    ])
  })

  it('unfolds a key that stands inline', () => {
    const key = ' -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n AAAA\n -----END PGP PUBLIC KEY BLOCK-----\n'
    const armored = '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n'
    expect(deb822(`${stanza}Signed-By:\n${key}`)).toEqual([
      { ...plain, signedBy: { kind: 'inline', armored }, file: 'x.sources', line: 1 },
    ])
  })

  it.each([
    ['URIs: http://example.org\nSuites: x\nComponents: main\n', /x\.sources:1: the stanza has no Types/],
    [stanza.replace('deb\n', 'rpm\n'), /x\.sources:1: the type rpm/],
    [stanza.replace(/URIs.*\n/, ''), /no URIs/],
    [stanza.replace(/Suites.*\n/, ''), /no Suites/],
    [stanza.replace(/Components.*\n/, ''), /no components/],
    [stanza.replace('stable', './'), /flat suite/],
    [`${stanza}\n${stanza}nonsense\n`, /x\.sources:10: "nonsense" has no colon/],
    [`${stanza}suites: x\n`, /x\.sources:5: the field suites is given twice/],
    [`${stanza}Signed-By: 1234\n`, /Signed-By/],
  ])('refuses %j', (text, why) => {
    expect(() => deb822(text)).toThrow(expect.objectContaining({ code: 'APT_SOURCES_MALFORMED' }))
    expect(() => deb822(text)).toThrow(why)
  })
})

it('throws nothing but its own error, for any text', () => {
  const piece = fc.constantFrom(
    'deb',
    ' ',
    '[',
    ']',
    '"',
    '#',
    '\n',
    'a:',
    'Types:',
    'URIs:',
    'Suites: x',
    'Signed-By:',
    '=',
    '%20',
    '%',
    './',
    '$(ARCH)',
    '\0',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
      for (const parse of [oneLine, deb822]) {
        try {
          parse(pieces.join(''))
        } catch (error) {
          expect(isLarderError(error, 'APT_SOURCES_MALFORMED')).toBe(true)
        }
      }
    }),
    { numRuns: 3000 },
  )
})

describe('readHostSources', () => {
  let root: string
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'larder-sources-'))
  })
  afterEach(() => rm(root, { recursive: true }))

  async function write(path: string, text: string): Promise<void> {
    await mkdir(dirname(join(root, 'etc/apt', path)), { recursive: true })
    await writeFile(join(root, 'etc/apt', path), text)
  }

  it('reads files in order, by the names that apt takes', async () => {
    const line = (suite: string): string => `deb http://example.org/ ${suite} main\n`
    await write('sources.list', line('main'))
    await write('sources.list.d/b.list', line('b'))
    await write('sources.list.d/a.sources', 'Types: deb\nURIs: http://example.org/\nSuites: a\nComponents: main\n')
    for (const name of ['c.list.save', '.hidden.list', 'd e.list', 'f', 'g.list~'])
      await write(`sources.list.d/${name}`, 'broken')
    await mkdir(join(root, 'etc/apt/sources.list.d/h.list'))
    await write('trusted.gpg', '')
    await write('trusted.gpg.d/k.asc', 'x')
    await write('trusted.gpg.d/k.txt', 'x')
    const sources = await readHostSources({ root })
    expect(sources.map((source) => source.suites)).toEqual([['main'], ['a'], ['b']])
    expect(sources[0]?.signedBy).toEqual({ kind: 'default', paths: [join(root, 'etc/apt/trusted.gpg.d/k.asc')] })
  })

  it('finds nothing where there is no APT', async () => {
    expect(await readHostSources({ root })).toEqual([])
  })
})
