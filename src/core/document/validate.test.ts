import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { formatProblem } from '../problem.ts'
import { parseSiteFile } from './parse-document.ts'
import { parseYaml } from './parse-yaml.ts'
import { validate } from './validate.ts'

const name = z.string().regex(/^[a-z]+$/, 'only small letters are allowed')
const upstream = z.discriminatedUnion('format', [
  z.strictObject({
    format: z.literal('apt'),
    url: z.url(),
    keys: z.array(z.string()).min(1).optional(),
    signed: z.boolean().default(true),
  }),
  z.strictObject({ format: z.literal('rpm'), url: z.string() }),
])
const schema = z.strictObject({
  site: name,
  upstreams: z.record(name, upstream).optional(),
  packages: z.union([z.string(), z.array(z.union([z.string(), z.strictObject({ name: z.string() })]))]).optional(),
  days: z.number().int().min(1).max(5).optional(),
  base: z.enum(['none', 'essential']).default('none'),
})

const cases: [string, string[]][] = [
  [
    'site: Abc\nupstrems: {}\n',
    [
      '1:7: "site": only small letters are allowed',
      '2:1: unknown name "upstrems"; expected one of site, upstreams, packages, days, base: did you mean upstreams?',
    ],
  ],
  ['site: a\nupstreams: {x: {format: atp}}', ['2:25: "format" is "atp"; expected one of apt, rpm: did you mean apt?']],
  ['site: a\nupstreams: {x: {url: u}}', ['2:13: "format" is missing; expected one of apt, rpm']],
  ['site: a\nupstreams: {x: {format: rpm}}', ['2:13: "url" is missing; expected text']],
  ['site: a\nupstreams: {x: 5}', ['2:16: "x" is 5; expected a map (name: value)']],
  ['site: a\nupstreams: {X: {format: rpm, url: u}}', ['2:13: the name "X": only small letters are allowed']],
  [
    'site: a\nupstreams:\n  x: {format: apt, url: "http://h.example.org/", kys: [], signed: yes}',
    [
      '3:67: "signed" is "yes"; expected true or false: did you mean true?',
      '3:50: unknown name "kys"; expected one of format, url, keys, signed: did you mean keys?',
    ],
  ],
  [
    'site: a\nupstreams: {x: {format: apt, url: u, keys: []}}',
    [
      '2:35: "url" is not of the right form; expected an address such as https://host.example.org/path/',
      '2:44: "keys" is too short a list; expected at least 1 entry',
    ],
  ],
  ['site: 1.10', ['1:7: "site" is 1.1; expected text: put it in quotes']],
  ['site: a\npackages: 5', ['2:11: "packages" is 5; expected text or a list']],
  [
    'site: a\npackages: [b, 5, {nme: c}]',
    [
      '2:15: entry 2 of "packages" is 5; expected text or a map (name: value)',
      '2:18: "name" is missing; expected text',
      '2:19: unknown name "nme"; expected name: did you mean name?',
    ],
  ],
  ['site: a\ndays: 9', ['2:7: "days" is too large; expected at most 5']],
  ['site: a\ndays: 1.5', ['2:7: "days" is 1.5; expected a whole number']],
  ['site: a\nbase: esential', ['2:7: "base" is "esential"; expected one of none, essential: did you mean essential?']],
  ['- a', ['1:1: the file is a list; expected a map (name: value)']],
  ['', ['1:1: the file is empty; expected a map (name: value)']],
]

describe('validate', () => {
  it.each(cases)('%j', (text, problems) => {
    const { document } = parseYaml(text, 'l.yaml')
    const result = validate(schema, document!)
    expect(result.value).toBeUndefined()
    expect(result.problems.map((problem) => formatProblem(problem).replace('l.yaml:', ''))).toEqual(problems)
  })

  it('answers with the value and its defaults', () => {
    const { document } = parseYaml('site: campus', 'l.yaml')
    expect(validate(schema, document!)).toEqual({ value: { site: 'campus', base: 'none' }, problems: [] })
  })
})

describe('parseSiteFile', () => {
  const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('[]', 'utf16le')])
  it.each([
    ['a.json', utf16, 'a.json:1:1: the file is encoded in UTF-16; expected UTF-8: save it again in that encoding'],
    [
      'a.json',
      Buffer.from([0x5b, 0x0a, 0xff, 0x5d]),
      'a.json:2:1: the bytes here are not UTF-8; expected text in UTF-8',
    ],
    [
      'a.yaml',
      Buffer.alloc(1024 * 1024 + 1, 0x20),
      'a.yaml:1:1: the file has 1048577 bytes; expected at most 1048576 bytes',
    ],
    [
      'list.txt',
      Buffer.from('nmap'),
      'list.txt:1:1: the name of the file does not tell what is in it; expected a name that ends in .json, .yaml or .yml',
    ],
  ])('%s', (file, bytes, problem) => {
    const parsed = parseSiteFile(bytes, file)
    expect(parsed.document).toBeUndefined()
    expect(parsed.problems.map(formatProblem)).toEqual([problem])
  })
})
