import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatProblem } from '../problem.ts'
import { parseYaml } from './parse-yaml.ts'

const refused: [string, string[]][] = [
  ['a:\n\tb: 1\n', ['2:1: a tab at the beginning of the line; expected blanks: YAML is not indented with tabs']],
  ['a: {b: 1\nc: 2\n', ['2:1: a list or map in brackets is not closed before this; expected a } before it']],
  ['a: b: c\n', ['1:4: a second colon in one line; expected quotes around the value, or a new line']],
  ['a: "x\nb: 1', ['2:5: text that is not closed; expected a closing quote']],
  ['a: 1\n---\nb: 2', ['2:1: a second document begins here; expected one document: no --- within the file']],
  ['b: 1\na: *y\n', ['2:4: the alias *y has no anchor before it']],
  ['a: &a [*a]', ['1:8: the alias *a is within itself']],
  ['? [a]\n: 1', ['1:3: a name that is no plain text; expected a word before the colon']],
  ['a: !foo bar', ['1:4: a tag (!); expected a value without a tag, or quotes around it']],
  [
    'a:\n  - b\n c: 1\n',
    ['3:1: this line begins in another column than those it belongs to; expected the same indentation'],
  ],
  ['<<: {a: 1}\nb: 1', ['1:1: merge keys (<<) are not supported']],
  ['%YAML 1.1\n---\na: yes', ['1:1: a directive (%); expected quotes around a value that begins with %']],
  ['a: @b', ['1:4: a value that begins with @; expected quotes around it']],
  ['a: "\\q"', ['1:5: a backslash that begins no escape; expected two backslashes, or single quotes']],
  ['a: [1,,2]', ['1:7: unexpected , here']],
  ['site:campus\nb: c', ['1:1: no blank after "site:"; expected a blank after the colon']],
  ['a: .inf', ['1:4: not a finite number']],
  ['a\rb', ['1:2: a carriage return (U+000D) that ends no line; expected lines that end with U+000A']],
  ['__proto__: 1', ['1:1: the name "__proto__" is not allowed']],
  [
    'a: @b\nc: @d\n',
    [
      '1:4: a value that begins with @; expected quotes around it',
      '2:4: a value that begins with @; expected quotes around it',
    ],
  ],
]

describe('parseYaml', () => {
  it.each(refused)('refuses %j', (text, problems) => {
    const parsed = parseYaml(text, 'l.yaml')
    expect(parsed.problems.map((problem) => formatProblem(problem).replace('l.yaml:', ''))).toEqual(problems)
    expect(parsed.document).toBeUndefined()
  })

  it.each([
    ['a: 010\nb: yes\nc: ~\n1: x', { '1': 'x', a: 10, b: 'yes', c: null }],
    ['a: &x [1, {b: c}]\nd: *x', { a: [1, { b: 'c' }], d: [1, { b: 'c' }] }],
    ['', null],
    ['# nothing\n', null],
    ['\ufeffa: 1\r\nb:\r\n  - c\r\n', { a: 1, b: ['c'] }],
  ])('reads %j', (text, value) => {
    expect(parseYaml(text, 'l.yaml')).toMatchObject({ problems: [], document: { value } })
  })

  it('goes on after a name given twice, so that the rest is checked too', () => {
    const { document, problems } = parseYaml('a: 1\nb: 2\na: 3\n', 'l.yaml')
    expect(problems.map((problem) => formatProblem(problem))).toEqual([
      'l.yaml:3:1: "a" is given twice, first in line 1; expected each name once',
    ])
    expect(document?.value).toEqual({ a: 1, b: 2 })
  })

  it('knows the place of every value and name', () => {
    const { document } = parseYaml('# top\na:\n  - 1\n  - { b: x }\nc:\n', 'l.yaml')
    expect(document?.positionOf([])).toEqual({ line: 2, column: 1 })
    expect(document?.positionOf(['a', 1, 'b'])).toEqual({ line: 4, column: 10 })
    expect(document?.positionOf(['a', 1, 'b'], 'key')).toEqual({ line: 4, column: 7 })
    expect(document?.positionOf(['c'], 'key')).toEqual({ line: 5, column: 1 })
    expect(document?.positionOf(['a', 9])).toEqual({ line: 3, column: 3 })
  })

  it.each([
    ['aliases', aliasBomb()],
    ['brackets', '['.repeat(500_000)],
    ['brackets that are closed', '['.repeat(70) + ']'.repeat(70)],
    ['lists', '- '.repeat(20_000)],
    ['maps', Array.from({ length: 3_000 }, (_, depth) => `${' '.repeat(depth)}a:\n`).join('')],
  ])('refuses a bomb of %s', (_what, text) => {
    const { document, problems } = parseYaml(text, 'l.yaml')
    expect(document).toBeUndefined()
    expect(problems[0]?.message).toMatch(/aliases that stand for more than 10000 values|nested/)
  })

  it('never throws', () => {
    const piece = fc.constantFrom(
      ...['a', ':', ': ', '- ', '[', ']', '{', '}', ',', '"', "'", '&x ', '*x', '!t ', '#', ' #', '\n', '\n  ', '\t'],
      ...['---\n', '...\n', '%', '|', '>', '\\', '?', '? ', '<<: ', '~', '1', '.nan', '\u0000', '\ud800', '\r', '@'],
    )
    const text = fc.oneof(
      fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join('')),
      fc.string(),
    )
    fc.assert(
      fc.property(text, (written) => {
        const { document, problems } = parseYaml(written, 'l.yaml')
        expect(document !== undefined || problems.length > 0).toBe(true)
        expect(problems.every(({ line, column }) => line >= 1 && column >= 1)).toBe(true)
        if (document !== undefined) expect(() => JSON.stringify(document.value)).not.toThrow()
      }),
      { numRuns: 2_000 },
    )
  })
})

function aliasBomb(): string {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]']
  for (let level = 1; level < 12; level++) {
    lines.push(
      `a${level}: &a${level} [${Array<string>(10)
        .fill(`*a${level - 1}`)
        .join(', ')}]`,
    )
  }
  return lines.join('\n')
}
