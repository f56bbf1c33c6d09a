import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isLarderError } from '../core/index.ts'
import { parseDependency } from './parse-dependency.ts'
import { formatDependency, isRich, overlaps, type Capability } from './relation.ts'

const capability = (text: string): Capability => {
  const parsed = parseDependency(text)
  if (isRich(parsed)) throw new Error(`${text} is rich`)
  return parsed
}

describe('overlaps', () => {
  it.each([
    ['a', 'a', true],
    ['a', 'b', false],
    ['a', 'a >= 5', true],
    ['a = 1', 'a', true],
    ['a = 1', 'a = 1', true],
    ['a = 1', 'a > 1', false],
    ['a = 1-2', 'a = 1', true],
    ['a = 1', 'a = 1-2', true],
    ['a = 1-2', 'a = 1-3', false],
    ['a = 1-2', 'a > 1', false],
    ['a = 1', 'a > 1-2', true],
    ['a > 1', 'a = 1-2', false],
    ['a > 1-2', 'a <= 1', true],
    ['a < 1', 'a >= 1', false],
    ['a = 1:1', 'a = 1', false],
    ['a = 1:1', 'a >= 2', true],
    ['a = 0:1', 'a = 1', true],
    ['a >= 3', 'a < 2', false],
    ['a >= 3', 'a < 4', true],
    ['a <= 3', 'a >= 3', true],
    ['a < 3', 'a >= 3', false],
    ['a < 3', 'a < 3', true],
    ['a = 1.0~rc1', 'a >= 1.0', false],
  ])('%s for %s: %s', (provided, required, expected) => {
    expect(overlaps(capability(provided), capability(required))).toBe(expected)
  })
})

describe('parseDependency', () => {
  it.each([
    'bash',
    'pkgconfig(gtk+-3.0) >= 3.24',
    'libc.so.6(GLIBC_2.34)(64bit)',
    '/usr/bin/env',
    '(a if b)',
    '(a if b else c)',
    '(a unless b else c)',
    '(a and b and c)',
    '(pkgconfig(x) >= 2:1.0-1 with pkgconfig(x) < 3)',
    '((a or b) without (c and d))',
    '(font(:lang=en) or font(x))',
  ])('%s', (text) => {
    expect(formatDependency(parseDependency(text))).toBe(text)
  })

  it('leaves blanks and needless brackets out', () => {
    expect(formatDependency(parseDependency('(  a   or ( b  >= 0:1 ) )'))).toBe('(a or b >= 1)')
  })

  it.each([
    '',
    'a b',
    'a >=',
    'a >= 1 2',
    '(',
    '()',
    '(a',
    '(a and',
    '(a and )',
    '(a and b or c)',
    '(a if b if c)',
    '(a b)',
    '(a) b',
    '(a >= )',
    '(a without b without c)',
  ])('refuses %j', (text) => {
    expect(() => parseDependency(text)).toThrow(expect.objectContaining({ code: 'RPM_DEPENDENCY_MALFORMED' }))
  })

  it('answers or refuses whatever it is given, and what it answers it reads again', () => {
    const text = fc.oneof(
      fc.string({ maxLength: 30 }),
      fc
        .array(fc.constantFrom('(', ')', ' ', 'a', 'and', 'or', 'if', 'else', 'with', '>=', '1-2', 'f(x)'))
        .map((words) => words.join(' ')),
      fc.nat(200).map((depth) => '('.repeat(depth) + 'a' + ')'.repeat(depth)),
    )
    fc.assert(
      fc.property(text, (drawn) => {
        try {
          const parsed = parseDependency(drawn)
          expect(parseDependency(formatDependency(parsed))).toEqual(parsed)
        } catch (error) {
          if (!isLarderError(error, 'RPM_DEPENDENCY_MALFORMED')) throw error
        }
      }),
      { numRuns: 3000 },
    )
  })
})
