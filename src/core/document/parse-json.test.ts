import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatProblem } from '../problem.ts'
import { parseJson } from './parse-json.ts'

/** Text, what is read all the same (undefined: nothing, since it would be a guess), places and words. */
const mistakes: [string, unknown, string[]][] = [
  ['["a","b",]', ['a', 'b'], ['1:9: a comma after the last entry; expected no comma before ]']],
  ['{"a":1,}', { a: 1 }, ['1:7: a comma after the last entry; expected no comma before }']],
  ['["a"\n  "b"]', ['a', 'b'], ['1:5: a comma is missing; expected a comma between entries']],
  ['{"a":1 "b":2}', { a: 1, b: 2 }, ['1:7: a comma is missing; expected a comma between entries']],
  ['["a",,"b"]', ['a', 'b'], ['1:6: a comma too many']],
  ['[,1]', [1], ['1:2: a comma too many']],
  ['[1;2]', [1, 2], ['1:3: a semicolon; expected a comma between entries']],
  [`['it\\'s']`, ["it's"], [`1:2: text in ' quotes; expected text in double quotes (")`]],
  ['[“nginx”]', ['nginx'], ['1:2: text in typographic quotes; expected text in double quotes (")']],
  ['[nmap]', ['nmap'], ['1:2: "nmap" without quotes; expected text in double quotes']],
  ['{a: 1}', { a: 1 }, ['1:2: the name "a" without quotes; expected a name in double quotes']],
  ['{"a" = 1}', { a: 1 }, ['1:6: = after "a"; expected a colon']],
  ['{"a" 1}', { a: 1 }, ['1:5: a colon is missing after "a"']],
  ['{"a":1,\n"a":2}', { a: 1 }, ['2:1: "a" is given twice, first in line 1; expected each name once']],
  [
    '[1 // x\n,2]',
    [1, 2],
    ['1:4: JSON has no comments; expected nothing here; larder.yaml and YAML lists may have comments'],
  ],
  ['["a\tb"]', ['a\tb'], ['1:4: a control character (U+0009) in text; expected a blank, or \\t']],
  [
    '["\\d"]',
    ['\\d'],
    ['1:3: a backslash that begins no escape of JSON; expected two backslashes (\\\\) for a backslash'],
  ],
  ['[1\u00a0]', [1], ['1:3: a character that only looks like a blank (U+00A0); expected a blank']],
  [
    '["a\n,"b",\n]',
    undefined,
    [
      '1:2: text that is not closed on its line; expected a closing "',
      '2:5: a comma after the last entry; expected no comma before ]',
    ],
  ],
  [
    '["nmap, "nginx"]',
    undefined,
    ['1:9: a quote that ends a text and has more right behind it; expected a " around each text'],
  ],
  ['{"a"}', undefined, ['1:2: "a" has no value; expected a colon and a value after it']],
  ['\n[1,2', undefined, ['2:1: this [ is never closed; expected a ] in the end']],
  ['{"a":[1,2}', undefined, ['1:10: unexpected }; expected a ] for the [ of line 1']],
  ['{"a":1]', undefined, ['1:7: unexpected ]; expected a } for the { of line 1']],
  ['[1.22.1-9]', undefined, ['1:2: "1.22.1-9" is not a number; expected text in double quotes: "1.22.1-9"']],
  ['[constructor]', ['constructor'], ['1:2: "constructor" without quotes; expected text in double quotes']],
  ['[True]', undefined, ['1:2: "True" is not JSON: did you mean true?']],
  ['[1] [2]', undefined, ['1:5: more text after the end of the document']],
  ['', undefined, ['1:1: the file is empty; expected [] for nothing']],
  ['{"__proto__":1}', undefined, ['1:2: the name "__proto__" is not allowed']],
  ['['.repeat(65) + ']'.repeat(65), undefined, ['1:65: nested more deeply than 64']],
]

describe('parseJson', () => {
  it.each(mistakes)('%j', (text, value, problems) => {
    const parsed = parseJson(text, 'p.json')
    expect(parsed.problems.map((problem) => formatProblem(problem).replace('p.json:', ''))).toEqual(problems)
    expect(parsed.document?.value).toEqual(value)
  })

  it('tells of several mistakes in one go, at most 100', () => {
    expect(parseJson('[nmap,\n "nginx"\n "curl",\n]', 'p.json').problems.map(({ line }) => line)).toEqual([1, 2, 3])
    expect(parseJson(`[${'nmap,'.repeat(1_000)}]`, 'p.json').problems).toHaveLength(100)
  })

  it('knows the place of every value and name, with CRLF and a byte order mark', () => {
    const { document } = parseJson('\ufeff{\r\n  "a": [1, {"b": "x"}],\r\n  "c": null\r\n}', 'p.json')
    expect(document?.positionOf([])).toEqual({ line: 1, column: 1 })
    expect(document?.positionOf(['a', 1, 'b'])).toEqual({ line: 2, column: 18 })
    expect(document?.positionOf(['a', 1, 'b'], 'key')).toEqual({ line: 2, column: 13 })
    expect(document?.positionOf(['c'], 'key')).toEqual({ line: 3, column: 3 })
    expect(document?.positionOf(['a', 7, 'z'])).toEqual({ line: 2, column: 8 })
  })

  it('reads what JSON.parse reads', () => {
    const indents = fc.constantFrom(undefined, 1, '\t')
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), indents, (value, indent) => {
        const text = JSON.stringify(value, null, indent)
        fc.pre(!text.includes('__proto__'))
        const parsed = parseJson(text, 'p.json')
        expect(parsed.problems).toEqual([])
        expect(parsed.document?.value).toEqual(JSON.parse(text))
      }),
    )
  })

  it('finds a mistake in all that JSON.parse refuses, and in nothing else but names given twice', () => {
    const piece = fc.constantFrom(
      ...['[', ']', '{', '}', ',', ':', '"', "'", '\\', '"a"', '"b":', 'true', 'nul', '1', '-', '1e', '0', '.', '//'],
      ...['/*', '*/', '#', '\n', ' ', '\t', '\u0000', '\u00a0', '“', ';', '=', 'x', '\\u12', '\ud800', '{"a":', '["'],
    )
    const text = fc.oneof(
      fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join('')),
      fc.string(),
    )
    fc.assert(
      fc.property(text, (written) => {
        const { problems, document } = parseJson(written, 'p.json')
        const judged = judge(written)
        if (!judged.valid) expect(problems).not.toEqual([])
        else if (problems.length === 0) expect(document?.value).toEqual(judged.value)
        else expect(problems.every(({ message }) => message.includes('given twice'))).toBe(true)
      }),
      { numRuns: 5_000 },
    )
  })
})

function judge(text: string): { valid: boolean; value?: unknown } {
  try {
    return { valid: true, value: JSON.parse(text) as unknown }
  } catch {
    return { valid: false }
  }
}
